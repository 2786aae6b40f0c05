//! Both ends of the hop: the relay that hands intake's events on, and the handler of those that the
//! others send.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use liaison_grpc::event_delivery::{EventHandler, ReceivedEvent};
use liaison_store::Tx;
use liaison_types::{Party, Result, Timestamp};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::convert::{self, Data};
use crate::ops::Ops;
use crate::ops::record_facts::ToldFact;

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

/// How often it is looked whether an owner should have answered by now.
const CONSENT_INTERVAL: Duration = Duration::from_secs(10);

/// Ends what waits for consent too long, until the service stops.
pub async fn watch_consents(ops: Ops, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(CONSENT_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => return,
        }
        match ops.expire_consents().await {
            Ok(0) => {}
            Ok(ended) => tracing::info!(ended, "consents were not given in time"),
            // The next look finds what is left.
            Err(error) => {
                tracing::warn!(error = error.chain(), "consents cannot be looked after now");
            }
        }
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
}
