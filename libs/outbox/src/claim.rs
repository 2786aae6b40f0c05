//! Claiming: the rows that may go now, marked as this relay's for the length of the lease.

use std::collections::HashMap;

use liaison_store::Tx;
use liaison_store::{Commit, Db, DbResult as _, ensure_affected};
use liaison_types::{EventId, Result, Timestamp};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use uuid::Uuid;

use crate::backend::{ids as id_values, small, statement, texts, texts_value};
use crate::event::{Destination, Outgoing};
use crate::turns::Ticket;

/// How claims and removals commit. A lease or a removal that a crash forgets only leads to one more
/// delivery, which the receiver recognises, so waiting for the disk buys nothing.
pub(crate) const LEASE_COMMIT: Commit = Commit::Asynchronous;

/// What one claim may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) rows: u16,
    pub(crate) bytes: usize,
    pub(crate) run: u16,
}

/// Rows that are ours until `until`, in the order in which they go: all of one subject in ascending
/// order.
#[derive(Debug)]
pub(crate) struct Batch {
    /// New with each claim; whatever is done to the rows later asks for it.
    pub(crate) token: Uuid,
    pub(crate) events: Vec<Outgoing>,
    /// Of what was handed over: the places of the events in their lines, and for how many events each
    /// stands. A claim has none: no other batch holds rows of its pairs.
    pub(crate) tickets: Vec<(Ticket, usize)>,
}

/// A row that may go if all rows before it go too.
#[derive(Debug)]
struct Candidate {
    event: Outgoing,
    /// Earlier rows of the pair that are left, whatever their state.
    ahead: usize,
}

/// Whether a claim would find anything. Only reads, so that a relay with nothing to do never takes
/// SQLite's write lock.
pub(crate) async fn ready(db: &Db, to: &Destination, now: Timestamp) -> Result<bool> {
    let backend = db.backend();
    let values = [to.as_str().into(), now.as_micros().into()];
    let found = db
        .reader()
        .query_one_raw(statement(backend, texts(backend).ready, values))
        .await
        .db()?;
    Ok(found.is_some())
}

/// Claims what may go to `to` now; `None` where nothing may.
///
/// Rows another relay is claiming at this moment are passed over (PostgreSQL), or waited for
/// (SQLite, one writer). A row whose predecessors are not all in the same claim is left, so that of
/// each pair a claim holds the first rows without a gap, and no two claims hold rows of the same
/// pair while their leases last.
pub(crate) async fn claim(
    db: &Db,
    to: &Destination,
    now: Timestamp,
    until: Timestamp,
    token: Uuid,
    limits: Limits,
) -> Result<Option<Batch>> {
    let events = db
        .write_tx_with(LEASE_COMMIT, "outbox.claim", |tx| {
            Box::pin(async move {
                let backend = tx.get_database_backend();
                let texts = texts(backend);
                if !texts.before_claim.is_empty() {
                    tx.execute_unprepared(texts.before_claim).await.db()?;
                }
                let found = candidates(tx, to, now, limits).await?;
                let events = without_gaps(found, limits.bytes);
                if events.is_empty() {
                    return Ok(events);
                }
                let ids: Vec<Uuid> = events.iter().map(|event| event.id.uuid()).collect();
                let values = [
                    token.into(),
                    until.as_micros().into(),
                    id_values(backend, &ids),
                ];
                let done = tx
                    .execute_raw(statement(backend, texts.lease, values))
                    .await
                    .db()?;
                ensure_affected(done.rows_affected(), ids.len())?;
                Ok(events)
            })
        })
        .await?;
    Ok((!events.is_empty()).then_some(Batch {
        token,
        events,
        tickets: Vec::new(),
    }))
}

/// The first rows of their pairs and, where runs are allowed and there is room, those behind them.
async fn candidates(
    tx: &Tx<'_>,
    to: &Destination,
    now: Timestamp,
    limits: Limits,
) -> Result<Vec<Candidate>> {
    let backend = tx.get_database_backend();
    let (to, now) = (Value::from(to.as_str()), Value::from(now.as_micros()));
    let values = [to.clone(), now.clone(), i64::from(limits.rows).into()];
    let rows = tx
        .query_all_raw(statement(backend, texts(backend).heads, values))
        .await
        .db()?;
    let mut found = rows
        .iter()
        .map(|row| candidate(row, 0))
        .collect::<Result<Vec<_>>>()?;
    let room = usize::from(limits.rows).saturating_sub(found.len());
    if limits.run == 1 || room == 0 || found.is_empty() {
        return Ok(found);
    }
    let subjects = found
        .iter()
        .take(room)
        .map(|head| head.event.subject.clone())
        .collect();
    let room: i64 = small(room)?;
    let values = [
        to,
        now,
        room.into(),
        i64::from(limits.run).into(),
        texts_value(backend, subjects),
    ];
    for row in tx
        .query_all_raw(statement(backend, texts(backend).followers, values))
        .await
        .db()?
    {
        let ahead: i64 = row.try_get_by_index(8).db()?;
        found.push(candidate(&row, small(ahead)?)?);
    }
    Ok(found)
}

fn candidate(row: &QueryResult, ahead: usize) -> Result<Candidate> {
    let attempts: i32 = row.try_get_by_index(7).db()?;
    let created_at: i64 = row.try_get_by_index(6).db()?;
    Ok(Candidate {
        event: Outgoing {
            id: EventId::from_uuid(row.try_get_by_index(0).db()?),
            subject: row.try_get_by_index(1).db()?,
            sequence: row.try_get_by_index(2).db()?,
            kind: row.try_get_by_index(3).db()?,
            payload: row.try_get_by_index(4).db()?,
            traceparent: row.try_get_by_index(5).db()?,
            created_at: Timestamp::from_micros(created_at),
            attempt: attempts.unsigned_abs().saturating_add(1),
        },
        ahead,
    })
}

/// Of each subject the rows from its very first on, as long as none is missing; subjects in the
/// order in which they were found; no more bytes than allowed, but at least one row.
fn without_gaps(found: Vec<Candidate>, bytes: usize) -> Vec<Outgoing> {
    let mut places: HashMap<String, usize> = HashMap::with_capacity(found.len());
    let mut subjects: Vec<Vec<Candidate>> = Vec::with_capacity(found.len());
    for row in found {
        if let Some(place) = places.get(&row.event.subject) {
            subjects[*place].push(row);
        } else {
            places.insert(row.event.subject.clone(), subjects.len());
            subjects.push(vec![row]);
        }
    }
    let mut taken = Vec::new();
    let mut left = bytes;
    'subjects: for mut rows in subjects {
        rows.sort_unstable_by_key(|row| (row.event.sequence, row.event.id));
        for (position, row) in rows.into_iter().enumerate() {
            if row.ahead != position {
                continue 'subjects;
            }
            let size = row.event.payload.len();
            if size > left && !taken.is_empty() {
                break 'subjects;
            }
            left = left.saturating_sub(size);
            taken.push(row.event);
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(subject, sequence, ahead, bytes)`.
    fn rows(given: &[(&str, i64, usize, usize)]) -> Vec<Candidate> {
        given
            .iter()
            .map(|&(subject, sequence, ahead, bytes)| Candidate {
                event: Outgoing {
                    id: EventId::from_uuid(Uuid::nil()),
                    subject: subject.to_owned(),
                    sequence,
                    kind: String::new(),
                    payload: vec![0; bytes],
                    traceparent: None,
                    created_at: Timestamp::default(),
                    attempt: 1,
                },
                ahead,
            })
            .collect()
    }

    fn taken(given: &[(&str, i64, usize, usize)], bytes: usize) -> Vec<(String, i64)> {
        without_gaps(rows(given), bytes)
            .into_iter()
            .map(|event| (event.subject, event.sequence))
            .collect()
    }

    #[test]
    fn a_subject_goes_up_to_its_first_gap() {
        // b/3 lacks b/2, which somebody else is claiming; c/8 lacks whatever comes first.
        let found = [
            ("b", 3, 2, 1),
            ("a", 2, 1, 1),
            ("b", 1, 0, 1),
            ("a", 1, 0, 1),
            ("c", 8, 1, 1),
        ];
        let expected = [("b", 1), ("a", 1), ("a", 2)].map(|(s, n)| (s.to_owned(), n));
        assert_eq!(taken(&found, 100), expected);
    }

    #[test]
    fn bytes_are_bounded_and_the_largest_event_still_goes() {
        let found = [("a", 1, 0, 60), ("a", 2, 1, 60), ("b", 1, 0, 1)];
        assert_eq!(taken(&found, 100), [("a".to_owned(), 1)]);
        assert_eq!(taken(&found, 10), [("a".to_owned(), 1)]);
        assert_eq!(taken(&found, 121).len(), 3);
    }
}
