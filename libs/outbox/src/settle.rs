//! Settling: what became of a batch, written in one transaction.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use liaison_store::{Commit, Db, DbResult as _};
use liaison_types::{Backoff, EventId, Random, Reason, Result, Timestamp};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::backend::{Reschedule, ids as id_values, reschedule, returned_ids, statement, texts};
use crate::claim::LEASE_COMMIT;
use crate::deliver::{Hook, Outcome};
use crate::event::{Dead, Delivered, Destination, Outgoing};
use crate::relay::Tick;

/// What is remembered of an event while it is on its way.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) event: Delivered,
    pub(crate) attempt: u32,
}

impl Sent {
    pub(crate) fn new(to: &Destination, event: &Outgoing) -> Self {
        Self {
            event: Delivered {
                id: event.id,
                destination: to.clone(),
                subject: event.subject.clone(),
                sequence: event.sequence,
                kind: event.kind.clone(),
            },
            attempt: event.attempt,
        }
    }
}

/// What is to become of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// It goes.
    Remove,
    /// It is tried again then.
    Retry { reason: Reason, due_at: Timestamp },
    /// It was not its turn: one before it failed. The attempt does not count.
    Release,
    /// It is given up.
    Bury { reason: Reason },
}

/// How failures are answered.
#[derive(Debug)]
pub(crate) struct Patience<'a> {
    pub(crate) backoff: Backoff,
    pub(crate) longest: Duration,
    pub(crate) max_attempts: u32,
    pub(crate) random: &'a dyn Random,
}

impl Patience<'_> {
    /// Another attempt after the backoff, or after the receiver's own wish where that is longer, but
    /// never later than the longest backoff; or none any more.
    pub(crate) fn retry(
        &self,
        attempt: u32,
        reason: Reason,
        after: Option<Duration>,
        now: Timestamp,
    ) -> Fate {
        if attempt >= self.max_attempts {
            return Fate::Bury { reason };
        }
        let wish = after.unwrap_or_default().min(self.longest);
        let due_at = now + self.backoff.delay(attempt, self.random).max(wish);
        Fate::Retry { reason, due_at }
    }

    /// The fates of `sent` after these outcomes. Of a subject nothing goes after the first that did
    /// not: were it removed, a repetition could no longer put it behind its predecessor. An outcome
    /// that is missing means that nothing is known.
    pub(crate) fn judge(&self, sent: &[Sent], outcomes: &[Outcome], now: Timestamp) -> Vec<Fate> {
        let mut stopped: HashSet<&str> = HashSet::new();
        let outcomes = outcomes.iter().map(Some).chain(std::iter::repeat(None));
        sent.iter()
            .zip(outcomes)
            .map(|(sent, outcome)| {
                if stopped.contains(sent.event.subject.as_str()) {
                    return Fate::Release;
                }
                let fate = match outcome {
                    Some(Outcome::Delivered) => return Fate::Remove,
                    Some(Outcome::Retry { reason, after }) => {
                        self.retry(sent.attempt, *reason, *after, now)
                    }
                    Some(Outcome::Rejected { reason }) => Fate::Bury { reason: *reason },
                    None => self.retry(sent.attempt, Reason::Internal, None, now),
                };
                stopped.insert(&sent.event.subject);
                fate
            })
            .collect()
    }
}

/// Writes the fates of rows that `token` holds. Rows it holds no longer are left alone and counted
/// as lost: somebody else has claimed them since, and settles them.
pub(crate) async fn settle(
    db: &Db,
    hook: &dyn Hook,
    token: Uuid,
    now: Timestamp,
    rows: &[(Sent, Fate)],
) -> Result<Tick> {
    // What the hook changes, somebody may be told of.
    let heard = rows
        .iter()
        .any(|(sent, _)| hook.hears(&sent.event.destination));
    let commit = if heard {
        Commit::Synchronous
    } else {
        LEASE_COMMIT
    };
    let removed: Vec<Uuid> = rows
        .iter()
        .filter(|(_, fate)| *fate == Fate::Remove)
        .map(|(sent, _)| sent.event.id.uuid())
        .collect();
    let kept: Vec<Reschedule> = rows
        .iter()
        .filter_map(|(sent, fate)| rescheduled(sent, *fate, now))
        .collect();
    let (removed, kept) = (removed.as_slice(), kept.as_slice());
    db.write_tx_with(commit, "outbox.settle", |tx| {
        Box::pin(async move {
            let backend = tx.get_database_backend();
            let texts = texts(backend);
            let mut ours: HashSet<Uuid> = HashSet::with_capacity(rows.len());
            if !removed.is_empty() {
                let values = [token.into(), id_values(backend, removed)];
                let done = tx
                    .query_all_raw(statement(backend, texts.delete, values))
                    .await
                    .db()?;
                ours.extend(returned_ids::<Vec<_>>(&done)?);
            }
            if !kept.is_empty() {
                let done = tx
                    .query_all_raw(reschedule(backend, token, kept))
                    .await
                    .db()?;
                ours.extend(returned_ids::<Vec<_>>(&done)?);
            }
            let told = Told::of(rows, &ours);
            if heard && !told.delivered.is_empty() {
                hook.delivered(tx, &told.delivered).await?;
            }
            if heard && !told.dead.is_empty() {
                hook.dead(tx, &told.dead).await?;
            }
            Ok(told.tick)
        })
    })
    .await
}

fn rescheduled(sent: &Sent, fate: Fate, now: Timestamp) -> Option<Reschedule> {
    let attempt = i32::try_from(sent.attempt).unwrap_or(i32::MAX);
    let row = Reschedule {
        id: sent.event.id.uuid(),
        due_at: now.as_micros(),
        dead_at: 0,
        attempts: attempt,
        reason: "",
    };
    match fate {
        Fate::Remove => None,
        Fate::Retry { reason, due_at } => Some(Reschedule {
            due_at: due_at.as_micros(),
            reason: reason.as_str(),
            ..row
        }),
        Fate::Release => Some(Reschedule {
            attempts: attempt.saturating_sub(1),
            ..row
        }),
        Fate::Bury { reason } => {
            // 0 says that a row is open.
            let dead_at = now.as_micros().max(1);
            Some(Reschedule {
                dead_at,
                reason: reason.as_str(),
                ..row
            })
        }
    }
}

/// What was settled, as the hook and the caller hear of it.
#[derive(Default)]
struct Told {
    delivered: Vec<Delivered>,
    dead: Vec<Dead>,
    tick: Tick,
}

impl Told {
    fn of(rows: &[(Sent, Fate)], ours: &HashSet<Uuid>) -> Self {
        let mut told = Self::default();
        for (sent, fate) in rows {
            if !ours.contains(&sent.event.id.uuid()) {
                told.tick.lost += 1;
                continue;
            }
            match fate {
                Fate::Remove => {
                    told.tick.delivered += 1;
                    told.delivered.push(sent.event.clone());
                }
                Fate::Retry { .. } | Fate::Release => told.tick.retried += 1,
                Fate::Bury { reason } => {
                    told.tick.dead += 1;
                    told.dead.push(dead(&sent.event, *reason));
                }
            }
        }
        told
    }
}

fn dead(event: &Delivered, reason: Reason) -> Dead {
    Dead {
        id: event.id,
        destination: event.destination.clone(),
        subject: event.subject.clone(),
        sequence: event.sequence,
        kind: event.kind.clone(),
        reason,
    }
}

/// The rows by subject, each subject's in order, for settling them apart from each other.
pub(crate) fn by_subject(rows: Vec<(Sent, Fate)>) -> Vec<Vec<(Sent, Fate)>> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut subjects: Vec<Vec<(Sent, Fate)>> = Vec::new();
    for row in rows {
        let place = *places
            .entry(row.0.event.subject.clone())
            .or_insert(subjects.len());
        if place == subjects.len() {
            subjects.push(Vec::new());
        }
        subjects[place].push(row);
    }
    subjects
}

/// The dead letters among `rows`, for the log.
pub(crate) fn buried(rows: &[(Sent, Fate)]) -> impl Iterator<Item = (EventId, Reason)> + '_ {
    rows.iter().filter_map(|(sent, fate)| match fate {
        Fate::Bury { reason } => Some((sent.event.id, *reason)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_types::SeededRandom;

    fn sent(subject: &str, sequence: i64, attempt: u32) -> Sent {
        Sent {
            event: Delivered {
                id: EventId::from_uuid(Uuid::from_u128(sequence.unsigned_abs().into())),
                destination: Destination::new("there"),
                subject: subject.to_owned(),
                sequence,
                kind: "fact".to_owned(),
            },
            attempt,
        }
    }

    #[test]
    fn nothing_of_a_subject_goes_after_a_failure() {
        let random = SeededRandom::new(1);
        let second = Duration::from_secs(1);
        let patience = Patience {
            backoff: Backoff::new(second, second * 8).unwrap(),
            longest: second * 8,
            max_attempts: 3,
            random: &random,
        };
        let now = Timestamp::from_seconds(100);
        let batch = [
            sent("a", 1, 1),
            sent("a", 2, 1),
            sent("b", 1, 3),
            sent("c", 1, 1),
            sent("c", 2, 1),
            sent("d", 1, 1),
            sent("e", 1, 1),
        ];
        let busy = Reason::Overloaded;
        let fates = patience.judge(
            &batch,
            &[
                Outcome::Delivered,
                Outcome::Delivered,
                Outcome::Retry {
                    reason: busy,
                    after: None,
                },
                Outcome::Retry {
                    reason: busy,
                    after: Some(second * 100),
                },
                Outcome::Delivered,
                Outcome::Rejected {
                    reason: Reason::InvalidArgument,
                },
            ],
            now,
        );
        assert_eq!(fates[0], Fate::Remove);
        assert_eq!(fates[1], Fate::Remove);
        assert_eq!(
            fates[2],
            Fate::Bury { reason: busy },
            "the third of three attempts"
        );
        let latest = now + second * 8;
        assert_eq!(
            fates[3],
            Fate::Retry {
                reason: busy,
                due_at: latest
            },
            "bounded wish"
        );
        assert_eq!(fates[4], Fate::Release);
        assert_eq!(
            fates[5],
            Fate::Bury {
                reason: Reason::InvalidArgument
            }
        );
        let Fate::Retry {
            reason: Reason::Internal,
            due_at,
        } = fates[6]
        else {
            panic!()
        };
        assert!(due_at >= now + second / 2 && due_at <= now + second);
    }
}
