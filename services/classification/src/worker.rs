//! What runs by itself: facts are taken in, cases that wait are worked off, and what is no longer
//! needed is removed.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use liaison_grpc::event_delivery::{EventHandler, ReceivedEvent};
use liaison_proto::event::event::Data;
use liaison_store::Tx;
use liaison_types::{Backoff, Clock, Error, Party, Random, Result, Timestamp};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::arrivals::{Arrivals, Waiting};
use crate::case::Case;
use crate::convert;
use crate::ops::{Ops, Tally};

/// The waits while intake or the database answers nobody.
const PAUSE_BASE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What classification does with events.
#[derive(Clone, Debug)]
pub struct Facts {
    ops: Ops,
    arrivals: Arrivals,
}

impl Facts {
    /// Takes them in by these use cases, for the worker behind `arrivals`.
    #[must_use]
    pub const fn new(ops: Ops, arrivals: Arrivals) -> Self {
        Self { ops, arrivals }
    }

    async fn take_in(&self, tx: &Tx<'_>, now: Timestamp, events: &[&ReceivedEvent]) -> Result<()> {
        let (mut admitted, mut returned, mut purged) = (Vec::new(), Vec::new(), Vec::new());
        for event in events {
            match &event.data {
                Data::ReferralAdmitted(data) => {
                    admitted.push(convert::admission(event, data, now)?);
                }
                Data::CaseReturned(data) => returned.push(convert::returned(event, data)?),
                Data::ReferralPurged(data) => purged.push(convert::purged(event, data)?),
                _ => return Err(Error::internal("an event of a kind that is not accepted")),
            }
        }
        // A case is admitted before it can come back, and purged when it is over, so this order is that
        // of each subject.
        self.ops
            .record_admissions(tx, now, admitted, &self.arrivals)
            .await?;
        self.ops.record_returns(tx, now, &returned).await?;
        self.ops.record_purges(tx, now, &purged).await
    }
}

impl EventHandler for Facts {
    fn accepts(&self, source: &Party, data: &Data) -> bool {
        convert::accepts(source, data)
    }

    fn apply<'a>(
        &'a self,
        tx: &'a Tx<'a>,
        now: Timestamp,
        events: &'a [&'a ReceivedEvent],
    ) -> BoxFuture<'a, Result<()>> {
        self.take_in(tx, now, events).boxed()
    }
}

/// Works off the cases that wait: several batches at once, so that one is read while another is
/// decided and a third written.
#[derive(Debug)]
pub struct Worker {
    ops: Ops,
    waiting: Waiting,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    in_flight: usize,
    scan_interval: Duration,
}

impl Worker {
    /// A worker with so many batches under way, which takes what arrives, and looks for cases in the
    /// table whenever it is woken and at least every `scan_interval`.
    #[must_use]
    pub fn new(
        ops: Ops,
        waiting: Waiting,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        in_flight: u16,
        scan_interval: Duration,
    ) -> Self {
        Self {
            ops,
            waiting,
            clock,
            random,
            in_flight: usize::from(in_flight.max(1)),
            scan_interval,
        }
    }

    /// Works until `stop` is cancelled, then finishes what is under way.
    ///
    /// # Errors
    /// Never: what fails is tried again.
    pub async fn run(mut self, stop: CancellationToken) -> Result<()> {
        let mut batches: JoinSet<Result<Tally>> = JoinSet::new();
        let mut pause = Pause::new(Arc::clone(&self.random));
        let mut look = true;
        let mut scan = Instant::now();
        while !stop.is_cancelled() {
            let mut idle = false;
            while !idle && !pause.holds() && batches.len() < self.in_flight {
                if look {
                    look = self.begin(&mut batches, &mut pause).await;
                    scan = Instant::now() + self.scan_interval;
                } else {
                    idle = !self.begin_arrived(&mut batches);
                }
            }
            let room = batches.len() < self.in_flight && !pause.holds();
            tokio::select! {
                () = stop.cancelled() => {}
                Some(ended) = batches.join_next(), if !batches.is_empty() => {
                    pause.learn(ended);
                }
                woken = self.waiting.heard(), if room => look |= woken,
                () = sleep_until(pause.until().unwrap_or(scan)) => {
                    pause.over();
                    look = true;
                    scan = Instant::now() + self.scan_interval;
                }
            }
        }
        let left = self.waiting.take(usize::MAX, self.clock.now());
        self.ops.give_back(left).await;
        while let Some(ended) = batches.join_next().await {
            pause.learn(ended);
        }
        Ok(())
    }

    /// Cases that arrived and whose claim lasts long enough to decide them.
    fn arrived(&mut self, most: usize) -> Vec<Case> {
        let deadline = self.clock.now() + self.ops.terms().lease / 2;
        self.waiting.take(most, deadline)
    }

    /// Begins a batch of what arrived. False where nothing did.
    fn begin_arrived(&mut self, batches: &mut JoinSet<Result<Tally>>) -> bool {
        let cases = self.arrived(usize::from(self.ops.terms().batch));
        if cases.is_empty() {
            return false;
        }
        self.spawn(cases, batches);
        true
    }

    fn spawn(&self, cases: Vec<Case>, batches: &mut JoinSet<Result<Tally>>) {
        let span = tracing::info_span!("classification.batch", cases = cases.len());
        let ops = self.ops.clone();
        batches.spawn(async move { ops.classify(cases).await }.instrument(span));
    }

    /// Claims a batch and begins it. False where nothing more waits for now.
    async fn begin(&self, batches: &mut JoinSet<Result<Tally>>, pause: &mut Pause) -> bool {
        let cases = match self.ops.claim_pending().await {
            Ok(cases) => cases,
            Err(error) => {
                pause.begin(&error);
                return true;
            }
        };
        if cases.is_empty() {
            return false;
        }
        let full = cases.len() >= usize::from(self.ops.terms().batch);
        self.spawn(cases, batches);
        full
    }
}

/// A rest while the other side answers nobody. Each failed batch makes it longer, one that succeeds
/// ends it.
#[derive(Debug)]
struct Pause {
    backoff: Backoff,
    random: Arc<dyn Random>,
    failures: u32,
    until: Option<Instant>,
}

impl Pause {
    fn new(random: Arc<dyn Random>) -> Self {
        Self {
            backoff: Backoff::new(PAUSE_BASE, PAUSE_MAX).expect("the constants are in order"),
            random,
            failures: 0,
            until: None,
        }
    }

    const fn holds(&self) -> bool {
        self.until.is_some()
    }

    const fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Time has passed: the next batch shows whether it was enough.
    const fn over(&mut self) {
        self.until = None;
    }

    fn begin(&mut self, error: &Error) {
        // Batches that failed together count once.
        if self.holds() {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        let wait = self.backoff.delay(self.failures, self.random.as_ref());
        self.until = Some(Instant::now() + wait);
        tracing::warn!(
            reason = error.reason().as_str(),
            cause = %error.chain(),
            failures = self.failures,
            "classification rests: intake or the database does not answer"
        );
    }

    fn learn(&mut self, ended: Result<Result<Tally>, JoinError>) {
        match ended {
            Ok(Ok(_)) => {
                self.failures = 0;
                self.until = None;
            }
            Ok(Err(error)) => self.begin(&error),
            // The panic hook has told where; the claims run out.
            Err(_) => self.begin(&Error::internal("a batch did not end")),
        }
    }
}
