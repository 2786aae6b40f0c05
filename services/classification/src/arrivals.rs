//! The short way to the worker: cases admitted just now reach it in memory, claimed already when they
//! are stored. It saves the claim and carries nothing: where the process dies in between, or there is
//! no room, a claim finds them.

use std::sync::Arc;

use liaison_types::Timestamp;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};

use crate::case::Case;

/// Where cases arrive. Cheap to clone. The default has no room and no worker.
#[derive(Clone, Debug)]
pub struct Arrivals(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    wake: Notify,
    room: Arc<Semaphore>,
    queue: mpsc::UnboundedSender<Arrived>,
}

/// A case that is the worker's until its claim runs out.
#[derive(Debug)]
struct Arrived {
    case: Case,
    until: Timestamp,
    _room: OwnedSemaphorePermit,
}

/// The worker's side.
#[derive(Debug)]
pub struct Waiting {
    arrivals: Arrivals,
    queue: mpsc::UnboundedReceiver<Arrived>,
    /// Taken from the queue while waiting for it.
    first: Option<Arrived>,
}

impl Default for Arrivals {
    fn default() -> Self {
        Self::with_room(0).0
    }
}

impl Arrivals {
    /// Both sides, with room for so many cases between them.
    #[must_use]
    pub fn with_room(cases: usize) -> (Self, Waiting) {
        let (sender, queue) = mpsc::unbounded_channel();
        let arrivals = Self(Arc::new(Inner {
            wake: Notify::new(),
            room: Arc::new(Semaphore::new(cases)),
            queue: sender,
        }));
        let waiting = Waiting {
            arrivals: arrivals.clone(),
            queue,
            first: None,
        };
        (arrivals, waiting)
    }

    /// Keeps room for so many cases, where there is as much.
    pub(crate) fn reserve(&self, cases: usize) -> Option<OwnedSemaphorePermit> {
        let cases = u32::try_from(cases).ok()?;
        Arc::clone(&self.0.room).try_acquire_many_owned(cases).ok()
    }

    /// These cases are claimed until then and committed.
    pub(crate) fn hand_over(
        &self,
        cases: Vec<Case>,
        until: Timestamp,
        mut room: OwnedSemaphorePermit,
    ) {
        for case in cases {
            let Some(room) = room.split(1) else {
                return;
            };
            // A worker that has ended takes nothing: the claim runs out.
            let _ended = self.0.queue.send(Arrived {
                case,
                until,
                _room: room,
            });
        }
    }

    /// Cases may wait in the table. Whoever wakes looks for themselves: a wake-up that comes for
    /// nothing or is missed costs time and nothing else.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }
}

impl Waiting {
    /// Waits until a case has arrived, or until cases may wait in the table: then it is true.
    pub(crate) async fn heard(&mut self) -> bool {
        if self.first.is_some() {
            return false;
        }
        tokio::select! {
            () = self.arrivals.0.wake.notified() => true,
            arrived = self.queue.recv() => {
                self.first = arrived;
                false
            }
        }
    }

    /// Up to `most` cases. Those whose claim does not last until `deadline` are left to a later claim.
    pub(crate) fn take(&mut self, most: usize, deadline: Timestamp) -> Vec<Case> {
        let mut cases = Vec::new();
        while cases.len() < most {
            let Some(arrived) = self.first.take().or_else(|| self.queue.try_recv().ok()) else {
                break;
            };
            if arrived.until > deadline {
                cases.push(arrived.case);
            }
        }
        cases
    }
}
