//! Putting events into the table.

use std::collections::BTreeMap;

use liaison_store::{DbResult as _, Tx, insert_all};
use liaison_types::{Result, Timestamp};
use sea_orm::ActiveValue::Set;
use sea_orm::ConnectionTrait as _;

use crate::backend::held;
use crate::entity::outbox;
use crate::event::{Destination, NewEvent};
use crate::handover::{Doubt, Lease, Reserved, new_subjects};
use crate::outbox::Outbox;

impl Outbox {
    /// Stores `events` in the transaction that causes them: both commit, or neither. At most two
    /// statements whatever their number; nothing is sent where there are none. Once the transaction
    /// has committed, the relay of this process has them or is woken.
    ///
    /// The caller has drawn each sequence under its subject's row lock in this same transaction, so
    /// that an earlier sequence never becomes visible after a later one. Sequences of a subject begin
    /// with 1: nothing of it was ever enqueued before the event that carries it.
    ///
    /// # Errors
    /// Where the database refuses, among others because an id was used before.
    pub async fn enqueue(&self, tx: &Tx<'_>, now: Timestamp, events: Vec<NewEvent>) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let mut reserved = self.reserve(&events);
        leave_to_claims(tx, &mut reserved, &events).await?;
        let mut leases: Vec<Option<Lease>> = vec![None; events.len()];
        for (_, reserved) in &reserved {
            if let Some(reserved) = reserved {
                reserved.mark(&mut leases, now);
            }
        }
        self.announce(tx, now, reserved, &events, &leases);
        let rows: Vec<_> = events
            .into_iter()
            .zip(leases)
            .map(|(event, lease)| row(event, lease, now))
            .collect();
        insert_all::<outbox::ActiveModel, _>(tx, rows).await
    }

    /// Each destination of the events, with what may be handed over to its task.
    fn reserve(&self, events: &[NewEvent]) -> Vec<(Destination, Option<Reserved>)> {
        let mut destinations: BTreeMap<&Destination, Vec<usize>> = BTreeMap::new();
        for (place, event) in events.iter().enumerate() {
            destinations
                .entry(&event.destination)
                .or_default()
                .push(place);
        }
        destinations
            .into_iter()
            .map(|(to, places)| {
                let entrance = self.entrance(to);
                let reserved = entrance.and_then(|entrance| entrance.reserve(events, &places));
                (to.clone(), reserved)
            })
            .collect()
    }

    /// Hands over or wakes, after the commit.
    fn announce(
        &self,
        tx: &Tx<'_>,
        now: Timestamp,
        reserved: Vec<(Destination, Option<Reserved>)>,
        events: &[NewEvent],
        leases: &[Option<Lease>],
    ) {
        for (to, reserved) in reserved {
            let departing = reserved.map(|reserved| reserved.groups(events, now));
            let stays = events
                .iter()
                .zip(leases)
                .any(|(event, lease)| lease.is_none() && event.destination == to);
            let outbox = self.clone();
            tx.after_commit(move || {
                if let Some(departing) = departing {
                    departing.send();
                }
                if stays {
                    outbox.wake(&to);
                }
            });
        }
    }
}

/// Takes out the subjects that have earlier events left which did not come this way: theirs is the
/// turn.
async fn leave_to_claims(
    tx: &Tx<'_>,
    reserved: &mut [(Destination, Option<Reserved>)],
    events: &[NewEvent],
) -> Result<()> {
    let new = new_subjects(events);
    let mut doubts: Vec<(usize, Doubt<'_>)> = Vec::new();
    for (index, (_, reserved)) in reserved.iter().enumerate() {
        if let Some(reserved) = reserved {
            doubts.extend(reserved.doubts(&new).map(|doubt| (index, doubt)));
        }
    }
    if doubts.is_empty() {
        return Ok(());
    }
    let pairs: Vec<(&Destination, &Doubt<'_>)> = doubts
        .iter()
        .map(|(index, doubt)| (&reserved[*index].0, doubt))
        .collect();
    let asked = held(tx.get_database_backend(), &pairs);
    let found = tx.query_all_raw(asked).await.db()?;
    let mut left: Vec<(usize, String)> = Vec::with_capacity(found.len());
    for row in found {
        let place: i64 = row.try_get_by_index(0).db()?;
        let known = usize::try_from(place)
            .ok()
            .and_then(|place| doubts.get(place));
        if let Some((index, doubt)) = known {
            left.push((*index, doubt.subject.to_owned()));
        }
    }
    drop(doubts);
    for (index, subject) in left {
        if let Some(reserved) = &mut reserved[index].1 {
            reserved.give_up(&subject);
        }
    }
    Ok(())
}

fn row(event: NewEvent, lease: Option<Lease>, now: Timestamp) -> outbox::ActiveModel {
    outbox::ActiveModel {
        id: Set(event.id.uuid()),
        destination: Set(event.destination.as_str().to_owned()),
        subject: Set(event.subject),
        sequence: Set(event.sequence),
        kind: Set(event.kind),
        payload: Set(event.payload),
        traceparent: Set(event.traceparent),
        created_at: Set(now.as_micros()),
        due_at: Set(now.as_micros()),
        // As a claim would count it.
        attempts: Set(i32::from(lease.is_some())),
        lease_token: Set(lease.map(|lease| lease.token)),
        lease_until: Set(lease.map(|lease| lease.until.as_micros())),
        reason: Set(None),
        dead_at: Set(None),
    }
}
