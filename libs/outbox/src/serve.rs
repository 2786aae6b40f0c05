//! Serving one destination until told to stop.

use std::time::Duration;

use liaison_types::Result;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::claim::Batch;
use crate::event::Outgoing;
use crate::handover::{Handed, Terms};
use crate::lane::{Done, Lane, Settle, Unsettled};
use crate::pace::{Look, Pace};
use crate::relay::Tick;
use crate::settle::{Fate, Sent};

/// How long what has arrived waits for more of it before it is removed from the table. Nothing waits
/// for that, and one transaction for several batches leaves the others more of the database.
const SETTLE_AFTER: Duration = Duration::from_millis(10);

/// How many times what may be under way there may wait in memory, and again for its settlement. An
/// event is about a KiB: a destination that is slow for a moment costs a few MiB, while each event
/// that waits in the table instead has to be claimed, and with it all of its subject behind it.
const ROUNDS_IN_MEMORY: usize = 8;

impl Lane {
    /// Hands on what comes until `stop`, gives back what had only just come, then waits for what is
    /// under way.
    pub(crate) async fn run(self, stop: CancellationToken) {
        Serving::of(self).run(stop).await;
    }

    fn terms(&self) -> Terms {
        Terms {
            token: self.new_token(),
            lease: self.core.settings.lease,
            run: usize::from(self.most_of_one_subject()),
            room: self.most_in_memory(),
        }
    }

    fn most_in_memory(&self) -> usize {
        let settings = &self.core.settings;
        ROUNDS_IN_MEMORY * usize::from(settings.batch) * usize::from(settings.in_flight)
    }

    fn scan_interval(&self) -> Duration {
        self.core
            .settings
            .scan_interval
            .mul_f64(0.9 + 0.2 * self.core.random.next_f64())
    }

    /// These go back into the table as they are.
    fn released(&self, events: &[Outgoing]) -> Vec<(Sent, Fate)> {
        events
            .iter()
            .map(|event| (Sent::new(&self.to, event), Fate::Release))
            .collect()
    }
}

/// A lane at work.
struct Serving {
    lane: Lane,
    woken: watch::Receiver<u64>,
    handed: Handed,
    under_way: JoinSet<Done>,
    /// What was handed over and has arrived, and what was refused: all under the token of `handed`.
    unsettled: Unsettled,
    settle_at: Option<Instant>,
    /// At most one settlement, with the number of its rows.
    settling: JoinSet<(Tick, usize)>,
    /// How long what was handed over waits for company; zero where somebody waits for it.
    linger: Duration,
    /// Until when it waits at the moment.
    lingers_until: Option<Instant>,
    pace: Pace,
    look: Look,
    not_before: Instant,
}

impl Serving {
    fn of(lane: Lane) -> Self {
        let outbox = &lane.core.outbox;
        let linger = if lane.core.deliver.may_linger(&lane.to) {
            lane.core.settings.linger
        } else {
            Duration::ZERO
        };
        Self {
            linger,
            lingers_until: None,
            woken: outbox.listen(&lane.to),
            handed: outbox.open(&lane.to, lane.terms()),
            under_way: JoinSet::new(),
            unsettled: Unsettled::default(),
            settle_at: None,
            settling: JoinSet::new(),
            pace: Pace::new(&lane.core.settings),
            look: Look::now(),
            not_before: Instant::now(),
            lane,
        }
    }

    async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            self.start_batches().await;
            self.settle_what_is_due();
            self.handed.accept(self.pace.is_well());
            let room = self.has_room();
            let resting = self.is_resting();
            let next = if resting {
                self.not_before
            } else {
                self.look.scan()
            };
            let settle = self.settling.is_empty().then_some(self.settle_at).flatten();
            let lingers = self.lingers_until;
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                Some(done) = self.under_way.join_next() => self.note_delivery(done),
                Some(done) = self.settling.join_next() => self.note_settlement(&done),
                () = tokio::time::sleep_until(settle.unwrap_or(next)), if settle.is_some() => {}
                () = tokio::time::sleep_until(next), if room => self.look.want_unless(resting),
                () = tokio::time::sleep_until(lingers.unwrap_or(next)), if lingers.is_some() && room && !resting => {}
                _ = self.woken.changed(), if room && !resting => self.look.want(),
                () = self.handed.arrival(), if room && !resting => {}
            }
        }
        self.end().await;
    }

    /// Claims or takes over as much as may be under way.
    async fn start_batches(&mut self) {
        while self.has_room() && !self.is_resting() {
            let wanted = self.look.wanted();
            let batch = if wanted {
                self.claim().await
            } else {
                self.take_over()
            };
            let when = if wanted { Settle::Now } else { Settle::Later };
            if let Some(batch) = batch {
                let lane = self.lane.clone();
                self.under_way
                    .spawn(async move { lane.hand_on(batch, when).await });
            } else if !wanted {
                break;
            }
        }
    }

    fn has_room(&self) -> bool {
        self.under_way.len() < self.pace.in_flight()
            && self.unsettled.rows.len() < self.lane.most_in_memory()
    }

    fn is_resting(&self) -> bool {
        Instant::now() < self.not_before
    }

    /// A batch from the table. After a failure the destination rests.
    async fn claim(&mut self) -> Option<Batch> {
        // Whatever is committed up to here is seen by the claim.
        self.woken.mark_unchanged();
        let rows = self.pace.rows();
        match self.lane.claim(rows, !self.look.is_certain()).await {
            Ok(batch) => {
                let found = batch.as_ref().map_or(0, |batch| batch.events.len());
                let in_the_way = !(self.under_way.is_empty()
                    && self.settling.is_empty()
                    && self.unsettled.rows.is_empty());
                let next = self.lane.scan_interval();
                self.look.found(found, rows, in_the_way, next);
                batch
            }
            Err(error) => {
                tracing::warn!(
                    outbox.destination = %self.lane.to,
                    reason = %error.reason(),
                    "events to {} could not be claimed", self.lane.to
                );
                self.rest(None);
                None
            }
        }
    }

    /// Whether what was handed over waits for company.
    fn lingers(&mut self) -> bool {
        if self.handed.take_in() && !self.linger.is_zero() {
            let end = Instant::now() + self.linger;
            self.lingers_until.get_or_insert(end);
        }
        let full = self.handed.len() >= usize::from(self.pace.rows());
        let over = |until: &mut Instant| full || *until <= Instant::now();
        self.lingers_until.take_if(over);
        self.lingers_until.is_some()
    }

    /// A batch of what was handed over. What may not go is given back.
    fn take_over(&mut self) -> Option<Batch> {
        if self.lingers() {
            return None;
        }
        let settings = &self.lane.core.settings;
        // Settling takes its time, too.
        let deadline = self.lane.core.clock.now() + settings.deliver_timeout;
        let rows = usize::from(self.pace.rows());
        let taken = self.handed.next(rows, settings.batch_bytes, deadline);
        if !taken.refused.is_empty() {
            let rows = self.lane.released(&taken.refused);
            self.unsettled.rows.extend(rows);
            self.settle_at = Some(Instant::now());
        }
        (!taken.events.is_empty()).then(|| Batch {
            token: self.handed.token(),
            events: taken.events,
            tickets: taken.tickets,
        })
    }

    fn settle_what_is_due(&mut self) {
        let full = self.unsettled.rows.len() >= usize::from(self.lane.core.settings.batch);
        let due = self.settle_at.is_some_and(|at| at <= Instant::now());
        if (full || due) && self.settling.is_empty() {
            self.settle_at = None;
            let (lane, token) = (self.lane.clone(), self.handed.token());
            let unsettled = std::mem::take(&mut self.unsettled);
            self.settling.spawn(async move {
                let rows = unsettled.rows.len();
                (lane.settle(token, unsettled).await, rows)
            });
        }
    }

    /// Takes in how a batch ended; where it failed as a whole, the destination rests.
    fn note_delivery(&mut self, done: Result<Done, JoinError>) {
        match done {
            Ok(done) => {
                self.look.after(done.tick.delivered < done.tick.claimed);
                if done.unsettled.rows.is_empty() {
                    self.look.after_settlement();
                } else {
                    let soon = Instant::now() + SETTLE_AFTER;
                    self.settle_at.get_or_insert(soon);
                    self.unsettled.append(done.unsettled);
                }
                match done.failed {
                    None => self.pace.succeeded(),
                    Some(after) => self.rest(after),
                }
            }
            Err(_panic) => {
                tracing::error!(
                    outbox.destination = %self.lane.to,
                    "a batch to {} was not settled, it comes again after its lease", self.lane.to
                );
                self.look.after(true);
                self.rest(None);
            }
        }
    }

    fn note_settlement(&mut self, done: &Result<(Tick, usize), JoinError>) {
        let kept = !matches!(done, Ok((tick, rows)) if tick.delivered == *rows as u64);
        self.look.after(kept);
        self.look.after_settlement();
        if done.is_err() {
            tracing::error!(
                outbox.destination = %self.lane.to,
                "what arrived at {} was not removed, it goes again after its lease", self.lane.to
            );
        }
    }

    /// Leaves the destination alone for a while: its own wish, or what its failures call for.
    fn rest(&mut self, wish: Option<Duration>) {
        self.not_before = Instant::now() + self.pace.failed(&self.lane.core, wish);
    }

    async fn end(mut self) {
        self.lane.core.outbox.close(&self.lane.to);
        let token = self.handed.token();
        let back = Unsettled {
            rows: self.lane.released(&self.handed.rest()),
            tickets: Vec::new(),
        };
        if !back.rows.is_empty() {
            self.lane.settle(token, back).await;
        }
        while let Some(done) = self.under_way.join_next().await {
            if let Ok(done) = done {
                self.unsettled.append(done.unsettled);
            }
        }
        // What is being settled is settled; a panic there was told to the log by its hook.
        while self.settling.join_next().await.is_some() {}
        if !self.unsettled.rows.is_empty() {
            self.lane.settle(token, self.unsettled).await;
        }
    }
}
