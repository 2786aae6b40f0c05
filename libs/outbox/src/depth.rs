//! How much waits.

use liaison_store::{Db, DbResult as _};
use liaison_types::{Result, Timestamp};
use sea_orm::{ConnectionTrait, Statement};

use crate::event::Destination;

/// What waits for one destination.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Depth {
    /// Who gets it.
    pub destination: Destination,
    /// Events that wait or are on their way, without the dead ones.
    pub waiting: u64,
    /// Dead letters.
    pub dead: u64,
    /// When the oldest waiting event was enqueued.
    pub oldest: Option<Timestamp>,
}

/// What waits, by destination; a destination nothing waits for is absent. Reads the whole table, so
/// it is for metrics and operators, not for each call.
///
/// # Errors
/// Where the database refuses.
pub async fn depths(db: &Db) -> Result<Vec<Depth>> {
    const TEXT: &str = "SELECT destination, \
         sum(CASE WHEN dead_at IS NULL THEN 1 ELSE 0 END), \
         sum(CASE WHEN dead_at IS NULL THEN 0 ELSE 1 END), \
         min(CASE WHEN dead_at IS NULL THEN created_at END) \
         FROM outbox GROUP BY destination ORDER BY destination";
    let rows = db
        .reader()
        .query_all_raw(Statement::from_string(db.backend(), TEXT))
        .await
        .db()?;
    rows.iter()
        .map(|row| {
            let waiting: i64 = row.try_get_by_index(1).db()?;
            let dead: i64 = row.try_get_by_index(2).db()?;
            let oldest: Option<i64> = row.try_get_by_index(3).db()?;
            Ok(Depth {
                destination: row.try_get_by_index::<String>(0).db()?.into(),
                waiting: waiting.unsigned_abs(),
                dead: dead.unsigned_abs(),
                oldest: oldest.map(Timestamp::from_micros),
            })
        })
        .collect()
}
