//! What a database error means. Driver texts stay in the cause and never reach a message.

use std::error::Error as StdError;
use std::time::Duration;

use liaison_types::{Error, ErrorKind, Reason, Result};
use sea_orm::{DbErr, RuntimeErr};

/// How long a caller should wait after a refusal for lack of room.
pub(crate) const BUSY_RETRY_AFTER: Duration = Duration::from_secs(1);

/// Turns sea-orm results into ours.
pub trait DbResult<T> {
    /// The value, or the error as [`from_db`] makes it.
    ///
    /// # Errors
    /// Where the database refused.
    fn db(self) -> Result<T>;
}

impl<T> DbResult<T> for Result<T, DbErr> {
    fn db(self) -> Result<T> {
        self.map_err(from_db)
    }
}

/// The meaning of a database error:
///
/// * lost against a concurrent transaction, or a row of the same unique key exists: `ABORTED`,
///   `CONFLICT`; [`Db::write_tx`](crate::Db::write_tx) repeats the transaction before it says so;
/// * somebody else holds the lock for too long: `RESOURCE_EXHAUSTED` with a time to wait;
/// * the database does not answer, is starting, stopping or out of room: `UNAVAILABLE`;
/// * the file is damaged: `DATA_LOSS`; a row that must exist does not: `NOT_FOUND`;
/// * anything else is a fault of ours: `INTERNAL`.
#[must_use]
pub fn from_db(error: DbErr) -> Error {
    let base = match Fault::of(&error) {
        Fault::Conflict | Fault::Duplicate => Error::new(ErrorKind::Aborted, Reason::Conflict),
        Fault::Busy => Error::overloaded(BUSY_RETRY_AFTER),
        Fault::Unavailable | Fault::ConnectionLost => {
            Error::new(ErrorKind::Unavailable, Reason::Unavailable)
        }
        Fault::Damaged => Error::new(ErrorKind::DataLoss, Reason::InconsistentData),
        Fault::Absent => Error::not_found(),
        Fault::Other => Error::new(ErrorKind::Internal, Reason::Internal),
    };
    base.source(error)
}

/// What repeating the whole transaction can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Nothing.
    Never,
    /// Likely to help: somebody else was faster or held the lock.
    Often,
    /// Helps once where the transaction looks for the row before it inserts it.
    Once,
}

/// Looks through the causes of `error` for what the database said.
pub(crate) fn repeat(error: &Error) -> Repeat {
    let mut cause: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(current) = cause {
        if let Some(db) = current.downcast_ref::<DbErr>() {
            return match Fault::of(db) {
                Fault::Conflict | Fault::Busy | Fault::ConnectionLost => Repeat::Often,
                Fault::Duplicate => Repeat::Once,
                Fault::Unavailable | Fault::Damaged | Fault::Absent | Fault::Other => Repeat::Never,
            };
        }
        cause = current.source();
    }
    Repeat::Never
}

/// Whether the connection was lost under `error`, so that nobody knows how a commit ended.
pub(crate) fn outcome_unknown(error: &DbErr) -> bool {
    Fault::of(error) == Fault::ConnectionLost
}

/// The class of a database error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Serialization failure or deadlock.
    Conflict,
    /// Somebody holds the lock for too long.
    Busy,
    /// A unique key exists already.
    Duplicate,
    /// The connection broke.
    ConnectionLost,
    /// No connection to be had.
    Unavailable,
    /// The database file is damaged.
    Damaged,
    /// The row is not there.
    Absent,
    /// A mistake of ours.
    Other,
}

impl Fault {
    fn of(error: &DbErr) -> Self {
        match error {
            // The pool waits as long for a free connection as for a database that does not answer.
            DbErr::ConnectionAcquire(_) => Self::Unavailable,
            DbErr::RecordNotFound(_) | DbErr::RecordNotUpdated => Self::Absent,
            DbErr::Conn(RuntimeErr::SqlxError(driver)) => match Self::of_driver(driver) {
                Self::Other => Self::Unavailable,
                fault => fault,
            },
            DbErr::Exec(RuntimeErr::SqlxError(driver))
            | DbErr::Query(RuntimeErr::SqlxError(driver)) => Self::of_driver(driver),
            _ => Self::Other,
        }
    }

    fn of_driver(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => Self::ConnectionLost,
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_) => {
                Self::Unavailable
            }
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default();
                if database
                    .try_downcast_ref::<sqlx::sqlite::SqliteError>()
                    .is_some()
                {
                    Self::of_sqlite(&code)
                } else {
                    Self::of_postgres(&code)
                }
            }
            _ => Self::Other,
        }
    }

    /// By SQLSTATE.
    fn of_postgres(code: &str) -> Self {
        match code {
            // serialization_failure, deadlock_detected
            "40001" | "40P01" => Self::Conflict,
            // lock_not_available
            "55P03" => Self::Busy,
            "23505" => Self::Duplicate,
            // admin_shutdown, crash_shutdown: the statement did not commit and the connection ends.
            "57P01" | "57P02" => Self::ConnectionLost,
            // cannot_connect_now, query_canceled
            "57P03" | "57014" => Self::Unavailable,
            // Connection exceptions; insufficient resources: connections, memory, disk.
            _ if code.starts_with("08") || code.starts_with("53") => Self::Unavailable,
            // data_corrupted, index_corrupted
            "XX001" | "XX002" => Self::Damaged,
            _ => Self::Other,
        }
    }

    /// By extended result code, whose low byte is the primary one.
    fn of_sqlite(code: &str) -> Self {
        let Ok(code) = code.parse::<u32>() else {
            return Self::Other;
        };
        match (code, code & 0xff) {
            // SQLITE_BUSY_SNAPSHOT: lost against a concurrent writer.
            (517, _) => Self::Conflict,
            // SQLITE_CONSTRAINT_UNIQUE, _PRIMARYKEY
            (2067 | 1555, _) => Self::Duplicate,
            // SQLITE_BUSY, SQLITE_LOCKED
            (_, 5 | 6) => Self::Busy,
            // SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN
            (_, 10 | 13 | 14) => Self::Unavailable,
            // SQLITE_CORRUPT, SQLITE_NOTADB
            (_, 11 | 26) => Self::Damaged,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_meaning() {
        for (code, fault) in [
            ("40001", Fault::Conflict),
            ("40P01", Fault::Conflict),
            ("55P03", Fault::Busy),
            ("23505", Fault::Duplicate),
            ("57P01", Fault::ConnectionLost),
            ("53300", Fault::Unavailable),
            ("08006", Fault::Unavailable),
            ("42P01", Fault::Other),
        ] {
            assert_eq!(Fault::of_postgres(code), fault, "{code}");
        }
        for (code, fault) in [
            ("5", Fault::Busy),
            ("261", Fault::Busy),
            ("517", Fault::Conflict),
            ("1555", Fault::Duplicate),
            ("2067", Fault::Duplicate),
            ("11", Fault::Damaged),
            ("13", Fault::Unavailable),
            ("1", Fault::Other),
            ("", Fault::Other),
        ] {
            assert_eq!(Fault::of_sqlite(code), fault, "{code}");
        }
    }

    #[test]
    fn messages_hold_no_driver_text() {
        let error = from_db(DbErr::Custom("secret column".to_owned()));
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(!error.to_string().contains("secret"));
        assert!(error.chain().contains("secret column"));
        let lost = DbErr::Query(RuntimeErr::SqlxError(sqlx::Error::WorkerCrashed.into()));
        assert!(outcome_unknown(&lost));
        let lost = from_db(lost);
        assert_eq!(lost.kind(), ErrorKind::Unavailable);
        assert_eq!(repeat(&lost), Repeat::Often);
    }
}
