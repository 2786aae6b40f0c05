//! Write transactions: named, traced, repeated where repeating helps.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use liaison_types::{Backoff, Error, Result, SystemRandom};
use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use tracing::{Instrument, Span};

use crate::connect::Db;
use crate::deferred::{Deferred, bundled, expect_rows};
use crate::error::{BUSY_RETRY_AFTER, Repeat, from_db, outcome_unknown, repeat};

/// A transaction is attempted at most this often.
pub const MAX_ATTEMPTS: u32 = 10;
/// No further attempt begins later than this after the first one.
const MAX_ELAPSED: Duration = Duration::from_secs(15);
const RETRY_BASE: Duration = Duration::from_millis(2);
const RETRY_MAX: Duration = Duration::from_millis(200);

/// When a commit is acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Commit {
    /// Once it is on disk: nothing but a lost disk forgets it.
    #[default]
    Synchronous,
    /// Once it is in the database's log in memory. Killing our process forgets nothing; a crash of the
    /// machine, or of the PostgreSQL server, may forget the last moments before it, but never one
    /// transaction without those after it. For what is safe to do again, and for nothing that somebody
    /// was told.
    Asynchronous,
}

/// A write transaction, as [`Db::write_tx`] hands it out.
///
/// It is a [`ConnectionTrait`]: pass `tx` wherever one is wanted. On SQLite, what
/// [`insert_all`](crate::insert_all) and [`update_all`](crate::update_all) write waits until something
/// is read or the transaction commits; where it fails, that fails. `'env` is the scope of what the
/// closure borrows.
pub struct Tx<'env> {
    inner: DatabaseTransaction,
    deferred: Mutex<Vec<Deferred>>,
    after_commit: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
    env: PhantomData<&'env ()>,
}

impl fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tx")
    }
}

#[async_trait]
impl ConnectionTrait for Tx<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.flush().await?;
        self.inner.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.flush().await?;
        self.inner.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.flush().await?;
        self.inner.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.flush().await?;
        self.inner.query_all_raw(statement).await
    }
}

impl Tx<'_> {
    /// Runs `call` once this transaction has committed, before [`Db::write_tx`] returns: for wake-ups,
    /// which would come too early inside. It is dropped unrun where the transaction is rolled back, and
    /// where nobody knows how its commit ended. It must be quick and must not panic.
    pub fn after_commit(&self, call: impl FnOnce() + Send + 'static) {
        self.after_commit
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Box::new(call));
    }

    /// Sends a statement that has to touch so many rows, at the latest with the commit.
    pub(crate) async fn send(&self, statement: Statement, rows: usize) -> Result<(), DbErr> {
        let deferred = Deferred {
            statement,
            rows: rows as u64,
        };
        if self.get_database_backend() == DbBackend::Postgres {
            return self.execute(deferred).await;
        }
        self.deferred
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(deferred);
        Ok(())
    }

    async fn flush(&self) -> Result<(), DbErr> {
        let deferred = {
            let mut deferred = self.deferred.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *deferred)
        };
        for bundle in bundled(deferred) {
            self.execute(bundle).await?;
        }
        Ok(())
    }

    async fn execute(&self, deferred: Deferred) -> Result<(), DbErr> {
        let Deferred { statement, rows } = deferred;
        let done = self.inner.execute_raw(statement).await?;
        expect_rows(done.rows_affected(), rows)
    }

    /// On SQLite the connection commits like this always.
    async fn acknowledge(&self, commit: Commit) -> Result<(), DbErr> {
        if commit == Commit::Asynchronous && self.get_database_backend() == DbBackend::Postgres {
            self.execute_unprepared("SET LOCAL synchronous_commit = off")
                .await?;
        }
        Ok(())
    }
}

impl Db {
    /// Runs `work` in one transaction and commits it, or rolls back and returns the error.
    ///
    /// `name` (`service.verb`) names the span and the counts. On SQLite the transaction takes the
    /// write lock at its beginning (`IMMEDIATE`), since one that reads first and writes later fails
    /// as soon as somebody else wrote in between.
    ///
    /// Lost races (serialization failure, deadlock, busy) and connections that broke before the
    /// commit are repeated, with jittered waits between 1 and 200 ms, up to [`MAX_ATTEMPTS`] times
    /// and for 15 seconds; a unique key that exists already is repeated once, so that work which
    /// looks before it inserts finds the row. So `work` runs more than once: it must have no effect
    /// outside `tx`. Where the connection breaks during the commit nobody knows how it ended; that is
    /// `UNAVAILABLE` and never repeated here.
    ///
    /// Dropping the future rolls back, unless the commit is already under way.
    ///
    /// ```
    /// # use liaison_store::{Db, DbResult};
    /// # use liaison_types::Result;
    /// # use sea_orm::{ConnectionTrait, Statement};
    /// async fn rename(db: &Db, from: &str, to: &str) -> Result<u64> {
    ///     // The closure borrows both names, and may be called again.
    ///     db.write_tx("example.rename", |tx| {
    ///         Box::pin(async move {
    ///             let statement = Statement::from_sql_and_values(
    ///                 tx.get_database_backend(),
    ///                 "UPDATE thing SET name = $1 WHERE name = $2",
    ///                 [to.into(), from.into()],
    ///             );
    ///             Ok(tx.execute_raw(statement).await.db()?.rows_affected())
    ///         })
    ///     })
    ///     .await
    /// }
    /// ```
    ///
    /// # Errors
    /// What `work` returned, or what the database said, as [`from_db`] puts it.
    pub async fn write_tx<'env, T, F>(&self, name: &'static str, work: F) -> Result<T>
    where
        T: Send,
        F: for<'tx> FnMut(&'tx Tx<'env>) -> BoxFuture<'tx, Result<T>> + Send,
    {
        self.write_tx_with(Commit::Synchronous, name, work).await
    }

    /// [`Db::write_tx`], acknowledged as `commit` says.
    ///
    /// # Errors
    /// As [`Db::write_tx`].
    pub async fn write_tx_with<'env, T, F>(
        &self,
        commit: Commit,
        name: &'static str,
        mut work: F,
    ) -> Result<T>
    where
        T: Send,
        F: for<'tx> FnMut(&'tx Tx<'env>) -> BoxFuture<'tx, Result<T>> + Send,
    {
        let span = tracing::info_span!(
            "db.write_tx",
            otel.name = name,
            db.transaction = name,
            db.attempts = tracing::field::Empty,
        );
        self.repeated(commit, name, &mut work)
            .instrument(span)
            .await
    }

    async fn repeated<'env, T, F>(
        &self,
        commit: Commit,
        name: &'static str,
        work: &mut F,
    ) -> Result<T>
    where
        T: Send,
        F: for<'tx> FnMut(&'tx Tx<'env>) -> BoxFuture<'tx, Result<T>> + Send,
    {
        let backoff = Backoff::new(RETRY_BASE, RETRY_MAX).expect("the constants are in order");
        let counts = &self.inner().counts;
        let started = Instant::now();
        let mut attempt = 1;
        loop {
            let outcome = self.attempt(commit, work).await;
            let error = match outcome {
                Ok(value) => {
                    Span::current().record("db.attempts", attempt);
                    counts.update(name, |c| c.committed += 1);
                    return Ok(value);
                }
                Err(Failed::Final(error)) => {
                    counts.update(name, |c| c.failed += 1);
                    return Err(error);
                }
                Err(Failed::RolledBack(error)) => error,
            };
            let again = match repeat(&error) {
                Repeat::Often => attempt < MAX_ATTEMPTS && started.elapsed() < MAX_ELAPSED,
                Repeat::Once => attempt == 1,
                Repeat::Never => false,
            };
            if !again {
                Span::current().record("db.attempts", attempt);
                counts.update(name, |c| c.failed += 1);
                return Err(error);
            }
            tracing::debug!(db.transaction = name, attempt, "transaction is repeated");
            counts.update(name, |c| c.retries += 1);
            tokio::time::sleep(backoff.delay(attempt, &SystemRandom)).await;
            attempt += 1;
        }
    }

    async fn attempt<'env, T, F>(&self, commit: Commit, work: &mut F) -> Result<T, Failed>
    where
        T: Send,
        F: for<'tx> FnMut(&'tx Tx<'env>) -> BoxFuture<'tx, Result<T>> + Send,
    {
        let inner = self.inner();
        // Held until the transaction has ended: fair, first come first served.
        let _turn = match &inner.gate {
            Some(gate) => {
                let turn = tokio::time::timeout(inner.acquire_timeout, gate.lock()).await;
                Some(turn.map_err(|_| Failed::Final(Error::overloaded(BUSY_RETRY_AFTER)))?)
            }
            None => None,
        };
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let tx = Tx {
            inner: inner
                .writer(commit)
                .begin_with_options(options)
                .await
                .map_err(|error| Failed::RolledBack(from_db(error)))?,
            deferred: Mutex::default(),
            after_commit: Mutex::default(),
            env: PhantomData,
        };
        let outcome = match tx.acknowledge(commit).await {
            Ok(()) => work(&tx).await,
            Err(error) => Err(from_db(error)),
        };
        let outcome = match outcome {
            Ok(value) => tx.flush().await.map(|()| value).map_err(from_db),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(value) => match tx.inner.commit().await {
                Ok(()) => {
                    let calls = tx.after_commit.into_inner();
                    for call in calls.unwrap_or_else(PoisonError::into_inner) {
                        call();
                    }
                    Ok(value)
                }
                Err(error) if outcome_unknown(&error) => Err(Failed::Final(from_db(error))),
                Err(error) => Err(Failed::RolledBack(from_db(error))),
            },
            Err(error) => {
                // Dropping would roll back too, but only when the connection is used next; until
                // then SQLite's write lock would be held.
                if let Err(rollback) = tx.inner.rollback().await {
                    tracing::debug!(error = %from_db(rollback), "rollback failed");
                }
                Err(Failed::RolledBack(error))
            }
        }
    }
}

/// How an attempt failed.
enum Failed {
    /// Without effect for sure.
    RolledBack(Error),
    /// Not to be repeated whatever the reason.
    Final(Error),
}

/// Checks that a statement touched as many rows as it had to.
///
/// # Errors
/// `INTERNAL` where it did not: the caller read the rows in the same transaction, so that their
/// absence is a fault of ours.
pub fn ensure_affected(actual: u64, expected: usize) -> Result<()> {
    if usize::try_from(actual) == Ok(expected) {
        Ok(())
    } else {
        Err(Error::internal(format!(
            "{actual} rows affected instead of {expected}"
        )))
    }
}
