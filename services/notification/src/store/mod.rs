//! What is kept, and how it is found. Entities stop here.

mod entity;
mod migration;

use std::collections::BTreeMap;

use entity::{notification, recipient};
use liaison_store::Tx;
use liaison_store::{
    Db, DbResult as _, any_of, ensure_affected, insert_all, insert_all_ignoring_conflicts,
    update_all,
};
use liaison_types::{Party, Result, Timestamp};
pub use migration::Migrator;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set,
};

/// A notification as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Kept {
    /// Position in the recipient's own sequence.
    pub position: i64,
    /// The event's bytes.
    pub event: Vec<u8>,
}

/// A notification to keep.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct NewNotification {
    /// Who may know it.
    pub recipient: Party,
    /// Training traffic.
    pub exercise: bool,
    /// The event's bytes.
    pub event: Vec<u8>,
}

/// The service's database.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    db: Db,
}

impl Store {
    pub(crate) const fn new(db: Db) -> Self {
        Self { db }
    }

    /// Keeps `new`, in their order, at the next positions of their recipients.
    ///
    /// The recipients' rows are locked, in one order, until the transaction ends: positions of one
    /// recipient become visible in ascending order and without gaps.
    pub(crate) async fn append(
        &self,
        tx: &Tx<'_>,
        now: Timestamp,
        new: Vec<NewNotification>,
    ) -> Result<()> {
        let mut positions: BTreeMap<String, i64> = new
            .iter()
            .map(|new| (new.recipient.to_string(), 0))
            .collect();
        insert_all_ignoring_conflicts::<recipient::ActiveModel, _, _>(
            tx,
            positions.keys().map(|party| recipient::ActiveModel {
                party: Set(party.clone()),
                last_position: Set(0),
            }),
        )
        .await?;
        let parties: Vec<String> = positions.keys().cloned().collect();
        let locked = recipient::Entity::find()
            .filter(any_of(self.db.backend(), recipient::Column::Party, parties))
            .order_by_asc(recipient::Column::Party)
            .lock_exclusive()
            .all(tx)
            .await
            .db()?;
        ensure_affected(locked.len().try_into().unwrap_or(u64::MAX), positions.len())?;
        for row in locked {
            positions.insert(row.party, row.last_position);
        }
        let mut rows = Vec::with_capacity(new.len());
        for new in new {
            let recipient = new.recipient.to_string();
            let position = positions.entry(recipient.clone()).or_default();
            *position += 1;
            rows.push(notification::ActiveModel {
                recipient: Set(recipient),
                position: Set(*position),
                exercise: Set(new.exercise),
                event: Set(new.event),
                kept_at: Set(now.as_micros()),
            });
        }
        insert_all::<notification::ActiveModel, _, _>(tx, rows).await?;
        let recipients = positions.len();
        let updated = update_all::<recipient::ActiveModel, _, _>(
            tx,
            &[recipient::Column::LastPosition],
            positions
                .into_iter()
                .map(|(party, last_position)| recipient::ActiveModel {
                    party: Set(party),
                    last_position: Set(last_position),
                }),
        )
        .await?;
        ensure_affected(updated, recipients)
    }

    /// The notifications of `recipient` after `position`, in order, at most `limit`.
    pub(crate) async fn after(
        &self,
        recipient: &Party,
        position: i64,
        include_exercises: bool,
        limit: u16,
    ) -> Result<Vec<Kept>> {
        let mut query = notification::Entity::find()
            .filter(notification::Column::Recipient.eq(recipient.to_string()))
            .filter(notification::Column::Position.gt(position));
        if !include_exercises {
            query = query.filter(notification::Column::Exercise.eq(false));
        }
        let rows = query
            .order_by_asc(notification::Column::Position)
            .limit(u64::from(limit))
            .all(self.db.reader())
            .await
            .db()?;
        Ok(rows
            .into_iter()
            .map(|row| Kept {
                position: row.position,
                event: row.event,
            })
            .collect())
    }
}
