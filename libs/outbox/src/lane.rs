//! One destination's way: claim, hand on, settle.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use liaison_store::Db;
use liaison_telemetry::{Instruments, propagation};
use liaison_types::{Backoff, Clock, Error, ErrorKind, Random, Reason, Result};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::claim::{Batch, Limits, claim, ready};
use crate::deliver::{Deliver, Hook, Outcome};
use crate::event::{Destination, Outgoing};
use crate::outbox::Outbox;
use crate::relay::Tick;
use crate::settings::RelaySettings;
use crate::settle::{Fate, Patience, Sent, buried, by_subject, settle};
use crate::turns::Ticket;

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
    /// What is still to be settled.
    pub(crate) unsettled: Unsettled,
}

/// When the rows of a batch are settled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Settle {
    /// As soon as their outcomes are known.
    Now,
    /// By the caller, where everything arrived and nobody waits to hear of it.
    Later,
}

/// Rows whose fates are known, and their places in their lines.
#[derive(Default)]
pub(crate) struct Unsettled {
    pub(crate) rows: Vec<(Sent, Fate)>,
    pub(crate) tickets: Vec<(Ticket, usize)>,
}

impl Unsettled {
    pub(crate) fn append(&mut self, mut more: Self) {
        self.rows.append(&mut more.rows);
        self.tickets.append(&mut more.tickets);
    }
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

    pub(crate) fn new_token(&self) -> Uuid {
        let mut token = [0; 16];
        self.core.random.fill(&mut token);
        Uuid::from_bytes(token)
    }

    /// In one batch.
    pub(crate) fn most_of_one_subject(&self) -> u16 {
        if self.core.deliver.keeps_order() {
            self.core.settings.run
        } else {
            1
        }
    }

    /// Delivers and settles a batch. The span over it points to the trace of each event.
    pub(crate) async fn hand_on(&self, batch: Batch, when: Settle) -> Done {
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
            .deliver_and_settle(batch, when)
            .instrument(span.clone())
            .await;
        span.record("outbox.delivered", handed.tick.delivered);
        span.record("outbox.retried", handed.tick.retried);
        span.record("outbox.dead", handed.tick.dead);
        handed
    }

    async fn deliver_and_settle(&self, batch: Batch, when: Settle) -> Done {
        let Batch {
            token,
            events,
            tickets,
        } = batch;
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
        let all_arrived = fates.iter().all(|fate| *fate == Fate::Remove);
        let unsettled = Unsettled {
            rows: sent.into_iter().zip(fates).collect(),
            tickets,
        };
        if when == Settle::Later && all_arrived && !self.core.hook.hears(&self.to) {
            for (ticket, _) in &unsettled.tickets {
                ticket.delivered();
            }
            let tick = Tick {
                claimed,
                delivered: claimed,
                ..Tick::default()
            };
            return Done {
                tick,
                failed,
                unsettled,
            };
        }
        let mut tick = self.settle(token, unsettled).await;
        tick.claimed = claimed;
        Done {
            tick,
            failed,
            unsettled: Unsettled::default(),
        }
    }

    /// Writes what became of the rows. What is behind a row that stays in the table goes back there.
    pub(crate) async fn settle(&self, token: Uuid, unsettled: Unsettled) -> Tick {
        let Unsettled { rows, tickets } = unsettled;
        let mut fates = rows.iter().map(|(_, fate)| *fate);
        let gone: Vec<Ticket> = tickets
            .into_iter()
            .filter_map(|(ticket, events)| {
                let all = fates.by_ref().take(events).all(|fate| fate == Fate::Remove);
                all.then_some(ticket)
            })
            .collect();
        let tick = self.settle_rows(token, rows).await;
        if tick.lost == 0 {
            gone.into_iter().for_each(Ticket::settled);
        }
        for (outcome, events) in tick.outcomes() {
            self.core
                .instruments
                .outbox_outcome(self.to.as_str(), outcome, events);
        }
        tick
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
    async fn settle_rows(&self, token: Uuid, rows: Vec<(Sent, Fate)>) -> Tick {
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
}

fn lost(rows: &[(Sent, Fate)]) -> Tick {
    Tick {
        lost: rows.len() as u64,
        ..Tick::default()
    }
}
