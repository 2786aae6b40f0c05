//! Tests on both databases.

use std::fmt;
use std::future::Future;

pub use crate::database::TestDatabase;

/// A kind of database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backend {
    /// Files.
    Sqlite,
    /// Databases on the server of [`POSTGRES_URL`](crate::database::POSTGRES_URL).
    Postgres,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// What a test of [`both_backends!`](crate::both_backends) is given.
pub trait Given: Sized {
    /// One for a test on `backend`.
    fn on(backend: Backend) -> impl Future<Output = Self>;
}

impl Given for Backend {
    async fn on(backend: Backend) -> Self {
        backend
    }
}

impl Given for TestDatabase {
    async fn on(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => Self::sqlite(),
            Backend::Postgres => Self::postgres().await,
        }
    }
}

/// Runs a future to its end, on a runtime of its own with two threads.
///
/// # Panics
/// Where the future does.
pub fn run<R: Future>(future: R) -> R::Output {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be made")
        .block_on(future)
}

/// Runs one test on `backend`. What [`both_backends!`](crate::both_backends) calls.
///
/// # Panics
/// Where the test does.
pub fn run_on<T: Given, R: Future<Output = ()>>(backend: Backend, test: impl FnOnce(T) -> R) {
    run(async { test(T::on(backend).await).await });
}

/// Makes two tests of each async function, `name::sqlite` and `name::postgres`. Its parameter is a
/// `TestDatabase`, an empty [database](TestDatabase) that lives as long as the test keeps it, or the
/// [`Backend`] itself, for tests that make their databases in another way. Neither needs an import.
///
/// ```
/// liaison_testkit::both_backends! {
///     /// What this is about.
///     async fn it_connects(database: TestDatabase) {
///         database.connect().await.ping().await.unwrap();
///     }
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! both_backends {
    ($(
        $(#[$attribute:meta])*
        async fn $name:ident($parameter:ident: $given:ident $(,)?) $body:block
    )+) => {$(
        $(#[$attribute])*
        async fn $name($parameter: $crate::backend::$given) $body

        mod $name {
            #[test]
            fn sqlite() {
                $crate::backend::run_on($crate::backend::Backend::Sqlite, super::$name);
            }

            #[test]
            fn postgres() {
                $crate::backend::run_on($crate::backend::Backend::Postgres, super::$name);
            }
        }
    )+};
}
