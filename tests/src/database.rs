//! The databases of one suite.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;

use liaison_testkit::backend::{Backend, run};
use liaison_testkit::database::{POSTGRES_URL, server};
use liaison_types::{Random as _, SystemRandom};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};
use tokio::sync::OnceCell;
use url::Url;

use crate::addresses::SERVICES;

/// What stands in a URL template where the service's name goes.
const SERVICE: &str = "{service}";

/// An empty database for each service, which nobody else uses. Those on a server are dropped with
/// this; files go with their folder.
#[derive(Debug)]
pub struct Databases {
    place: Place,
    /// One for each service, made when it is first needed.
    connections: [OnceCell<DatabaseConnection>; 4],
}

#[derive(Debug)]
enum Place {
    Folder(PathBuf),
    Server { admin: String, template: String },
}

impl Databases {
    /// Databases of this kind; files go into `folder`.
    ///
    /// # Panics
    /// Where they cannot be made; for PostgreSQL with a message that says how to name a server.
    pub async fn new(backend: Backend, folder: &Path) -> Self {
        if backend == Backend::Sqlite {
            return Self {
                place: Place::Folder(folder.to_owned()),
                connections: Default::default(),
            };
        }
        let admin = server();
        let mut url = Url::parse(&admin).unwrap_or_else(|e| panic!("{POSTGRES_URL}: {e}"));
        let name = format!("liaison_e2e_{:016x}", SystemRandom.next_u64());
        // As a URL's path, the braces would be escaped: they are put in afterwards.
        url.set_path(&format!("{name}_SERVICE"));
        let template = url.to_string().replace("_SERVICE", &format!("_{SERVICE}"));
        let connection = connect(admin.as_str()).await;
        for service in SERVICES {
            // From template0: copying template1 fails while anybody is connected to it.
            execute(
                &connection,
                &format!("CREATE DATABASE {name}_{service} TEMPLATE template0"),
            )
            .await;
        }
        Self {
            place: Place::Server { admin, template },
            connections: Default::default(),
        }
    }

    /// The URL with `{service}` where the service's name goes; none where the program's own default
    /// does.
    #[must_use]
    pub fn template(&self) -> Option<&str> {
        match &self.place {
            Place::Folder(_) => None,
            Place::Server { template, .. } => Some(template),
        }
    }

    /// The URL of the database of `service`.
    #[must_use]
    pub fn url(&self, service: &str) -> String {
        match &self.place {
            Place::Folder(folder) => {
                format!(
                    "sqlite://{}",
                    folder.join(format!("{service}.db")).display()
                )
            }
            Place::Server { template, .. } => template.replace(SERVICE, service),
        }
    }

    /// A connection to the database of `service`, beside the service's own.
    ///
    /// # Panics
    /// Where it does not answer.
    pub async fn connection(&self, service: &str) -> &DatabaseConnection {
        let index = SERVICES.iter().position(|name| *name == service);
        let connection = &self.connections[index.expect("a service of the suite")];
        connection.get_or_init(|| connect(self.url(service))).await
    }

    /// How many rows `table` of `service` holds. A condition may stand behind its name.
    ///
    /// # Panics
    /// Where there is no such table.
    pub async fn count(&self, service: &str, table: &str) -> i64 {
        let connection = self.connection(service).await;
        let text = format!("SELECT count(*) FROM {table}");
        connection
            .query_one_raw(Statement::from_string(
                connection.get_database_backend(),
                text,
            ))
            .await
            .unwrap_or_else(|error| panic!("{table} of {service}: {error}"))
            .expect("a count has one row")
            .try_get_by_index(0)
            .expect("a count is a number")
    }

    /// What is still under way, by place: events in outboxes, cases that wait to be classified.
    /// Where it is empty, nothing happens any more unless somebody calls.
    ///
    /// # Panics
    /// Where a database does not answer.
    pub async fn under_way(&self) -> BTreeMap<String, i64> {
        let before = self.received().await;
        let mut under_way = BTreeMap::new();
        // Cases first: what leaves them goes through an outbox.
        for (service, table) in [
            ("classification", "referral_case WHERE state = 'PENDING'"),
            ("intake", "outbox"),
            ("classification", "outbox"),
            ("routing", "outbox"),
            ("notification", "outbox"),
        ] {
            let rows = self.count(service, table).await;
            if rows > 0 {
                under_way.insert(format!("{service}.{table}"), rows);
            }
        }
        // What moved on behind our back while we looked was received somewhere.
        let moved = self.received().await - before;
        if moved > 0 {
            under_way.insert("received meanwhile".to_owned(), moved);
        }
        under_way
    }

    /// How many events were ever received, by all services together.
    async fn received(&self) -> i64 {
        let mut received = 0;
        for service in SERVICES {
            received += self.count(service, "inbox").await;
        }
        received
    }
}

impl Drop for Databases {
    fn drop(&mut self) {
        let Place::Server { admin, template } = &self.place else {
            return;
        };
        // On a thread of its own: dropping may happen inside a runtime, which cannot be blocked on.
        let dropped = thread::scope(|scope| {
            scope
                .spawn(|| {
                    run(async {
                        let server = connect(admin.as_str()).await;
                        for service in SERVICES {
                            let url = template.replace(SERVICE, service);
                            let name = url.rsplit('/').next().unwrap_or_default();
                            let text = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                            execute(&server, &text).await;
                        }
                        close(server).await;
                    });
                })
                .join()
        });
        if dropped.is_err() && !thread::panicking() {
            panic!("the test databases could not be dropped");
        }
    }
}

async fn connect(url: impl Into<String>) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options)
        .await
        .unwrap_or_else(|e| panic!("a database does not answer: {e}"))
}

async fn execute(connection: &DatabaseConnection, text: &str) {
    connection
        .execute_unprepared(text)
        .await
        .unwrap_or_else(|error| panic!("{text}: {error}"));
}

async fn close(connection: DatabaseConnection) {
    // It ends with the program at the latest.
    let _ = connection.close().await;
}
