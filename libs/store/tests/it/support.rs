//! Ways past the store.

use liaison_store::DbBackend;
use liaison_testkit::database::TestDatabase;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};

/// Which database the test runs on.
pub fn is_postgres(database: &TestDatabase) -> bool {
    database.backend() == DbBackend::Postgres
}

/// A connection past the store, with the rights of the owner.
pub async fn plain(database: &TestDatabase) -> DatabaseConnection {
    let url = &database.settings().url;
    Database::connect(url).await.expect("connects")
}

/// Runs `sql` there.
pub async fn run(connection: &DatabaseConnection, sql: &str) {
    connection.execute_unprepared(sql).await.expect(sql);
}
