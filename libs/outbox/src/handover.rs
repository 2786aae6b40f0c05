//! The short way: what this process has just committed goes to its own relay without being claimed.
//!
//! The rows are stored with the relay's lease already on them and follow in memory once the commit has
//! succeeded. So a delivery costs one transaction at the sender instead of two, and nothing is read
//! again. It is only a short cut: where the process dies in between, the lease runs out and a claim
//! finds the rows; where there is no room or an earlier event of the same subject is left, they are
//! stored without a lease and claimed.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use liaison_types::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use uuid::Uuid;

use crate::event::{NewEvent, Outgoing};

/// On what terms a relay's task takes events over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// Whose lease the rows carry. New with each run of the task: rows are never leased to it again
    /// once that lease is over, so that nobody mistakes a later claim for it.
    pub(crate) token: Uuid,
    pub(crate) lease: Duration,
    /// The most events of one subject in one batch.
    pub(crate) run: usize,
    /// The most events that wait in memory.
    pub(crate) room: usize,
}

/// Where a running task takes events.
#[derive(Debug)]
pub(crate) struct Entrance {
    terms: Terms,
    room: Arc<Semaphore>,
    /// Closed while the destination does not answer: its events wait in the table, not in memory.
    open: AtomicBool,
    queue: mpsc::UnboundedSender<Group>,
}

/// The events of one subject, in their order. They travel together.
#[derive(Debug)]
pub(crate) struct Group {
    events: Vec<Outgoing>,
    until: Timestamp,
    _room: OwnedSemaphorePermit,
}

/// Events of one transaction that may go over once it commits: their places in it, by subject.
#[derive(Debug)]
pub(crate) struct Reserved {
    entrance: Arc<Entrance>,
    subjects: HashMap<String, Vec<usize>>,
    room: OwnedSemaphorePermit,
}

impl Entrance {
    pub(crate) fn new(terms: Terms) -> (Arc<Self>, Handed) {
        let (queue, arrivals) = mpsc::unbounded_channel();
        let entrance = Arc::new(Self {
            terms,
            room: Arc::new(Semaphore::new(terms.room)),
            open: AtomicBool::new(true),
            queue,
        });
        let handed = Handed {
            entrance: Arc::clone(&entrance),
            arrivals,
            first: VecDeque::new(),
        };
        (entrance, handed)
    }

    /// Keeps room for the events at `places`, as far as their subjects may be handed over; `None`
    /// where there is nothing or no room.
    pub(crate) fn reserve(
        self: Arc<Self>,
        events: &[NewEvent],
        places: &[usize],
    ) -> Option<Reserved> {
        if !self.open.load(Ordering::Relaxed) {
            return None;
        }
        let mut subjects: HashMap<String, Vec<usize>> = HashMap::with_capacity(places.len());
        for place in places {
            let subject = &events[*place].subject;
            if let Some(of_subject) = subjects.get_mut(subject) {
                of_subject.push(*place);
            } else {
                subjects.insert(subject.clone(), vec![*place]);
            }
        }
        subjects.retain(|_, places| places.len() <= self.terms.run);
        let count: usize = subjects.values().map(Vec::len).sum();
        let permits = u32::try_from(count).ok().filter(|count| *count > 0)?;
        let room = Arc::clone(&self.room)
            .try_acquire_many_owned(permits)
            .ok()?;
        Some(Reserved {
            entrance: self,
            subjects,
            room,
        })
    }
}

impl Reserved {
    /// The subjects that may have earlier events left in the table: all but those whose first event
    /// of all is among these.
    pub(crate) fn doubtful<'a>(&'a self, events: &'a [NewEvent]) -> impl Iterator<Item = &'a str> {
        self.subjects.iter().filter_map(|(subject, places)| {
            let first = places.iter().any(|place| events[*place].sequence == FIRST);
            (!first).then_some(subject.as_str())
        })
    }

    /// This subject has earlier events left: its events go the long way.
    pub(crate) fn give_up(&mut self, subject: &str) {
        if let Some(places) = self.subjects.remove(subject) {
            drop(self.room.split(places.len()));
        }
    }

    /// Marks the rows at their places as leased.
    pub(crate) fn mark(&self, leases: &mut [Option<Lease>], now: Timestamp) {
        let lease = Lease {
            token: self.entrance.terms.token,
            until: now + self.entrance.terms.lease,
        };
        for place in self.subjects.values().flatten() {
            leases[*place] = Some(lease);
        }
    }

    /// Copies what goes over, to be sent after the commit.
    pub(crate) fn groups(mut self, events: &[NewEvent], now: Timestamp) -> Departing {
        let until = now + self.entrance.terms.lease;
        let mut groups = Vec::with_capacity(self.subjects.len());
        for (_, places) in self.subjects.drain() {
            let Some(room) = self.room.split(places.len()) else {
                continue;
            };
            let mut of_subject: Vec<Outgoing> = places
                .iter()
                .map(|place| outgoing(&events[*place], now))
                .collect();
            of_subject.sort_unstable_by_key(|event| (event.sequence, event.id));
            groups.push(Group {
                events: of_subject,
                until,
                _room: room,
            });
        }
        Departing {
            entrance: self.entrance,
            groups,
        }
    }
}

/// The sequence of a subject's first event of all.
const FIRST: i64 = 1;

/// A lease a row is stored with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    pub(crate) token: Uuid,
    pub(crate) until: Timestamp,
}

/// What goes over once the transaction has committed.
#[derive(Debug)]
pub(crate) struct Departing {
    entrance: Arc<Entrance>,
    groups: Vec<Group>,
}

impl Departing {
    pub(crate) fn send(self) {
        for group in self.groups {
            // A task that has ended meanwhile takes nothing: the lease runs out, a claim finds the rows.
            let _ended = self.entrance.queue.send(group);
        }
    }
}

fn outgoing(event: &NewEvent, now: Timestamp) -> Outgoing {
    Outgoing {
        id: event.id,
        subject: event.subject.clone(),
        sequence: event.sequence,
        kind: event.kind.clone(),
        payload: event.payload.clone(),
        traceparent: event.traceparent.clone(),
        created_at: now,
        attempt: 1,
    }
}

/// The task's side: what was handed over and waits.
#[derive(Debug)]
pub(crate) struct Handed {
    entrance: Arc<Entrance>,
    arrivals: mpsc::UnboundedReceiver<Group>,
    /// Taken from the arrivals, in their order.
    first: VecDeque<Group>,
}

impl Handed {
    /// Whose lease the events carry.
    pub(crate) fn token(&self) -> Uuid {
        self.entrance.terms.token
    }

    /// Whether events are handed over, or stored for a claim.
    pub(crate) fn accept(&self, open: bool) {
        self.entrance.open.store(open, Ordering::Relaxed);
    }

    /// Waits until there is something.
    pub(crate) async fn arrival(&mut self) {
        if self.first.is_empty() {
            match self.arrivals.recv().await {
                Some(group) => self.first.push_back(group),
                // This side holds the entrance as well, so that the queue never ends.
                None => std::future::pending().await,
            }
        }
    }

    /// The next batch: whole subjects, about `rows` events and no more than `bytes`, but at least one
    /// subject. What would not be delivered before `deadline`, when its lease may be over, is left to
    /// a claim.
    pub(crate) fn next(&mut self, rows: usize, bytes: usize, deadline: Timestamp) -> Vec<Outgoing> {
        let mut batch: Vec<Outgoing> = Vec::new();
        let mut size = 0;
        loop {
            if self.first.is_empty()
                && let Ok(group) = self.arrivals.try_recv()
            {
                self.first.push_back(group);
            }
            let Some(group) = self.first.front() else {
                break;
            };
            let group_size: usize = group.events.iter().map(|event| event.payload.len()).sum();
            let too_much = batch.len() + group.events.len() > rows || size + group_size > bytes;
            if too_much && !batch.is_empty() {
                break;
            }
            size += group_size;
            if let Some(group) = self.first.pop_front()
                && group.until > deadline
            {
                batch.extend(group.events);
            }
        }
        batch
    }

    /// Everything that is left.
    pub(crate) fn rest(mut self) -> Vec<Outgoing> {
        self.arrivals.close();
        let mut rest = Vec::new();
        for group in self.first {
            rest.extend(group.events);
        }
        while let Ok(group) = self.arrivals.try_recv() {
            rest.extend(group.events);
        }
        rest
    }
}
