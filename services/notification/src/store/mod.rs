//! What is kept, and how it is found. Entities stop here.

mod entity;
mod migration;

use std::collections::BTreeMap;

use entity::{notification, recipient};
use liaison_store::{Db, DbResult as _, Tx, add_all, insert_all};
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
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        for new in &new {
            *counts.entry(new.recipient.to_string()).or_default() += 1;
        }
        let added = counts.iter().map(|(party, count)| recipient::Model {
            party: party.clone(),
            last_position: *count,
        });
        let sums =
            add_all::<recipient::ActiveModel, _, _>(tx, recipient::Column::LastPosition, added)
                .await?;
        // From the position before the first new one.
        let mut positions: BTreeMap<String, i64> = sums
            .into_iter()
            .map(|(party, last)| {
                let count = counts.get(&party).copied().unwrap_or_default();
                (party, last - count)
            })
            .collect();
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
        insert_all::<notification::ActiveModel, _>(tx, rows).await
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
