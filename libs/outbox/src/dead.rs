//! Dead letters: events nobody will deliver until a person decides.

use liaison_store::Tx;
use liaison_store::{Db, DbResult as _, Inconsistency};
use liaison_types::{EventId, Reason, Result, Timestamp};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, Select,
};
use uuid::Uuid;

use crate::backend::{ids as id_values, statement, texts};
use crate::entity::outbox::{Column, Entity};
use crate::event::Destination;

/// An event that was given up. Its payload stays in the table and is not even read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeadLetter {
    /// The event's id.
    pub id: EventId,
    /// Who should have had it.
    pub destination: Destination,
    /// What it is about. Later events of this subject wait behind it.
    pub subject: String,
    /// Its position within the subject.
    pub sequence: i64,
    /// What kind of fact it is.
    pub kind: String,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When it was given up.
    pub dead_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub reason: Reason,
}

/// Which dead letters to list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeadLetterQuery {
    /// Only those for this destination.
    pub destination: Option<Destination>,
    /// Only those after this id: the last one of the page before.
    pub after: Option<EventId>,
    /// At most this many; 0 means 100, more than 1000 means 1000.
    pub limit: u16,
}

/// Lists dead letters by id, which is by age.
///
/// # Errors
/// Where the database refuses or a row makes no sense.
pub async fn dead_letters(db: &Db, query: &DeadLetterQuery) -> Result<Vec<DeadLetter>> {
    let limit = match query.limit {
        0 => 100,
        limit => limit.min(1_000),
    };
    let mut select = letters();
    if let Some(destination) = &query.destination {
        select = select.filter(Column::Destination.eq(destination.as_str()));
    }
    if let Some(after) = query.after {
        select = select.filter(Column::Id.gt(after.uuid()));
    }
    let rows = select
        .order_by_asc(Column::Id)
        .limit(u64::from(limit))
        .into_model::<Row>()
        .all(db.reader())
        .await
        .db()?;
    rows.into_iter().map(from_row).collect()
}

/// Those of `ids` that are dead letters, by id, locked until the transaction ends: for whoever records
/// what is done about them.
///
/// # Errors
/// Where the database refuses or a row makes no sense.
pub async fn lock_dead_letters(tx: &Tx<'_>, ids: &[EventId]) -> Result<Vec<DeadLetter>> {
    let rows = letters()
        .filter(Column::Id.is_in(uuids(ids)))
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .into_model::<Row>()
        .all(tx)
        .await
        .db()?;
    rows.into_iter().map(from_row).collect()
}

/// The columns of a dead letter.
#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    destination: String,
    subject: String,
    sequence: i64,
    kind: String,
    created_at: i64,
    attempts: i32,
    reason: Option<String>,
    dead_at: Option<i64>,
}

fn letters() -> Select<Entity> {
    Entity::find()
        .select_only()
        .columns([
            Column::Id,
            Column::Destination,
            Column::Subject,
            Column::Sequence,
            Column::Kind,
            Column::CreatedAt,
            Column::Attempts,
            Column::Reason,
            Column::DeadAt,
        ])
        .filter(Column::DeadAt.is_not_null())
}

fn from_row(row: Row) -> Result<DeadLetter> {
    let on = Inconsistency::on("outbox").row(row.id);
    let reason = row.reason.as_deref().unwrap_or(Reason::Internal.as_str());
    Ok(DeadLetter {
        id: EventId::from_uuid(row.id),
        destination: row.destination.into(),
        subject: row.subject,
        sequence: row.sequence,
        kind: row.kind,
        created_at: Timestamp::from_micros(row.created_at),
        dead_at: Timestamp::from_micros(row.dead_at.unwrap_or_default()),
        attempts: row.attempts.unsigned_abs(),
        reason: reason
            .parse()
            .map_err(|error| on.column("reason").source(error))?,
    })
}

/// Puts dead letters back: due at once, their attempts counted anew, before everything that waits
/// behind them. Ids that name no dead letter are passed over. Returns how many were put back.
///
/// # Errors
/// Where the database refuses.
pub async fn requeue(tx: &Tx<'_>, now: Timestamp, ids: &[EventId]) -> Result<u64> {
    let backend = tx.get_database_backend();
    let values = [now.as_micros().into(), id_values(backend, &uuids(ids))];
    let done = tx
        .execute_raw(statement(backend, texts(backend).requeue, values))
        .await
        .db()?;
    Ok(done.rows_affected())
}

/// Gives dead letters up for good, so that what waits behind them goes on. The receiver never learns
/// of them: for whoever calls this to record. Ids that name no dead letter are passed over. Returns
/// how many were removed.
///
/// # Errors
/// Where the database refuses.
pub async fn discard(tx: &Tx<'_>, ids: &[EventId]) -> Result<u64> {
    let backend = tx.get_database_backend();
    let values = [id_values(backend, &uuids(ids))];
    let done = tx
        .execute_raw(statement(backend, texts(backend).discard, values))
        .await
        .db()?;
    Ok(done.rows_affected())
}

fn uuids(ids: &[EventId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.uuid()).collect()
}
