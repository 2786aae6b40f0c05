//! Taking facts from the other services, and waking whoever waits for them.

use std::sync::Arc;

use futures::future::BoxFuture;
use liaison_grpc::event_delivery::{EventHandler, ReceivedEvent};
use liaison_proto::event::event::Data;
use liaison_store::Tx;
use liaison_types::{Party, Result, Timestamp};
use tokio::sync::watch;

use crate::convert;
use crate::domain::audience;
use crate::store::{NewNotification, Store};

/// Says that something new was kept. It says not what: whoever wakes looks for themselves, so a
/// wake-up that comes for nothing or is missed costs time and nothing else.
#[derive(Clone, Debug)]
pub(crate) struct Wake(Arc<watch::Sender<u64>>);

impl Default for Wake {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Wake {
    /// Somebody may look now.
    pub(crate) fn wake(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Wakes from now on.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// Keeps each fact for everybody who may know it.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    store: Store,
    wake: Wake,
}

impl Recorder {
    pub(crate) const fn new(store: Store, wake: Wake) -> Self {
        Self { store, wake }
    }

    async fn record(&self, tx: &Tx<'_>, now: Timestamp, events: &[&ReceivedEvent]) -> Result<()> {
        let mut new = Vec::with_capacity(events.len());
        for event in events {
            let (fact, exercise) = convert::fact(&event.data)?;
            let recipients = audience(&fact);
            if recipients.is_empty() {
                continue;
            }
            let bytes = convert::event_bytes(event);
            new.extend(recipients.into_iter().map(|recipient| NewNotification {
                recipient,
                exercise,
                event: bytes.clone(),
            }));
        }
        if new.is_empty() {
            return Ok(());
        }
        self.store.append(tx, now, new).await
    }
}

impl EventHandler for Recorder {
    fn accepts(&self, source: &Party, data: &Data) -> bool {
        convert::may_send(source, data)
    }

    fn apply<'a>(
        &'a self,
        tx: &'a Tx<'a>,
        now: Timestamp,
        events: &'a [&'a ReceivedEvent],
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.record(tx, now, events))
    }

    fn committed(&self) {
        self.wake.wake();
    }
}
