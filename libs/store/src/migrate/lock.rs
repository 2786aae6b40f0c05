//! One migration at a time.

use std::fs::TryLockError;
use std::path::Path;
use std::time::{Duration, Instant};

use liaison_types::{Backoff, Error, ErrorKind, Reason, Result, SystemRandom};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};

use crate::connect::connect_error;

/// How long to wait for somebody else's migration.
const PATIENCE: Duration = Duration::from_secs(600);
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// The advisory lock of all migrations in one PostgreSQL database: "liaison" in ASCII.
const KEY: i64 = 0x6c_6961_6973_6f6e;

/// PostgreSQL: a session that holds the advisory lock.
///
/// It is tried in a loop and never waited for in the database: a waiting session holds a snapshot, and
/// `CREATE INDEX CONCURRENTLY` waits for those, for ever if it is the one holding the lock.
pub(super) struct Advisory(PgConnection);

impl Advisory {
    pub(super) async fn acquire(options: &PgConnectOptions) -> Result<Self> {
        let mut connection = options.connect().await.map_err(connect_error)?;
        let mut waits = Waits::new();
        loop {
            let held: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
                .bind(KEY)
                .fetch_one(&mut connection)
                .await
                .map_err(connect_error)?;
            if held {
                return Ok(Self(connection));
            }
            waits.next().await?;
        }
    }

    /// Ends the session and with it the lock.
    pub(super) async fn release(self) {
        // If the goodbye fails the server notices the closed socket.
        let _closed = self.0.close().await;
    }
}

/// SQLite: a locked file beside the database. The operating system unlocks it when it is closed, also
/// by a crash. It stays behind: removing it would race with whoever waits for it.
pub(super) struct File {
    _locked: std::fs::File,
}

impl File {
    pub(super) async fn acquire(database: &Path) -> Result<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push(".migration-lock");
        crate::connect::create_private(Path::new(&path))?;
        let file = std::fs::OpenOptions::new()
            .write(true)
            .open(&path)
            .map_err(Error::unavailable)?;
        let mut waits = Waits::new();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _locked: file }),
                Err(TryLockError::WouldBlock) => waits.next().await?,
                Err(TryLockError::Error(error)) => return Err(Error::unavailable(error)),
            }
        }
    }
}

/// Jittered waits until patience ends.
struct Waits {
    since: Instant,
    attempt: u32,
}

impl Waits {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            attempt: 0,
        }
    }

    async fn next(&mut self) -> Result<()> {
        if self.since.elapsed() > PATIENCE {
            return Err(Error::new(ErrorKind::Unavailable, Reason::Unavailable)
                .message("another migration of this database does not end"));
        }
        if self.attempt == 0 {
            tracing::info!("another migration of this database is running; waiting for it");
        }
        self.attempt += 1;
        let backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT).expect("the constants are in order");
        tokio::time::sleep(backoff.delay(self.attempt, &SystemRandom)).await;
        Ok(())
    }
}
