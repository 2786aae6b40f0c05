//! Tests on both databases.

use std::fmt;
use std::future::Future;

/// A kind of database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backend {
    /// One file per service.
    Sqlite,
    /// One database per service on the server that `LIAISON_TEST_POSTGRES_URL` names.
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

/// Runs one test to its end on a runtime of its own. What [`on_both!`](crate::on_both) calls.
///
/// # Panics
/// Where the test does.
pub fn run<R: Future<Output = ()>>(test: R) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be made")
        .block_on(test);
}

/// Makes a module of each async test with the tests `sqlite` and `postgres` in it.
#[macro_export]
macro_rules! on_both {
    ($(
        $(#[$attribute:meta])*
        async fn $name:ident($backend:ident: Backend) $body:block
    )+) => {$(
        $(#[$attribute])*
        mod $name {
            #[expect(clippy::allow_attributes, reason = "not every test uses what is beside it")]
            #[allow(unused_imports, reason = "not every test uses what is beside it")]
            use super::*;

            async fn test($backend: $crate::Backend) $body

            #[test]
            fn sqlite() {
                $crate::run(test($crate::Backend::Sqlite));
            }

            #[test]
            fn postgres() {
                $crate::run(test($crate::Backend::Postgres));
            }
        }
    )+};
}
