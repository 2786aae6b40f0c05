//! Telling a first delivery from every other.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use liaison_store::Tx;
use liaison_store::{Db, DbResult as _};
use liaison_types::{Clock, EventId, Result, Timestamp};
use sea_orm::ConnectionTrait;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::backend::{ids as id_values, returned_ids, statement, texts};
use crate::settings::RelaySettings;

/// Records `ids` and returns those that were not known: the events that have to take effect, in this
/// same transaction. The others are confirmed without doing anything.
///
/// An id given twice counts once: take each out of the set as its event is applied. Where another
/// transaction is just recording one of the ids, this waits for its end. One statement whatever the
/// number of ids.
///
/// # Errors
/// Where the database refuses.
pub async fn first_time(tx: &Tx<'_>, now: Timestamp, ids: &[EventId]) -> Result<HashSet<EventId>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    // In one order, so that two transactions over the same ids wait for each other in turn.
    let mut sorted: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let backend = tx.get_database_backend();
    let values = [now.as_micros().into(), id_values(backend, &sorted)];
    let rows = tx
        .query_all_raw(statement(backend, texts(backend).first_time, values))
        .await
        .db()?;
    let new: Vec<Uuid> = returned_ids(&rows)?;
    Ok(new.into_iter().map(EventId::from_uuid).collect())
}

/// Forgets up to `limit` ids recorded before `before`, and returns how many.
///
/// A sender may hand an event on again for as long as it keeps it. `before` therefore lies further
/// back than any sender's events get old, dead letters that are put back included.
///
/// # Errors
/// Where the database refuses.
pub async fn prune_inbox(tx: &Tx<'_>, before: Timestamp, limit: u32) -> Result<u64> {
    let backend = tx.get_database_backend();
    // An id begins with the milliseconds of its making, which come before those of its arrival: the
    // primary key leads to the rows that can be old enough.
    let text = match backend {
        sea_orm::DbBackend::Postgres => {
            "DELETE FROM inbox WHERE id = ANY(ARRAY(SELECT id FROM inbox \
             WHERE id < $1 AND received_at < $2 ORDER BY id LIMIT $3))"
        }
        _ => {
            "DELETE FROM inbox WHERE id IN (SELECT id FROM inbox \
             WHERE id < ?1 AND received_at < ?2 ORDER BY id LIMIT ?3)"
        }
    };
    let millis = u64::try_from(before.as_millis()).unwrap_or(0);
    let bound = uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid();
    let values = [
        bound.into(),
        before.as_micros().into(),
        i64::from(limit).into(),
    ];
    Ok(tx
        .execute_raw(statement(backend, text, values))
        .await
        .db()?
        .rows_affected())
}

/// How often [`keep_inbox_short`] looks.
const PRUNE_INTERVAL: Duration = Duration::from_hours(1);
/// How many rows one transaction removes, so that it is short.
const PRUNED_AT_ONCE: u32 = 10_000;

/// Forgets, every hour, the ids that are older than [`RelaySettings::inbox_retention`], until `stop`.
/// What fails is tried again the next time.
pub async fn keep_inbox_short(
    db: Db,
    clock: Arc<dyn Clock>,
    settings: RelaySettings,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PRUNE_INTERVAL) => {}
        }
        if let Err(error) = prune(&db, clock.now() - settings.inbox_retention).await {
            tracing::warn!(
                reason = error.reason().as_str(),
                cause = error.chain(),
                "the inbox could not be pruned"
            );
        }
    }
}

async fn prune(db: &Db, before: Timestamp) -> Result<()> {
    loop {
        let removed = db
            .write_tx("outbox.prune_inbox", |tx| {
                Box::pin(async move { prune_inbox(tx, before, PRUNED_AT_ONCE).await })
            })
            .await?;
        if removed < u64::from(PRUNED_AT_ONCE) {
            return Ok(());
        }
    }
}
