//! Putting events into the table.

use liaison_store::insert_all;
use liaison_types::{Result, Timestamp};
use sea_orm::ActiveValue::Set;
use sea_orm::DatabaseTransaction;

use crate::entity::outbox;
use crate::event::NewEvent;

/// Stores `events` in the transaction that causes them: both commit, or neither. One statement
/// whatever their number; nothing is sent where there are none.
///
/// The caller has drawn each sequence under its subject's row lock in this same transaction, so that
/// an earlier sequence never becomes visible after a later one. After the commit it calls
/// [`Nudge::wake`](crate::Nudge::wake).
///
/// # Errors
/// Where the database refuses, among others because an id was used before.
pub async fn enqueue(
    tx: &DatabaseTransaction,
    now: Timestamp,
    events: Vec<NewEvent>,
) -> Result<()> {
    let rows: Vec<_> = events
        .into_iter()
        .map(|event| outbox::ActiveModel {
            id: Set(event.id.uuid()),
            destination: Set(event.destination.as_str().to_owned()),
            subject: Set(event.subject),
            sequence: Set(event.sequence),
            kind: Set(event.kind),
            payload: Set(event.payload),
            traceparent: Set(event.traceparent),
            created_at: Set(now.as_micros()),
            due_at: Set(now.as_micros()),
            attempts: Set(0),
            lease_token: Set(None),
            lease_until: Set(None),
            reason: Set(None),
            dead_at: Set(None),
        })
        .collect();
    insert_all::<outbox::ActiveModel, _, _>(tx, rows).await
}
