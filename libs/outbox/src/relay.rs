//! The relay: all destinations of a service.

use std::fmt;
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use liaison_store::Db;
use liaison_telemetry::Instruments;
use liaison_types::{Clock, Error, ErrorKind, Random, Reason, Result};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::deliver::{Deliver, Hook};
use crate::depth::depths;
use crate::event::Destination;
use crate::lane::{Core, Lane, Settle};
use crate::outbox::Outbox;
use crate::settings::RelaySettings;

/// How often the depth is measured where anything is recorded at all.
const DEPTH_INTERVAL: Duration = Duration::from_secs(15);

/// Hands on what is in the outbox. Cheap to clone.
///
/// Every replica of a service runs one; they share the work. Their clocks should agree to well
/// within the lease: a fast one claims what still belongs to another, which costs a second delivery.
#[derive(Clone)]
pub struct Relay {
    core: Arc<Core>,
    destinations: Arc<[Destination]>,
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay")
            .field("destinations", &self.destinations)
            .finish_non_exhaustive()
    }
}

/// What one pass did, in events.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tick {
    /// Claimed; the sum of the others.
    pub claimed: u64,
    /// Confirmed by the receiver and removed.
    pub delivered: u64,
    /// To be tried again.
    pub retried: u64,
    /// Given up: dead letters now.
    pub dead: u64,
    /// Not settled: claimed by another relay since, or the database failed. They come again.
    pub lost: u64,
}

impl Tick {
    /// The counts by name, without the sum.
    pub(crate) fn outcomes(&self) -> [(&'static str, u64); 4] {
        [
            ("delivered", self.delivered),
            ("retried", self.retried),
            ("dead", self.dead),
            ("lost", self.lost),
        ]
    }
}

impl AddAssign for Tick {
    fn add_assign(&mut self, other: Self) {
        self.claimed += other.claimed;
        self.delivered += other.delivered;
        self.retried += other.retried;
        self.dead += other.dead;
        self.lost += other.lost;
    }
}

impl Relay {
    /// A relay for every destination of `deliver`. Tokens and jitter are drawn from `random`: two
    /// relays on one database must not share a seed.
    ///
    /// # Errors
    /// Where the settings are wrong; see [`RelaySettings::violations`].
    pub fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        deliver: Arc<dyn Deliver>,
        settings: RelaySettings,
        hook: Arc<dyn Hook>,
    ) -> Result<Self> {
        let violations = settings.violations("relay.");
        let backoff = match settings.backoff() {
            Some(backoff) if violations.is_empty() => backoff,
            _ => {
                let wrong = Error::new(ErrorKind::FailedPrecondition, Reason::SettingInvalid);
                return Err(wrong.violations(violations));
            }
        };
        let destinations = deliver.destinations().into();
        let outbox = Outbox::new();
        let instruments = Instruments::none();
        let core = Core {
            db,
            clock,
            random,
            deliver,
            hook,
            settings,
            backoff,
            outbox,
            instruments,
        };
        Ok(Self {
            core: Arc::new(core),
            destinations,
        })
    }

    /// Serves an outbox that was made before the relay.
    #[must_use]
    pub fn with_outbox(self, outbox: Outbox) -> Self {
        let core = Core {
            outbox,
            ..(*self.core).clone()
        };
        Self {
            core: Arc::new(core),
            ..self
        }
    }

    /// Records outcomes, and the depth while it runs.
    #[must_use]
    pub fn with_instruments(self, instruments: Instruments) -> Self {
        let core = Core {
            instruments,
            ..(*self.core).clone()
        };
        Self {
            core: Arc::new(core),
            ..self
        }
    }

    /// The outbox it serves.
    #[must_use]
    pub fn outbox(&self) -> Outbox {
        self.core.outbox.clone()
    }

    /// One pass: at most one batch to each destination, claimed, delivered and settled, all
    /// destinations at once. For tests and for draining by hand; [`Relay::run`] goes on by itself.
    ///
    /// Dropping the future is what a crash is: what was claimed comes again after its lease.
    ///
    /// # Errors
    /// Where claiming fails. What became of a batch is in the counts.
    pub async fn tick(&self) -> Result<Tick> {
        let passes = self.lanes().map(|lane| async move {
            let Some(batch) = lane.claim(self.core.settings.batch, false).await? else {
                return Ok(Tick::default());
            };
            Ok(lane.hand_on(batch, Settle::Now).await.tick)
        });
        let mut total = Tick::default();
        let mut failed = None;
        for pass in join_all(passes).await {
            match pass {
                Ok(tick) => total += tick,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(total), Err)
    }

    /// Hands on what comes until `stop` is cancelled, then waits for the batches under way: no
    /// longer than [`RelaySettings::deliver_timeout`] and their settlement take.
    ///
    /// Each destination has a task of its own, so that a slow one never delays another.
    ///
    /// # Panics
    /// Where one of those tasks does, which is a fault of this crate.
    pub async fn run(&self, stop: CancellationToken) {
        if self.core.settings.paused {
            tracing::warn!("the relay is paused: events are kept and not handed on");
            stop.cancelled().await;
            return;
        }
        let mut tasks = JoinSet::new();
        for lane in self.lanes() {
            tasks.spawn(lane.run(stop.clone()));
        }
        if self.core.instruments.is_recording() {
            tasks.spawn(self.clone().watch_depth(stop));
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended
                && let Ok(panic) = error.try_into_panic()
            {
                std::panic::resume_unwind(panic);
            }
        }
    }

    /// Measures what waits and records it, once.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn record_depth(&self) -> Result<()> {
        let found = depths(&self.core.db).await?;
        let now = self.core.clock.now();
        for destination in self.destinations.iter() {
            let depth = found.iter().find(|depth| depth.destination == *destination);
            let (waiting, dead) = depth.map_or((0, 0), |depth| (depth.waiting, depth.dead));
            let oldest = depth
                .and_then(|depth| depth.oldest)
                .map_or(Duration::ZERO, |at| now.since(at));
            self.core
                .instruments
                .outbox(destination.as_str(), waiting, dead, oldest);
        }
        Ok(())
    }

    async fn watch_depth(self, stop: CancellationToken) {
        let mut interval = tokio::time::interval(DEPTH_INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = interval.tick() => {}
            }
            if let Err(error) = self.record_depth().await {
                tracing::warn!(reason = %error.reason(), "the outbox depth could not be measured");
            }
        }
    }

    fn lanes(&self) -> impl Iterator<Item = Lane> + '_ {
        self.destinations.iter().map(|to| Lane {
            core: Arc::clone(&self.core),
            to: to.clone(),
        })
    }
}
