//! Deliveries that go wrong, as networks and peers make them go wrong.

use std::collections::HashSet;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use liaison_outbox::{Deliver, Destination, Outcome, Outgoing};
use liaison_types::{Error, Random, Reason, Result};
use tokio::sync::Notify;

/// How likely each fault is, from 0 to 1. At most one of the faults of a call happens to a call.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Faults {
    /// The call never arrives, and the sender learns that.
    pub lost_before: f64,
    /// The call takes effect and its answer is lost.
    pub lost_after: f64,
    /// The call arrives twice.
    pub duplicated: f64,
    /// The call fails for the sender and arrives later: with [`Faulty::arrive_late`].
    pub late: f64,
    /// The sender dies before the call arrives: it never ends, and [`Faulty::died`] tells.
    pub dies_before: f64,
    /// The sender dies after the call took effect.
    pub dies_after: f64,
    /// Of each event: the receiver refuses it for now, and with it those of its subject behind it.
    pub refused: f64,
}

impl Faults {
    /// Every fault, so that about every second call goes wrong in some way.
    #[must_use]
    pub const fn heavy() -> Self {
        Self {
            lost_before: 0.1,
            lost_after: 0.1,
            duplicated: 0.1,
            late: 0.1,
            dies_before: 0.05,
            dies_after: 0.05,
            refused: 0.1,
        }
    }
}

/// A [`Deliver`] whose calls go wrong as [`Faults`] say.
#[derive(Debug)]
pub struct Faulty<D> {
    inner: D,
    random: Arc<dyn Random>,
    faults: Mutex<Faults>,
    late: Mutex<Vec<(Destination, Vec<Outgoing>)>>,
    died: Notify,
}

impl<D: Deliver> Faulty<D> {
    /// `inner`, reached over a path with these faults.
    #[must_use]
    pub fn new(inner: D, random: Arc<dyn Random>, faults: Faults) -> Self {
        Self {
            inner,
            random,
            faults: Mutex::new(faults),
            late: Mutex::default(),
            died: Notify::new(),
        }
    }

    /// What is reached.
    #[must_use]
    pub fn inner(&self) -> &D {
        &self.inner
    }

    /// Changes the faults from here on.
    pub fn set(&self, faults: Faults) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// Resolves when a sender died in a call: whoever awaits it drops that call.
    pub async fn died(&self) {
        self.died.notified().await;
    }

    /// Lets one of the late calls arrive, drawn at random; false where there is none.
    pub async fn arrive_late(&self) -> bool {
        let (to, events) = {
            let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
            if late.is_empty() {
                return false;
            }
            let which = usize::try_from(self.random.next_u64() % late.len() as u64);
            late.swap_remove(which.unwrap_or(0))
        };
        // Nobody is there any more to hear the answer.
        let _ = self.inner.deliver(&to, events).await;
        true
    }

    async fn die(&self) -> Result<Vec<Outcome>> {
        self.died.notify_one();
        pending().await
    }

    /// The call as it arrives: without the events that are refused, whose outcomes are put back in.
    async fn arrive(
        &self,
        to: &Destination,
        events: Vec<Outgoing>,
        refused: f64,
    ) -> Result<Vec<Outcome>> {
        let mut subjects = HashSet::new();
        let mut refusals = Vec::with_capacity(events.len());
        let mut passed = Vec::with_capacity(events.len());
        for event in events {
            let refuse = subjects.contains(&event.subject) || self.random.next_f64() < refused;
            refusals.push(refuse);
            if refuse {
                subjects.insert(event.subject);
            } else {
                passed.push(event);
            }
        }
        let mut answers = if passed.is_empty() {
            Vec::new().into_iter()
        } else {
            self.inner.deliver(to, passed).await?.into_iter()
        };
        let refusal = Outcome::Retry {
            reason: Reason::Overloaded,
            after: None,
        };
        Ok(refusals
            .into_iter()
            .map_while(|refuse| {
                if refuse {
                    Some(refusal)
                } else {
                    answers.next()
                }
            })
            .collect())
    }

    async fn call(&self, to: &Destination, events: Vec<Outgoing>) -> Result<Vec<Outcome>> {
        let faults = *self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let mut drawn = self.random.next_f64();
        let mut happens = |probability: f64| {
            let hit = (0.0..probability).contains(&drawn);
            drawn -= probability;
            hit
        };
        if happens(faults.lost_before) {
            return Err(Error::unavailable("lost before it arrived"));
        }
        if happens(faults.lost_after) {
            self.arrive(to, events, faults.refused).await?;
            return Err(Error::unavailable("the answer was lost"));
        }
        if happens(faults.duplicated) {
            self.arrive(to, events.clone(), faults.refused).await?;
        } else if happens(faults.late) {
            let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
            late.push((to.clone(), events));
            return Err(Error::unavailable("on its way for too long"));
        } else if happens(faults.dies_before) {
            return self.die().await;
        } else if happens(faults.dies_after) {
            self.arrive(to, events, faults.refused).await?;
            return self.die().await;
        }
        self.arrive(to, events, faults.refused).await
    }
}

impl<D: Deliver> Deliver for Faulty<D> {
    fn destinations(&self) -> Vec<Destination> {
        self.inner.destinations()
    }

    fn keeps_order(&self) -> bool {
        self.inner.keeps_order()
    }

    fn deliver<'a>(
        &'a self,
        destination: &'a Destination,
        batch: Vec<Outgoing>,
    ) -> BoxFuture<'a, Result<Vec<Outcome>>> {
        self.call(destination, batch).boxed()
    }
}
