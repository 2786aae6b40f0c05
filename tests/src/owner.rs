//! What somebody can do to the databases who owns the tables: the database's own refusals do not hold
//! them, only signatures and seals do.

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, QueryResult, Statement};
use uuid::Uuid;

use crate::database::Databases;

impl Databases {
    /// Runs `sql` (one statement or several) in one transaction, with every trigger of `table` of
    /// `service` out of the way, and puts the triggers back.
    ///
    /// # Panics
    /// Where the database refuses.
    pub async fn tamper(&self, service: &str, table: &str, sql: &str) {
        let connection = self.connection(service).await;
        let (disarm, arm) = match connection.get_database_backend() {
            DbBackend::Postgres => postgres_triggers(connection, table).await,
            _ => sqlite_triggers(connection, table).await,
        };
        let begin = match connection.get_database_backend() {
            DbBackend::Postgres => "BEGIN",
            _ => "BEGIN IMMEDIATE",
        };
        let text = format!("{begin};\n{disarm}\n{sql};\n{arm}\nCOMMIT;");
        connection
            .execute_unprepared(&text)
            .await
            .unwrap_or_else(|error| panic!("{error}: {text}"));
    }

    /// The rows that `sql` asks for.
    ///
    /// # Panics
    /// Where the database refuses.
    pub async fn rows(&self, service: &str, sql: &str) -> Vec<QueryResult> {
        let connection = self.connection(service).await;
        query(connection, sql).await
    }

    /// `bytes` as they are written in SQL.
    pub async fn blob(&self, service: &str, bytes: &[u8]) -> String {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self.connection(service).await.get_database_backend() {
            DbBackend::Postgres => format!("'\\x{hex}'::bytea"),
            _ => format!("X'{hex}'"),
        }
    }

    /// `id` as it is written in SQL.
    pub async fn uuid(&self, service: &str, id: Uuid) -> String {
        match self.connection(service).await.get_database_backend() {
            DbBackend::Postgres => format!("'{id}'::uuid"),
            _ => self.blob(service, id.as_bytes()).await,
        }
    }
}

/// What takes the triggers away, and what puts them back.
async fn postgres_triggers(connection: &DatabaseConnection, table: &str) -> (String, String) {
    let found = format!(
        "SELECT tgname::text FROM pg_trigger WHERE tgrelid = '{table}'::regclass AND NOT tgisinternal"
    );
    let (mut disarm, mut arm) = (String::new(), String::new());
    for row in query(connection, &found).await {
        let name: String = row.try_get_by_index(0).expect("a trigger has a name");
        disarm.push_str(&format!(
            "ALTER TABLE {table} DISABLE TRIGGER \"{name}\";\n"
        ));
        arm.push_str(&format!(
            "ALTER TABLE {table} ENABLE ALWAYS TRIGGER \"{name}\";\n"
        ));
    }
    (disarm, arm)
}

async fn sqlite_triggers(connection: &DatabaseConnection, table: &str) -> (String, String) {
    let found = format!(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{table}'"
    );
    let (mut disarm, mut arm) = (String::new(), String::new());
    for row in query(connection, &found).await {
        let name: String = row.try_get_by_index(0).expect("a trigger has a name");
        let made: String = row.try_get_by_index(1).expect("a trigger has a text");
        disarm.push_str(&format!("DROP TRIGGER \"{name}\";\n"));
        arm.push_str(&format!("{made};\n"));
    }
    (disarm, arm)
}

async fn query(connection: &DatabaseConnection, sql: &str) -> Vec<QueryResult> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection
        .query_all_raw(statement)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}
