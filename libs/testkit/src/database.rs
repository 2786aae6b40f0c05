//! A database for one test.

use std::env;
use std::thread;

use liaison_store::{DatabaseSettings, Db, DbBackend, migrate};
use liaison_types::{Random as _, SystemRandom};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database};
use sea_orm_migration::MigratorTrait;
use tempfile::TempDir;
use url::Url;

use crate::backend::run;

/// The environment variable that names a PostgreSQL server for tests: a URL whose role may create
/// databases.
pub const POSTGRES_URL: &str = "LIAISON_TEST_POSTGRES_URL";

/// An empty database that nobody else uses: a SQLite file, or a fresh database on the PostgreSQL
/// server of [`POSTGRES_URL`]. It is removed when this is dropped, whoever is still connected.
#[derive(Debug)]
pub struct TestDatabase {
    settings: DatabaseSettings,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Folder(#[expect(dead_code, reason = "removes the folder when it is dropped")] TempDir),
    Server { admin: String, name: String },
}

impl TestDatabase {
    /// A database of this kind.
    ///
    /// # Panics
    /// Where it cannot be made; for PostgreSQL with a message that says how to name a server.
    pub async fn new(backend: DbBackend) -> Self {
        match backend {
            DbBackend::Postgres => Self::postgres().await,
            _ => Self::sqlite(),
        }
    }

    /// A SQLite file in a folder of its own.
    ///
    /// # Panics
    /// Where the folder cannot be made.
    #[must_use]
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let file = folder.path().join("test.db");
        let url = format!("sqlite://{}", file.display());
        Self {
            settings: DatabaseSettings::new(url),
            place: Place::Folder(folder),
        }
    }

    /// A database on the PostgreSQL server of [`POSTGRES_URL`].
    ///
    /// # Panics
    /// Where the variable is absent or the server refuses.
    pub async fn postgres() -> Self {
        let admin = server();
        let mut bytes = [0; 8];
        SystemRandom.fill(&mut bytes);
        let name = format!("liaison_test_{:016x}", u64::from_be_bytes(bytes));
        let mut url = Url::parse(&admin)
            .unwrap_or_else(|error| panic!("{POSTGRES_URL} is not a URL: {error}"));
        // From template0: copying template1 fails while anybody is connected to it.
        execute(
            &admin,
            &format!("CREATE DATABASE {name} TEMPLATE template0"),
        )
        .await;
        url.set_path(&name);
        let mut settings = DatabaseSettings::new(url);
        settings.max_connections = 8;
        Self {
            settings,
            place: Place::Server { admin, name },
        }
    }

    /// How to connect; change a copy to connect otherwise.
    #[must_use]
    pub fn settings(&self) -> &DatabaseSettings {
        &self.settings
    }

    /// Which kind it is.
    #[must_use]
    pub fn backend(&self) -> DbBackend {
        match self.place {
            Place::Folder(_) => DbBackend::Sqlite,
            Place::Server { .. } => DbBackend::Postgres,
        }
    }

    /// Connects. Each call opens a pool of its own, as another process would.
    ///
    /// # Panics
    /// Where that fails.
    pub async fn connect(&self) -> Db {
        Db::connect(&self.settings)
            .await
            .unwrap_or_else(|error| panic!("{}", error.chain()))
    }

    /// Applies the migrations of `M` and connects.
    ///
    /// # Panics
    /// Where that fails.
    pub async fn migrated<M: MigratorTrait>(&self) -> Db {
        migrate::<M>(&self.settings)
            .await
            .unwrap_or_else(|error| panic!("{}", error.chain()));
        self.connect().await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Place::Server { admin, name } = &self.place else {
            return;
        };
        // On a thread of its own: dropping may happen inside a runtime, which cannot be blocked on.
        let dropped = thread::scope(|scope| {
            scope
                .spawn(|| {
                    let text = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                    run(execute(admin, &text));
                })
                .join()
        });
        if dropped.is_err() && !thread::panicking() {
            panic!("the test database {name} could not be dropped");
        }
    }
}

/// The URL in [`POSTGRES_URL`].
///
/// # Panics
/// Where there is none, with a message that says how to name a server.
#[must_use]
pub fn server() -> String {
    env::var(POSTGRES_URL)
        .ok()
        .filter(|url| !url.is_empty())
        .unwrap_or_else(|| {
            panic!(
                "this test needs a PostgreSQL server: set {POSTGRES_URL} to its URL, for example \
             postgres://postgres@127.0.0.1:5432/postgres (the role must be able to create \
             databases), or let tests/run start one"
            )
        })
}

async fn execute(server: &str, statement: &str) {
    let mut options = ConnectOptions::new(server);
    options.max_connections(1).sqlx_logging(false);
    let connection = Database::connect(options)
        .await
        .unwrap_or_else(|error| panic!("the server of {POSTGRES_URL} does not answer: {error}"));
    connection
        .execute_unprepared(statement)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
    let _ = connection.close().await;
}
