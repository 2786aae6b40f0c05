//! Both ends of the hop: the relay that hands intake's events on, and the handler of those that the
//! others send.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use liaison_grpc::event_delivery::{EventHandler, ReceivedEvent};
use liaison_store::Tx;
use liaison_types::{Party, Result, Timestamp};

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
