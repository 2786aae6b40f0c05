//! Both ends of the hop: the relay that hands intake's events on, and the handler of those that the
//! others send.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use liaison_grpc::event_delivery::{EventHandler, ReceivedEvent};
use liaison_outbox::prune_inbox;
use liaison_store::Db;
use liaison_types::{Clock, Party, Result, Timestamp};
use sea_orm::DatabaseTransaction;
use tokio_util::sync::CancellationToken;

use crate::convert::{self, Data};
use crate::ops::Ops;
use crate::ops::record_facts::ToldFact;

/// How often what is no longer needed is removed.
const HOUSEKEEPING: Duration = Duration::from_secs(60 * 60);
/// How many rows one transaction removes, so that it is short.
const PRUNED_AT_ONCE: u32 = 10_000;

/// What intake does with events.
#[derive(Clone, Debug)]
pub struct Facts(Ops);

impl Facts {
    /// Takes them in by these use cases.
    #[must_use]
    pub const fn new(ops: Ops) -> Self {
        Self(ops)
    }
}

impl EventHandler for Facts {
    fn accepts(&self, source: &Party, data: &Data) -> bool {
        convert::accepts(source, data)
    }

    fn apply<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        now: Timestamp,
        events: &'a [&'a ReceivedEvent],
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            let facts = events
                .iter()
                .map(|event| {
                    let fact = convert::fact(event)?;
                    Ok(ToldFact {
                        fact,
                        traceparent: event.traceparent.clone(),
                    })
                })
                .collect::<Result<Vec<_>>>()?;
            self.0.record_facts(tx, now, &facts).await
        }
        .boxed()
    }

    fn committed(&self) {
        self.0.facts_committed();
    }
}

/// Forgets the ids of events that nobody can send again, now and then, until `stop`.
///
/// # Errors
/// Never: what fails is tried again the next time.
pub async fn housekeeping(
    db: Db,
    clock: Arc<dyn Clock>,
    keep: Duration,
    stop: CancellationToken,
) -> Result<()> {
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(HOUSEKEEPING) => {}
        }
        if let Err(error) = forget(&db, clock.now() - keep).await {
            tracing::warn!(
                reason = error.reason().as_str(),
                cause = %error.chain(),
                "the inbox could not be pruned"
            );
        }
    }
}

async fn forget(db: &Db, before: Timestamp) -> Result<()> {
    loop {
        let removed = db
            .write_tx("intake.prune_inbox", |tx| {
                Box::pin(async move { prune_inbox(tx, before, PRUNED_AT_ONCE).await })
            })
            .await?;
        if removed < u64::from(PRUNED_AT_ONCE) {
            return Ok(());
        }
    }
}
