//! Opening a database.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use liaison_types::{Error, ErrorKind, Reason, Result};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, RuntimeErr, SqlxPostgresConnector,
    SqlxSqliteConnector, Statement,
};
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Database};
use tokio::sync::Mutex;

use crate::counts::{Counts, TxCounts};
use crate::error::{DbResult, from_db};
use crate::settings::DatabaseSettings;
use crate::tx::Commit;

/// How long SQLite itself waits for another process before it says busy. In this process writers
/// queue at the gate instead.
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection unused for longer is asked whether it still lives before it is handed out. Asking
/// each time would cost every transaction a round trip.
const PING_AFTER_IDLE: Duration = Duration::from_secs(10);
/// Idle connections are closed after this long.
const IDLE_TIMEOUT: Duration = Duration::from_secs(600);
/// Every statement of a service finds its rows by an index, and a plan is kept as long as its
/// connection: one made while a table is empty would read the table from end to end long after it has
/// grown. What has no index looks so expensive then that it would be compiled first, hence the second.
/// Where a pooler hands out connections that were never told so, plans are worse and nothing is wrong.
const PLANNING: &str = "SET enable_seqscan = off; SET jit = off";
/// Prepared statements kept per connection. Bulk statements on SQLite take up to nine each.
const STATEMENT_CACHE: usize = 512;

/// An open database. Clones share it.
///
/// On SQLite one transaction writes while others read, in write-ahead mode, so that readers never wait
/// for the writer; writers of this process queue fairly at a gate, other processes at SQLite's own
/// lock. A commit is on disk when it is acknowledged (`synchronous=FULL`), unless the transaction asked
/// for [`Commit::Asynchronous`], which has a connection of its own: telling one connection time and
/// again how to commit would cost each transaction a round trip. On PostgreSQL one pool serves all.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

pub(crate) struct Inner {
    backend: DbBackend,
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    /// Commits [asynchronously](Commit::Asynchronous) on SQLite; on PostgreSQL the transaction says so.
    relaxed_writer: DatabaseConnection,
    /// Whose turn it is on SQLite, where one writes at a time; absent on PostgreSQL.
    pub(crate) gate: Option<Mutex<()>>,
    pub(crate) acquire_timeout: Duration,
    pub(crate) counts: Counts,
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Db").field(&self.0.backend).finish()
    }
}

impl Db {
    /// Opens the database. A SQLite file that does not exist is created, readable by its owner only.
    ///
    /// # Errors
    /// `SETTING_INVALID` where the settings name no usable database, `UNAVAILABLE` where it does not
    /// answer within the acquire timeout.
    pub async fn connect(settings: &DatabaseSettings) -> Result<Self> {
        let violations = settings.violations("");
        if !violations.is_empty() {
            return Err(
                Error::new(ErrorKind::FailedPrecondition, Reason::SettingInvalid)
                    .violations(violations),
            );
        }
        match settings.backend() {
            Some(DbBackend::Postgres) => Self::connect_postgres(settings).await,
            _ => Self::connect_sqlite(settings).await,
        }
    }

    async fn connect_postgres(settings: &DatabaseSettings) -> Result<Self> {
        let options = postgres_options(&settings.url, settings)?;
        let pool = pool_options(settings)
            .max_connections(settings.max_connections)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    sqlx::raw_sql(PLANNING).execute(connection).await?;
                    Ok(())
                })
            })
            .connect_with(options)
            .await
            .map_err(connect_error)?;
        let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
        warn_if_not_durable(&connection).await?;
        Ok(Self(Arc::new(Inner {
            backend: DbBackend::Postgres,
            reader: connection.clone(),
            relaxed_writer: connection.clone(),
            writer: connection,
            gate: None,
            acquire_timeout: settings.acquire_timeout(),
            counts: Counts::default(),
        })))
    }

    async fn connect_sqlite(settings: &DatabaseSettings) -> Result<Self> {
        let options = sqlite_options(&settings.url)?;
        create_private(options.get_filename())?;
        let one = || {
            pool_options(settings)
                .max_connections(1)
                .idle_timeout(None)
                .max_lifetime(None)
        };
        // The writer comes first: it switches the file to write-ahead mode.
        let writer = one()
            .connect_with(options.clone())
            .await
            .map_err(connect_error)?;
        let relaxed_writer = one()
            .connect_with(options.clone().synchronous(SqliteSynchronous::Normal))
            .await
            .map_err(connect_error)?;
        // Not opened read-only: the last connection to close the file has to be able to tidy the log.
        let reader = pool_options(settings)
            .max_connections(settings.max_connections)
            .connect_with(options.pragma("query_only", "ON"))
            .await
            .map_err(connect_error)?;
        Ok(Self(Arc::new(Inner {
            backend: DbBackend::Sqlite,
            reader: SqlxSqliteConnector::from_sqlx_sqlite_pool(reader),
            writer: SqlxSqliteConnector::from_sqlx_sqlite_pool(writer),
            relaxed_writer: SqlxSqliteConnector::from_sqlx_sqlite_pool(relaxed_writer),
            gate: Some(Mutex::default()),
            acquire_timeout: settings.acquire_timeout(),
            counts: Counts::default(),
        })))
    }

    /// For reads outside a transaction. On SQLite it refuses to write.
    #[must_use]
    pub fn reader(&self) -> &DatabaseConnection {
        &self.0.reader
    }

    /// Which database this is.
    #[must_use]
    pub fn backend(&self) -> DbBackend {
        self.0.backend
    }

    /// How the transactions fared so far, by name.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, TxCounts> {
        self.0.counts.snapshot()
    }

    /// Whether the database answers, for readiness probes.
    ///
    /// # Errors
    /// `UNAVAILABLE` where it does not within the acquire timeout.
    pub async fn ping(&self) -> Result<()> {
        self.reader().ping().await.db()
    }

    /// Waits for the connections in use and closes them all. On SQLite the write-ahead log is folded
    /// into the file.
    ///
    /// # Errors
    /// Where a connection could not be closed; nothing committed is lost by that.
    pub async fn close(&self) -> Result<()> {
        for (name, counts) in self.counts() {
            tracing::debug!(db.transaction = name, ?counts, "how {name} fared");
        }
        self.0.reader.close_by_ref().await.db()?;
        self.0.relaxed_writer.close_by_ref().await.db()?;
        self.0.writer.close_by_ref().await.db()
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
}

impl Inner {
    /// Where a transaction that commits like this begins.
    pub(crate) const fn writer(&self, commit: Commit) -> &DatabaseConnection {
        match commit {
            Commit::Synchronous => &self.writer,
            Commit::Asynchronous => &self.relaxed_writer,
        }
    }
}

/// What the pools have in common.
fn pool_options<D: Database>(settings: &DatabaseSettings) -> PoolOptions<D> {
    PoolOptions::new()
        .acquire_timeout(settings.acquire_timeout())
        .idle_timeout(IDLE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection: &mut D::Connection, meta| {
            Box::pin(async move {
                if meta.idle_for >= PING_AFTER_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}

/// Statement logging is off: the driver would print every statement at debug level, and transactions
/// have spans of their own.
pub(crate) fn postgres_options(url: &str, settings: &DatabaseSettings) -> Result<PgConnectOptions> {
    Ok(PgConnectOptions::from_str(url)
        .map_err(|error| setting_error("the database URL cannot be read", error))?
        .application_name(&settings.application_name)
        .statement_cache_capacity(STATEMENT_CACHE)
        .disable_statement_logging())
}

pub(crate) fn sqlite_options(url: &str) -> Result<SqliteConnectOptions> {
    Ok(SqliteConnectOptions::from_str(url)
        .map_err(|error| setting_error("the database URL cannot be read", error))?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(SQLITE_BUSY_TIMEOUT)
        // REPLACE fires delete triggers only with this, and append-only tables rely on them.
        .pragma("recursive_triggers", "ON")
        .pragma("temp_store", "MEMORY")
        // Folding the log into the file costs two flushes: every 16 MiB instead of every 4.
        .pragma("wal_autocheckpoint", "4096")
        .pragma("journal_size_limit", "67108864")
        .statement_cache_capacity(STATEMENT_CACHE)
        .disable_statement_logging())
}

/// Creates the file with mode 0600 where it does not exist; SQLite gives its companions the same.
pub(crate) fn create_private(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(setting_error("the database file cannot be created", error)),
    }
}

fn setting_error(message: &str, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::FailedPrecondition, Reason::SettingInvalid)
        .message(message)
        .source(source)
}

pub(crate) fn connect_error(error: sqlx::Error) -> Error {
    from_db(DbErr::Conn(RuntimeErr::SqlxError(error.into())))
}

/// An acknowledgement promises that the work is on disk. We do not change the server's settings
/// (through a pooler we could not); we say where they break the promise.
async fn warn_if_not_durable(connection: &DatabaseConnection) -> Result<()> {
    let row = connection
        .query_one_raw(Statement::from_string(
            DbBackend::Postgres,
            "SELECT current_setting('fsync'), current_setting('synchronous_commit')",
        ))
        .await
        .db()?;
    if let Some(row) = row {
        let fsync: String = row.try_get_by_index(0).db()?;
        let commit: String = row.try_get_by_index(1).db()?;
        if fsync == "off" || commit == "off" {
            tracing::warn!(
                fsync,
                synchronous_commit = commit,
                "the database acknowledges before the work is on disk; a crash can lose it",
            );
        }
    }
    Ok(())
}
