//! What the service does without being called: it hears that its events arrived, ends leases, wakes
//! long polls and forgets what is no longer needed.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use liaison_grpc::wire;
use liaison_outbox::{Delivered, Destination, Hook};
use liaison_store::Tx;
use liaison_types::{AssignmentId, Clock, Result};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::convert;
use crate::domain::assignment::FIRST_VERSION;
use crate::domain::fact::Audience;
use crate::ops::Ops;

/// Hears from the relay that intake has a grant.
#[derive(Clone, Debug)]
pub struct Grants {
    ops: Ops,
    clock: Arc<dyn Clock>,
}

impl Grants {
    /// Grants of the assignments of `ops`.
    #[must_use]
    pub fn new(ops: Ops, clock: Arc<dyn Clock>) -> Self {
        Self { ops, clock }
    }
}

/// The assignment whose creation this event to intake told: the first of its events.
fn created(event: &Delivered) -> Option<AssignmentId> {
    (event.sequence == FIRST_VERSION)
        .then(|| wire::id(&event.subject))
        .flatten()
}

impl Hook for Grants {
    fn hears(&self, destination: &Destination) -> bool {
        *destination == convert::destination(Audience::Intake)
    }

    fn delivered<'a>(
        &'a self,
        tx: &'a Tx<'a>,
        events: &'a [Delivered],
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            let ids: Vec<AssignmentId> = events.iter().filter_map(created).collect();
            if ids.is_empty() {
                return Ok(());
            }
            self.ops.grant_acknowledged(tx, self.clock.now(), ids).await
        }
        .boxed()
    }
}

/// Ends leases that have run out, every `interval`, until `stop`. What fails is tried again with the
/// next look.
///
/// # Errors
/// None; the type is that of every task.
pub async fn expire_leases(ops: Ops, interval: Duration, stop: CancellationToken) -> Result<()> {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            _ = ticks.tick() => {}
        }
        match ops.expire_leases().await {
            Ok(0) => {}
            Ok(ended) => tracing::info!(leases = ended, "{ended} leases ran out"),
            Err(error) => tracing::warn!(
                reason = error.reason().as_str(),
                cause = error.chain(),
                "leases that ran out could not be ended"
            ),
        }
    }
}

/// Wakes long polls, when something arrived and every `interval`, until `stop`.
///
/// # Errors
/// None; the type is that of every task.
pub async fn wake_long_polls(ops: Ops, interval: Duration, stop: CancellationToken) -> Result<()> {
    ops.wakes().watch(&ops.parts().db, interval, stop).await;
    Ok(())
}
