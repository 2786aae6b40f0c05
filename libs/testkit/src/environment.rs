//! Time and chance under a test's control.

use std::sync::Arc;
use std::time::Duration;

use liaison_types::{Clock, EventId, ManualClock, Random, SeededRandom, Timestamp};

/// 2026-03-01T08:00:00Z, a Sunday: where every test's clock starts.
pub const START: Timestamp = Timestamp::from_seconds(1_772_352_000);

/// A clock that stands until it is moved, and a random source that repeats itself.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The clock.
    pub clock: Arc<ManualClock>,
    /// The random source.
    pub random: Arc<SeededRandom>,
}

impl Environment {
    /// The environment that belongs to `seed`, at [`START`].
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            clock: Arc::new(ManualClock::new(START)),
            random: Arc::new(SeededRandom::new(seed)),
        }
    }

    /// The clock as programs take it.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// The random source as programs take it.
    #[must_use]
    pub fn random(&self) -> Arc<dyn Random> {
        self.random.clone()
    }

    /// What the clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the clock.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// A fresh event id.
    #[must_use]
    pub fn event_id(&self) -> EventId {
        EventId::new(self.now(), self.random.as_ref())
    }

    /// A number below `bound`, which is not 0.
    #[must_use]
    pub fn below(&self, bound: u64) -> u64 {
        self.random.next_u64() % bound
    }

    /// True once in `1 / probability` times.
    #[must_use]
    pub fn chance(&self, probability: f64) -> bool {
        self.random.next_f64() < probability
    }
}
