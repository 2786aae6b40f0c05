//! The short way: what this process has just committed goes to its own relay without being claimed.
//!
//! The rows are stored with the relay's lease already on them and follow in memory once the commit has
//! succeeded. So a delivery costs one transaction at the sender instead of two, and nothing is read
//! again. It is only a short cut: where the process dies in between, the lease runs out and a claim
//! finds the rows; where there is no room, or an earlier event of the same subject is left that did not
//! come this way, they are stored without a lease and claimed.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use liaison_types::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use uuid::Uuid;

use crate::event::{NewEvent, Outgoing};
use crate::turns::{Ticket, Turn, Turns};

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
    turns: Turns,
    queue: mpsc::UnboundedSender<Group>,
}

/// The events of one subject, in their order. They travel together.
#[derive(Debug)]
pub(crate) struct Group {
    events: Vec<Outgoing>,
    until: Timestamp,
    ticket: Ticket,
    _room: OwnedSemaphorePermit,
}

/// Events of one transaction that may go over once it commits.
#[derive(Debug)]
pub(crate) struct Reserved {
    entrance: Arc<Entrance>,
    subjects: Vec<Subject>,
    room: OwnedSemaphorePermit,
}

/// The events of one subject: their places in the transaction, and in the line.
#[derive(Debug)]
struct Subject {
    places: Vec<usize>,
    ticket: Ticket,
}

/// A subject that may have earlier events left in the table.
#[derive(Debug)]
pub(crate) struct Doubt<'a> {
    pub(crate) subject: &'a str,
    /// From this sequence on, what is left under `token` is in memory and in order.
    pub(crate) oldest: i64,
    pub(crate) token: Uuid,
}

impl Entrance {
    pub(crate) fn new(terms: Terms) -> (Arc<Self>, Handed) {
        let (queue, arrivals) = mpsc::unbounded_channel();
        let entrance = Arc::new(Self {
            terms,
            room: Arc::new(Semaphore::new(terms.room)),
            open: AtomicBool::new(true),
            turns: Turns::default(),
            queue,
        });
        let handed = Handed {
            entrance: Arc::clone(&entrance),
            arrivals,
            waiting: VecDeque::new(),
            fresh: false,
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
        let mut subjects: HashMap<&str, Vec<usize>> = HashMap::with_capacity(places.len());
        for place in places {
            let subject = events[*place].subject.as_str();
            subjects.entry(subject).or_default().push(*place);
        }
        subjects.retain(|_, places| places.len() <= self.terms.run);
        let count: usize = subjects.values().map(Vec::len).sum();
        let permits = u32::try_from(count).ok().filter(|count| *count > 0)?;
        let room = Arc::clone(&self.room)
            .try_acquire_many_owned(permits)
            .ok()?;
        let subjects = subjects
            .into_iter()
            .map(|(subject, places)| {
                let sequences = places.iter().map(|place| events[*place].sequence);
                let first = sequences.min().unwrap_or(FIRST);
                let ticket = self.turns.enter(subject, first);
                Subject { places, ticket }
            })
            .collect();
        Some(Reserved {
            entrance: self,
            subjects,
            room,
        })
    }
}

impl Reserved {
    /// The subjects whose earlier events have to be looked for: all but those that are `new`.
    pub(crate) fn doubts<'a>(
        &'a self,
        new: &'a HashSet<&str>,
    ) -> impl Iterator<Item = Doubt<'a>> + 'a {
        let token = self.entrance.terms.token;
        self.subjects
            .iter()
            .filter(|subject| !new.contains(subject.ticket.subject()))
            .map(move |Subject { ticket, .. }| Doubt {
                subject: ticket.subject(),
                // Broken meanwhile: whatever is left, is left.
                oldest: ticket.oldest().unwrap_or(i64::MAX),
                token,
            })
    }

    /// This subject has earlier events left: its events go the long way.
    pub(crate) fn give_up(&mut self, subject: &str) {
        let found = self
            .subjects
            .iter()
            .position(|of| of.ticket.subject() == subject);
        if let Some(found) = found {
            let subject = self.subjects.swap_remove(found);
            drop(self.room.split(subject.places.len()));
        }
    }

    /// Marks the rows at their places as leased.
    pub(crate) fn mark(&self, leases: &mut [Option<Lease>], now: Timestamp) {
        let lease = Lease {
            token: self.entrance.terms.token,
            until: now + self.entrance.terms.lease,
        };
        for place in self.subjects.iter().flat_map(|subject| &subject.places) {
            leases[*place] = Some(lease);
        }
    }

    /// Copies what goes over, to be sent after the commit.
    pub(crate) fn groups(mut self, events: &[NewEvent], now: Timestamp) -> Departing {
        let until = now + self.entrance.terms.lease;
        let mut groups = Vec::with_capacity(self.subjects.len());
        for Subject { places, ticket } in self.subjects {
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
                ticket,
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

/// The subjects whose first event of all is among these: nothing of them is left anywhere.
pub(crate) fn new_subjects(events: &[NewEvent]) -> HashSet<&str> {
    events
        .iter()
        .filter(|event| event.sequence == FIRST)
        .map(|event| event.subject.as_str())
        .collect()
}

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
    waiting: VecDeque<Group>,
    /// Some of them since it was asked last.
    fresh: bool,
}

/// What [`Handed::next`] takes.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) events: Vec<Outgoing>,
    /// The places of the events in their lines, and for how many of them each stands, in their order.
    pub(crate) tickets: Vec<(Ticket, usize)>,
    /// To be given back to the table, where claims restore the order.
    pub(crate) refused: Vec<Outgoing>,
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

    /// Takes in what has arrived, and says whether anything has since it was asked last.
    pub(crate) fn take_in(&mut self) -> bool {
        while let Ok(group) = self.arrivals.try_recv() {
            self.waiting.push_back(group);
            self.fresh = true;
        }
        std::mem::take(&mut self.fresh)
    }

    /// How many events wait, as far as they were taken in.
    pub(crate) fn len(&self) -> usize {
        self.waiting.iter().map(|group| group.events.len()).sum()
    }

    /// Waits until there is something new.
    pub(crate) async fn arrival(&mut self) {
        match self.arrivals.recv().await {
            Some(group) => {
                self.waiting.push_back(group);
                self.fresh = true;
            }
            // This side holds the entrance as well, so that the queue never ends.
            None => std::future::pending().await,
        }
    }

    /// The next batch of what was taken in: whole groups whose turn it is, about `rows` events and no
    /// more than `bytes`, but at least one group. What would not be delivered before `deadline`, when
    /// its lease may be over, is refused.
    pub(crate) fn next(&mut self, rows: usize, bytes: usize, deadline: Timestamp) -> Taken {
        let mut taken = Taken::default();
        let mut size = 0;
        let mut at = 0;
        let mut with: HashSet<u64> = HashSet::new();
        let mut runs: HashMap<String, usize> = HashMap::new();
        while let Some(group) = self.waiting.get(at) {
            let count = group.events.len();
            let subject = group.ticket.subject();
            let run = runs.get(subject).copied().unwrap_or_default() + count;
            let turn = if group.until <= deadline {
                Turn::Never
            } else if run > self.entrance.terms.run {
                Turn::Later
            } else {
                group.ticket.turn(&with)
            };
            if turn == Turn::Later {
                at += 1;
                continue;
            }
            let group_size: usize = group.events.iter().map(|event| event.payload.len()).sum();
            let too_much = taken.events.len() + count > rows || size + group_size > bytes;
            if turn == Turn::Now && too_much && !taken.events.is_empty() {
                break;
            }
            let Some(group) = self.waiting.remove(at) else {
                break;
            };
            if turn == Turn::Now {
                size += group_size;
                with.insert(group.ticket.number());
                runs.insert(group.ticket.subject().to_owned(), run);
                taken.tickets.push((group.ticket, group.events.len()));
                taken.events.extend(group.events);
            } else {
                taken.refused.extend(group.events);
            }
        }
        taken
    }

    /// Everything that is left.
    pub(crate) fn rest(mut self) -> Vec<Outgoing> {
        self.arrivals.close();
        let mut rest = Vec::new();
        for group in self.waiting {
            rest.extend(group.events);
        }
        while let Ok(group) = self.arrivals.try_recv() {
            rest.extend(group.events);
        }
        rest
    }
}
