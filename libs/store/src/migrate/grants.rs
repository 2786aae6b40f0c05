//! What the serving role may do on PostgreSQL.

use liaison_types::{Error, ErrorKind, Reason, Result};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionOptions,
    TransactionTrait, Value,
};

use crate::error::DbResult;
use crate::migration::{APPEND_ONLY, KEEPS_ROWS};

/// Grants `role` what serving needs on every table of the schema, and takes what it does not need:
/// ordinary tables SELECT, INSERT, UPDATE, DELETE; those that keep their rows all but DELETE;
/// append-only ones SELECT and INSERT; the table of migrations SELECT. All at once, so that a running server never finds itself without.
pub(super) async fn grant(
    connection: &DatabaseConnection,
    role: &str,
    migrations: &str,
) -> Result<()> {
    let tx = connection
        .begin_with_options(TransactionOptions::default())
        .await
        .db()?;
    let known = tx
        .query_one_raw(statement(
            "SELECT 1 FROM pg_roles WHERE rolname = $1",
            vec![role.into()],
        ))
        .await
        .db()?;
    if known.is_none() {
        return Err(
            Error::new(ErrorKind::FailedPrecondition, Reason::SettingInvalid)
                .message("the serving role does not exist in the database"),
        );
    }
    // Quoting is the server's, so that no name can break out of the statement.
    let rows = tx
        .query_all_raw(statement(
            "SELECT format('%I.%I', n.nspname, c.relname), quote_ident($1), c.relname, \
                    EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = $2), \
                    EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = $3) \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') ORDER BY c.relname",
            vec![role.into(), APPEND_ONLY.into(), KEEPS_ROWS.into()],
        ))
        .await
        .db()?;
    for row in rows {
        let table: String = row.try_get_by_index(0).db()?;
        let role: String = row.try_get_by_index(1).db()?;
        let name: String = row.try_get_by_index(2).db()?;
        let append_only: bool = row.try_get_by_index(3).db()?;
        let keeps_rows: bool = row.try_get_by_index(4).db()?;
        let rights = match (name == migrations, append_only, keeps_rows) {
            (true, ..) => "SELECT",
            (false, true, _) => "SELECT, INSERT",
            (false, false, true) => "SELECT, INSERT, UPDATE",
            (false, false, false) => "SELECT, INSERT, UPDATE, DELETE",
        };
        tx.execute_unprepared(&format!(
            "REVOKE ALL ON TABLE {table} FROM {role}; GRANT {rights} ON TABLE {table} TO {role}"
        ))
        .await
        .db()?;
    }
    let row = tx
        .query_one_raw(statement(
            "SELECT format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), $1::text)",
            vec![role.into()],
        ))
        .await
        .db()?;
    if let Some(row) = row {
        let usage: String = row.try_get_by_index(0).db()?;
        tx.execute_unprepared(&usage).await.db()?;
    }
    tx.commit().await.db()
}

fn statement(sql: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}
