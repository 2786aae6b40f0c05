//! Sealing the audit: what was written in any order becomes one chain, signed from time to time.
//!
//! Writers never wait for each other at the head of a chain: the sealer appends to it afterwards. What
//! was written and is not sealed yet could be removed without a trace by whoever owns the database;
//! that is the second or so by which the sealer is behind.
//!
//! Replicas need not know of each other: the head is locked by whoever seals, and the others pass. What is
//! left when the service stops, calls that ended in its grace included, is sealed once everything else has
//! ended; what a service leaves that was cut off, the next one seals that runs.

use std::sync::Arc;
use std::time::Duration;

use liaison_custody::audit::{Checkpoint, seal};
use liaison_store::audit::{self, Signature};
use liaison_store::{Db, Tx};
use liaison_telemetry::Instruments;
use liaison_types::{Clock, Error, Result, Timestamp};
use tokio::time::{Interval, MissedTickBehavior};

use super::trouble::{Spell, Trouble};
use crate::keys::Signer;
use crate::lifecycle::Lifecycle;

/// How often it is looked what is to be sealed.
const INTERVAL: Duration = Duration::from_secs(1);

/// How often it is measured what waits.
const MEASURE: Duration = Duration::from_secs(5);

/// The last of the sealing, when everything else has ended, gets this long.
const LAST: Duration = Duration::from_secs(2);

/// The most entries of one transaction, each of which ends with a checkpoint.
const BATCH: u64 = 4_096;

/// Seals the audit of one service. Any number of replicas may: one does at a time.
#[derive(Clone, Debug)]
pub(crate) struct Sealer {
    name: &'static str,
    db: Db,
    clock: Arc<dyn Clock>,
    signer: Signer,
    instruments: Instruments,
}

impl Sealer {
    /// Over the audit of the service `name`.
    pub(crate) fn new(
        name: &'static str,
        db: Db,
        clock: Arc<dyn Clock>,
        signer: Signer,
        instruments: Instruments,
    ) -> Self {
        Self {
            name,
            db,
            clock,
            signer,
            instruments,
        }
    }

    /// Seals, and measures, until the service begins to stop. What is written after that is for
    /// [`Sealer::finish`].
    pub(crate) fn spawn(&self, lifecycle: &Lifecycle) {
        let (sealer, soft) = (self.clone(), lifecycle.soft());
        lifecycle.spawn("audit", async move {
            let (mut sealing, mut measuring) = (every(INTERVAL), every(MEASURE));
            let mut trouble = Trouble::default();
            loop {
                tokio::select! {
                    _ = sealing.tick() => sealer.look(&mut trouble).await,
                    _ = measuring.tick(), if sealer.instruments.is_recording() => {
                        sealer.measure().await;
                    }
                    () = soft.cancelled() => return Ok(()),
                }
            }
        });
    }

    /// Seals what is left once nobody writes any more. What does not succeed in time is left to the next
    /// service that runs.
    pub(crate) async fn finish(&self) {
        match tokio::time::timeout(LAST, self.seal_all()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(
                error = error.chain(),
                "the end of the audit cannot be sealed now; it will be at the next start"
            ),
            Err(_elapsed) => {
                tracing::warn!(
                    "the end of the audit was not sealed in time; it will be at the next start"
                );
            }
        }
    }

    /// Seals what is there. Failures are told and not passed on: the next look finds what is left.
    async fn look(&self, trouble: &mut Trouble) {
        let done = self.seal_all().await;
        let now = self.clock.now();
        match done {
            Ok(()) => {
                if let Some(Spell { seconds, failures }) = trouble.succeeded(now) {
                    tracing::info!(
                        seconds,
                        failures,
                        "the audit is sealed again, after {seconds} s and {failures} failures"
                    );
                }
            }
            Err(error) => match trouble.failed(now) {
                Some(Spell { failures: 1, .. }) => {
                    tracing::warn!(error = error.chain(), "the audit cannot be sealed now");
                }
                Some(Spell { seconds, failures }) => tracing::error!(
                    error = error.chain(),
                    seconds,
                    failures,
                    "the audit has not been sealed for {seconds} s; what is written now can be \
                     changed unseen"
                ),
                None => {}
            },
        }
    }

    async fn measure(&self) {
        let measured = async {
            let db = self.db.reader();
            let waiting = audit::waiting(db).await?;
            Ok::<_, Error>((waiting, audit::last_checkpoint(db).await?))
        };
        match measured.await {
            Ok((waiting, last)) => {
                let age = last.map(|last| self.clock.now().since(last.signature.at));
                self.instruments.audit(waiting, age);
            }
            // A gauge that stands still shows it, and so does the sealing.
            Err(error) => {
                tracing::debug!(
                    error = error.chain(),
                    "what is to be sealed cannot be counted"
                );
            }
        }
    }

    async fn seal_all(&self) -> Result<()> {
        while self.seal_batch().await? {}
        Ok(())
    }

    /// Seals up to a batch. Answers whether there may be more.
    async fn seal_batch(&self) -> Result<bool> {
        let now = self.clock.now();
        self.db
            .write_tx("audit.seal", |tx| {
                Box::pin(async move { self.extend(tx, now).await })
            })
            .await
    }

    async fn extend(&self, tx: &Tx<'_>, now: Timestamp) -> Result<bool> {
        // Another replica is at it.
        let Some(batch) = audit::next_to_seal(tx, now, BATCH).await? else {
            return Ok(false);
        };
        let mut head = batch.digest().copied();
        let digests: Vec<_> = (batch.position() + 1..)
            .zip(batch.entries())
            .map(|(position, record)| {
                let digest = seal(head.as_ref(), position, record.entry.id, &record.digest);
                head = Some(digest);
                digest
            })
            .collect();
        let more = digests.len() as u64 >= BATCH;
        let signed = digests.last().map(|head| {
            let key = self.signer.key();
            let position = batch.last_position();
            let checkpoint = Checkpoint::sign(self.name, position, now, *head, &key);
            Signature {
                at: now,
                key_id: checkpoint.signature.key.to_string(),
                bytes: checkpoint.signature.bytes.to_vec(),
            }
        });
        audit::append_seals(tx, batch, digests, signed).await?;
        Ok(more)
    }
}

fn every(period: Duration) -> Interval {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
