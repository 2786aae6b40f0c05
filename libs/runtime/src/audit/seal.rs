//! Sealing the audit: what was written in any order becomes one chain, signed from time to time.
//!
//! Writers never wait for each other at the head of a chain: the sealer appends to it afterwards. What
//! was written and is not sealed yet could be removed without a trace by whoever owns the database;
//! that is the second or so by which the sealer is behind.

use std::sync::Arc;
use std::time::Duration;

use liaison_custody::audit::{Checkpoint, seal};
use liaison_store::audit::{self, Signature};
use liaison_store::{Db, Tx};
use liaison_types::{Clock, Result, Timestamp};

use crate::keys::Signer;
use crate::lifecycle::Lifecycle;

/// How often it is looked what is to be sealed.
const INTERVAL: Duration = Duration::from_secs(1);

/// The most entries of one transaction, each of which ends with a checkpoint.
const BATCH: u64 = 4_096;

/// Seals the audit of one service. Any number of replicas may: one does at a time.
#[derive(Clone, Debug)]
pub(crate) struct Sealer {
    name: &'static str,
    db: Db,
    clock: Arc<dyn Clock>,
    signer: Signer,
}

impl Sealer {
    /// Over the audit of the service `name`.
    pub(crate) fn new(name: &'static str, db: Db, clock: Arc<dyn Clock>, signer: Signer) -> Self {
        Self {
            name,
            db,
            clock,
            signer,
        }
    }

    /// Seals until the service stops, and once more then.
    pub(crate) fn spawn(self, lifecycle: &Lifecycle) {
        let soft = lifecycle.soft();
        lifecycle.spawn("audit", async move {
            let mut ticks = tokio::time::interval(INTERVAL);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                let stopping = tokio::select! {
                    _ = ticks.tick() => false,
                    () = soft.cancelled() => true,
                };
                if let Err(error) = self.seal_all().await {
                    // The next look finds what is left.
                    tracing::warn!(error = error.chain(), "the audit cannot be sealed now");
                }
                if stopping {
                    return Ok(());
                }
            }
        });
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
