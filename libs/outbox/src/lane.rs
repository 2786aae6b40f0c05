//! One destination's way: claim, hand on, settle; once, or until told to stop.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use liaison_store::Db;
use liaison_telemetry::{Instruments, propagation};
use liaison_types::{Backoff, Clock, Error, ErrorKind, Random, Reason, Result};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::claim::{Batch, Limits, claim, ready};
use crate::deliver::{Deliver, Hook, Outcome};
use crate::event::{Destination, Outgoing};
use crate::handover::{Handed, Terms};
use crate::outbox::Outbox;
use crate::relay::Tick;
use crate::settings::RelaySettings;
use crate::settle::{Fate, Patience, Sent, buried, by_subject, settle};

/// The longest a destination that does not answer is left alone between two tries. Short, so that
/// what it gets after it came back is not late; each try is one small batch.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What all lanes of a relay share.
#[derive(Clone)]
pub(crate) struct Core {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) deliver: Arc<dyn Deliver>,
    pub(crate) hook: Arc<dyn Hook>,
    pub(crate) settings: RelaySettings,
    pub(crate) backoff: Backoff,
    pub(crate) outbox: Outbox,
    pub(crate) instruments: Instruments,
}

/// The way to one destination.
#[derive(Clone)]
pub(crate) struct Lane {
    pub(crate) core: Arc<Core>,
    pub(crate) to: Destination,
}

/// What became of a batch.
pub(crate) struct Done {
    pub(crate) tick: Tick,
    /// The call failed as a whole; the receiver's wish when to come back, if it had one.
    pub(crate) failed: Option<Option<Duration>>,
}

impl Lane {
    /// Claims at most `rows` rows. With `look_first` it reads before it takes a write transaction.
    pub(crate) async fn claim(&self, rows: u16, look_first: bool) -> Result<Option<Batch>> {
        let core = &self.core;
        let now = core.clock.now();
        if look_first && !ready(&core.db, &self.to, now).await? {
            return Ok(None);
        }
        let limits = Limits {
            rows,
            bytes: core.settings.batch_bytes,
            run: self.most_of_one_subject(),
        };
        let until = now + core.settings.lease;
        claim(&core.db, &self.to, now, until, self.new_token(), limits).await
    }

    fn new_token(&self) -> Uuid {
        let mut token = [0; 16];
        self.core.random.fill(&mut token);
        Uuid::from_bytes(token)
    }

    /// In one batch.
    fn most_of_one_subject(&self) -> u16 {
        if self.core.deliver.keeps_order() {
            self.core.settings.run
        } else {
            1
        }
    }

    /// Delivers and settles a batch. The span over it points to the trace of each event.
    pub(crate) async fn hand_on(&self, batch: Batch) -> Done {
        let span = tracing::info_span!(
            "outbox.deliver",
            otel.name = %format_args!("deliver to {}", self.to),
            outbox.destination = %self.to,
            outbox.events = batch.events.len(),
            outbox.delivered = tracing::field::Empty,
            outbox.retried = tracing::field::Empty,
            outbox.dead = tracing::field::Empty,
        );
        if !span.is_disabled() {
            for traceparent in batch
                .events
                .iter()
                .filter_map(|event| event.traceparent.as_deref())
            {
                propagation::link(&span, traceparent);
            }
        }
        let handed = self
            .deliver_and_settle(batch)
            .instrument(span.clone())
            .await;
        span.record("outbox.delivered", handed.tick.delivered);
        span.record("outbox.retried", handed.tick.retried);
        span.record("outbox.dead", handed.tick.dead);
        for (outcome, events) in handed.tick.outcomes() {
            self.core
                .instruments
                .outbox_outcome(self.to.as_str(), outcome, events);
        }
        handed
    }

    async fn deliver_and_settle(&self, batch: Batch) -> Done {
        let Batch { token, events } = batch;
        let sent: Vec<Sent> = events
            .iter()
            .map(|event| Sent::new(&self.to, event))
            .collect();
        let outcomes = self.deliver(events).await;
        let now = self.core.clock.now();
        let patience = self.patience();
        let (outcomes, failed) = match outcomes {
            Ok(outcomes) => (outcomes, None),
            Err(error) => {
                tracing::warn!(
                    outbox.destination = %self.to,
                    outbox.events = sent.len(),
                    reason = %error.reason(),
                    "no answer from {}, its events are tried again", self.to
                );
                let retry = Outcome::Retry {
                    reason: error.reason(),
                    after: error.retry_delay(),
                };
                (vec![retry; sent.len()], Some(error.retry_delay()))
            }
        };
        let fates = patience.judge(&sent, &outcomes, now);
        let claimed = sent.len() as u64;
        let mut tick = self
            .settle(token, sent.into_iter().zip(fates).collect())
            .await;
        tick.claimed = claimed;
        Done { tick, failed }
    }

    /// Calls the deliverer, within its time, and takes a panic for a failed call.
    async fn deliver(&self, events: Vec<Outgoing>) -> Result<Vec<Outcome>> {
        let limit = self.core.settings.deliver_timeout;
        let call = AssertUnwindSafe(self.core.deliver.deliver(&self.to, events)).catch_unwind();
        match tokio::time::timeout(limit, call).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_panic)) => Err(Error::internal("the deliverer panicked")),
            Err(_elapsed) => Err(Error::new(
                ErrorKind::DeadlineExceeded,
                Reason::DeadlineExceeded,
            )),
        }
    }

    /// Settles all rows together or, where that fails, each by itself, so that one whose hook fails
    /// does not hold up its neighbours. What cannot be settled at all waits for the end of its lease.
    async fn settle(&self, token: Uuid, rows: Vec<(Sent, Fate)>) -> Tick {
        let error = match self.write(token, &rows).await {
            Ok(tick) => return tick,
            Err(error) => error,
        };
        self.warn_unsettled(&error, rows.len());
        if matches!(
            error.kind(),
            ErrorKind::Unavailable | ErrorKind::ResourceExhausted
        ) {
            return lost(&rows);
        }
        let mut total = Tick::default();
        for subject in by_subject(rows) {
            total += self.settle_subject(token, subject).await;
        }
        total
    }

    /// Settles one subject's rows one after the other, up to the first that fails: that one is tried
    /// again, and those behind it follow it.
    async fn settle_subject(&self, token: Uuid, mut rows: Vec<(Sent, Fate)>) -> Tick {
        let mut total = Tick::default();
        for first in 0..rows.len() {
            let error = match self.write(token, &rows[first..=first]).await {
                Ok(tick) => {
                    total += tick;
                    continue;
                }
                Err(error) => error,
            };
            let again = &mut rows[first..];
            again.iter_mut().for_each(|(_, fate)| *fate = Fate::Release);
            let (sent, fate) = &mut again[0];
            let now = self.core.clock.now();
            *fate = self
                .patience()
                .retry(sent.attempt, error.reason(), None, now);
            match self.write(token, again).await {
                Ok(tick) => total += tick,
                Err(error) => {
                    self.warn_unsettled(&error, again.len());
                    total += lost(again);
                }
            }
            break;
        }
        total
    }

    async fn write(&self, token: Uuid, rows: &[(Sent, Fate)]) -> Result<Tick> {
        let core = &self.core;
        let tick = settle(&core.db, core.hook.as_ref(), token, core.clock.now(), rows).await?;
        if tick.dead > 0 {
            for (id, reason) in buried(rows) {
                tracing::error!(
                    outbox.destination = %self.to,
                    outbox.event = %id,
                    %reason,
                    "event {id} to {} is a dead letter: {reason}", self.to
                );
            }
        }
        Ok(tick)
    }

    fn warn_unsettled(&self, error: &Error, events: usize) {
        tracing::warn!(
            outbox.destination = %self.to,
            outbox.events = events,
            reason = %error.reason(),
            "{events} events to {} could not be settled together", self.to
        );
    }

    fn patience(&self) -> Patience<'_> {
        Patience {
            backoff: self.core.backoff,
            longest: self.core.settings.backoff_max,
            max_attempts: self.core.settings.max_attempts,
            random: self.core.random.as_ref(),
        }
    }

    /// Hands on what comes until `stop`, gives back what had only just come, then waits for what is
    /// under way.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let settings = &self.core.settings;
        let mut woken = self.core.outbox.listen(&self.to);
        let mut handed = self.core.outbox.open(&self.to, self.terms());
        let mut under_way: JoinSet<Done> = JoinSet::new();
        let mut pace = Pace::new(settings);
        let mut look = Look::now();
        let mut not_before = Instant::now();
        loop {
            let resting = Instant::now() < not_before;
            let mut idle = false;
            while !(stop.is_cancelled() || resting || idle) && under_way.len() < pace.in_flight() {
                let batch = if look.wanted {
                    // Whatever is committed up to here is seen by the claim.
                    woken.mark_unchanged();
                    match self.claim(pace.rows, !look.certain).await {
                        Ok(batch) => {
                            let found = batch.as_ref().map_or(0, |batch| batch.events.len());
                            look.found(
                                found,
                                pace.rows,
                                !under_way.is_empty(),
                                self.scan_interval(),
                            );
                            batch
                        }
                        Err(error) => {
                            tracing::warn!(
                                outbox.destination = %self.to,
                                reason = %error.reason(),
                                "events to {} could not be claimed", self.to
                            );
                            not_before = Instant::now() + pace.failed(&self.core, None);
                            break;
                        }
                    }
                } else {
                    let batch = self.take_over(&mut handed, pace.rows);
                    idle = batch.is_none();
                    batch
                };
                if let Some(batch) = batch {
                    let lane = self.clone();
                    under_way.spawn(async move { lane.hand_on(batch).await });
                }
            }
            handed.accept(pace.failures == 0);
            let room = under_way.len() < pace.in_flight();
            let resting = Instant::now() < not_before;
            let next = if resting { not_before } else { look.scan };
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(done) = under_way.join_next() => {
                    look.after(&done);
                    if let Some(pause) = self.note(done, &mut pace) {
                        not_before = Instant::now() + pause;
                    }
                }
                () = tokio::time::sleep_until(next), if room => look.wanted |= !resting,
                _ = woken.changed(), if room && !resting => look.wanted = true,
                () = handed.arrival(), if room && !resting => {}
            }
        }
        self.core.outbox.close(&self.to);
        self.give_back(handed).await;
        while let Some(done) = under_way.join_next().await {
            self.note(done, &mut pace);
        }
    }

    fn terms(&self) -> Terms {
        let settings = &self.core.settings;
        Terms {
            token: self.new_token(),
            lease: settings.lease,
            run: usize::from(self.most_of_one_subject()),
            room: usize::from(settings.batch) * usize::from(settings.in_flight),
        }
    }

    /// A batch of what was handed over.
    fn take_over(&self, handed: &mut Handed, rows: u16) -> Option<Batch> {
        let settings = &self.core.settings;
        // Settling takes its time, too.
        let deadline = self.core.clock.now() + settings.deliver_timeout;
        let events = handed.next(usize::from(rows), settings.batch_bytes, deadline);
        (!events.is_empty()).then(|| Batch {
            token: handed.token(),
            events,
        })
    }

    /// What was handed over and not begun is free for other relays, and for this one after a start.
    async fn give_back(&self, handed: Handed) {
        let token = handed.token();
        let rows: Vec<(Sent, Fate)> = handed
            .rest()
            .iter()
            .map(|event| (Sent::new(&self.to, event), Fate::Release))
            .collect();
        if rows.is_empty() {
            return;
        }
        if let Err(error) = self.write(token, &rows).await {
            self.warn_unsettled(&error, rows.len());
        }
    }

    /// Takes in how a batch ended; where it failed as a whole, says how long to leave the
    /// destination alone.
    fn note(
        &self,
        done: Result<Done, tokio::task::JoinError>,
        pace: &mut Pace,
    ) -> Option<Duration> {
        match done {
            Ok(Done { failed: None, .. }) => {
                pace.succeeded();
                None
            }
            Ok(Done {
                failed: Some(after),
                ..
            }) => Some(pace.failed(&self.core, after)),
            Err(_panic) => {
                tracing::error!(
                    outbox.destination = %self.to,
                    "a batch to {} was not settled, it comes again after its lease", self.to
                );
                Some(pace.failed(&self.core, None))
            }
        }
    }

    fn scan_interval(&self) -> Duration {
        self.core
            .settings
            .scan_interval
            .mul_f64(0.9 + 0.2 * self.core.random.next_f64())
    }
}

fn lost(rows: &[(Sent, Fate)]) -> Tick {
    Tick {
        lost: rows.len() as u64,
        ..Tick::default()
    }
}

/// When to look into the table.
#[derive(Debug)]
struct Look {
    /// Now.
    wanted: bool,
    /// The last look filled a batch: there is more, no need to ask first.
    certain: bool,
    /// Something came that had to wait for what was under way.
    behind: bool,
    /// The latest time of the next look.
    scan: Instant,
}

impl Look {
    fn now() -> Self {
        Self {
            wanted: true,
            certain: false,
            behind: false,
            scan: Instant::now(),
        }
    }

    fn found(&mut self, events: usize, rows: u16, under_way: bool, scan_interval: Duration) {
        self.certain = events >= usize::from(rows);
        self.wanted = events > 0;
        self.behind |= under_way;
        self.scan = Instant::now() + scan_interval;
    }

    /// What waited for its predecessor may have its turn now.
    fn after(&mut self, done: &Result<Done, tokio::task::JoinError>) {
        let kept = !matches!(done, Ok(done) if done.tick.delivered == done.tick.claimed);
        self.wanted |= kept || std::mem::take(&mut self.behind);
    }
}

/// How fast a destination is served. After a call that failed as a whole the batches shrink to a
/// quarter each time, down to single events, and only one is under way: a destination that is down
/// costs little, and one event that breaks every call it is part of ends up in a call of its own.
#[derive(Debug)]
struct Pace {
    rows: u16,
    most_rows: u16,
    most_in_flight: usize,
    failures: u32,
}

impl Pace {
    fn new(settings: &RelaySettings) -> Self {
        Self {
            rows: settings.batch,
            most_rows: settings.batch,
            most_in_flight: settings.in_flight.into(),
            failures: 0,
        }
    }

    const fn in_flight(&self) -> usize {
        if self.failures == 0 {
            self.most_in_flight
        } else {
            1
        }
    }

    fn succeeded(&mut self) {
        self.failures = 0;
        self.rows = self.rows.saturating_mul(4).min(self.most_rows);
    }

    /// How long to leave the destination alone: its own wish, bounded like every wait, or the
    /// backoff up to five seconds.
    fn failed(&mut self, core: &Core, after: Option<Duration>) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.rows = (self.rows / 4).max(1);
        let own = core
            .backoff
            .delay(self.failures, core.random.as_ref())
            .min(LONGEST_PAUSE);
        own.max(after.unwrap_or_default().min(core.settings.backoff_max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_destination_is_served_in_ever_smaller_batches() {
        let mut pace = Pace::new(&RelaySettings::default());
        let mut rows = Vec::new();
        for _ in 0..5 {
            pace.failures += 1;
            pace.rows = (pace.rows / 4).max(1);
            rows.push(pace.rows);
        }
        assert_eq!(rows, [64, 16, 4, 1, 1]);
        assert_eq!(pace.in_flight(), 1);
        pace.succeeded();
        assert_eq!((pace.rows, pace.in_flight()), (4, 2));
    }
}
