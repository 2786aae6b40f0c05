//! Bringing a schema up to date.

mod grants;
mod lock;

use std::collections::HashSet;

use liaison_types::{Error, ErrorKind, Reason, Result};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, SqliteTransactionMode,
    SqlxPostgresConnector, SqlxSqliteConnector, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::{MigratorTrait, SchemaManager, seaql_migrations};
use sqlx::pool::PoolOptions;

use crate::connect::{connect_error, create_private, postgres_options, sqlite_options};
use crate::error::DbResult;
use crate::settings::DatabaseSettings;

/// Applies the migrations of `M` that are missing and answers their names.
///
/// Any number of processes may do so at once: they take turns under a lock (an advisory lock of the
/// database on PostgreSQL, a locked file beside the database on SQLite), and whoever comes later finds
/// nothing left to do. Migrations are transactional: on PostgreSQL each one, unless it says otherwise
/// by `use_transaction`; on SQLite all of them together. Where `serving_role` is set, it is granted
/// what serving needs, each time.
///
/// # Errors
/// `UNAVAILABLE` where the database does not answer or somebody else holds the lock for ten minutes;
/// `INTERNAL` where a migration fails or the role does not exist; `SETTING_INVALID` where the settings
/// name no database; `ILLEGAL_STATE` where there is something to apply and the database also has
/// migrations this program does not know.
pub async fn migrate<M: MigratorTrait>(settings: &DatabaseSettings) -> Result<Vec<String>> {
    let violations = settings.violations("");
    if !violations.is_empty() {
        return Err(
            Error::new(ErrorKind::FailedPrecondition, Reason::SettingInvalid)
                .violations(violations),
        );
    }
    match settings.backend() {
        Some(DbBackend::Postgres) => migrate_postgres::<M>(settings).await,
        _ => migrate_sqlite::<M>(settings).await,
    }
}

async fn migrate_postgres<M: MigratorTrait>(settings: &DatabaseSettings) -> Result<Vec<String>> {
    let options = postgres_options(settings.migration_url(), settings)?;
    // The lock lives in a session of its own, so that it outlasts whatever a migration does to its.
    let lock = lock::Advisory::acquire(&options).await?;
    let pool = PoolOptions::new()
        .max_connections(1)
        .acquire_timeout(settings.acquire_timeout())
        .connect_with(options)
        .await
        .map_err(connect_error)?;
    let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
    let outcome = async {
        let names = pending_or_diverged::<M>(&connection).await?;
        if !names.is_empty() {
            M::up(&connection, None).await.db()?;
        }
        if let Some(role) = &settings.serving_role {
            grants::grant(&connection, role, &M::migration_table_name().to_string()).await?;
        }
        Ok(names)
    }
    .await;
    close(connection).await;
    lock.release().await;
    outcome
}

async fn migrate_sqlite<M: MigratorTrait>(settings: &DatabaseSettings) -> Result<Vec<String>> {
    let options = sqlite_options(settings.migration_url())?;
    create_private(options.get_filename())?;
    let _lock = lock::File::acquire(options.get_filename()).await?;
    let pool = PoolOptions::new()
        .max_connections(1)
        .acquire_timeout(settings.acquire_timeout())
        .connect_with(options)
        .await
        .map_err(connect_error)?;
    let connection = SqlxSqliteConnector::from_sqlx_sqlite_pool(pool);
    let outcome = async {
        let names = pending_or_diverged::<M>(&connection).await?;
        if !names.is_empty() {
            // By itself sea-orm migrates SQLite without a transaction.
            let options = TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            };
            let tx = connection.begin_with_options(options).await.db()?;
            M::up(&tx, None).await.db()?;
            tx.commit().await.db()?;
        }
        Ok(names)
    }
    .await;
    close(connection).await;
    outcome
}

async fn close(connection: DatabaseConnection) {
    if let Err(error) = connection.close().await.db() {
        tracing::debug!(
            reason = error.reason().as_str(),
            "closing after migrating failed"
        );
    }
}

/// The migrations of `M` that the database does not have yet, in order; it needs no more rights than
/// the serving role has. A server refuses to start while there are any.
///
/// Migrations the database has and this program does not know are no matter here: they belong to a
/// newer version that is being rolled out, and schemas only grow until the old version has gone.
///
/// # Errors
/// Where the database does not answer.
pub async fn pending<M: MigratorTrait>(db: &crate::Db) -> Result<Vec<String>> {
    Ok(state::<M>(db.reader()).await?.missing)
}

async fn pending_or_diverged<M: MigratorTrait>(
    connection: &DatabaseConnection,
) -> Result<Vec<String>> {
    let state = state::<M>(connection).await?;
    if !state.missing.is_empty() && !state.unknown.is_empty() {
        return Err(
            Error::new(ErrorKind::FailedPrecondition, Reason::IllegalState)
                .message("the database has migrations this program does not know")
                .source(format!(
                    "unknown: {}; missing: {}",
                    state.unknown.join(", "),
                    state.missing.join(", ")
                )),
        );
    }
    Ok(state.missing)
}

struct State {
    missing: Vec<String>,
    unknown: Vec<String>,
}

async fn state<M: MigratorTrait>(connection: &DatabaseConnection) -> Result<State> {
    let known: Vec<String> = M::migrations()
        .iter()
        .map(|m| m.name().to_owned())
        .collect();
    let table = M::migration_table_name();
    let exists = SchemaManager::new(connection)
        .has_table(table.to_string())
        .await
        .db()?;
    let applied: HashSet<String> = if exists {
        let mut select =
            sea_orm::QuerySelect::query(&mut seaql_migrations::Entity::find()).to_owned();
        select.from_clear().from(table);
        let rows = connection.query_all(&select).await.db()?;
        rows.into_iter()
            .map(|row| row.try_get("", "version").db())
            .collect::<Result<_>>()?
    } else {
        HashSet::new()
    };
    let (missing, known_names): (Vec<_>, HashSet<_>) = (
        known
            .iter()
            .filter(|name| !applied.contains(*name))
            .cloned()
            .collect(),
        known.iter().cloned().collect(),
    );
    let mut unknown: Vec<_> = applied.difference(&known_names).cloned().collect();
    unknown.sort();
    Ok(State { missing, unknown })
}
