//! Waking long polls. What this process puts into a queue wakes who waits for it. That only shortens
//! waits; looking at the queues is the truth, and that is done here, once for all who wait and not once
//! by each of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use liaison_store::Db;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::store::{self, Queue};

/// Who waits for which queue.
#[derive(Debug, Default)]
pub(crate) struct Wakes {
    queues: Mutex<BTreeMap<Queue, watch::Sender<()>>>,
}

impl Wakes {
    /// Hears of work in `queue`, all that arrives from now on.
    pub(crate) fn listen(&self, queue: &Queue) -> watch::Receiver<()> {
        let mut queues = self.lock();
        if let Some(sender) = queues.get(queue) {
            return sender.subscribe();
        }
        let sender = watch::Sender::new(());
        let receiver = sender.subscribe();
        queues.insert(queue.clone(), sender);
        receiver
    }

    /// Something may be pulled from these queues. Call it after the commit.
    pub(crate) fn arrived(&self, queues: &[Queue]) {
        for (waited_for, sender) in self.lock().iter() {
            if queues.iter().any(|queue| waited_for.holds(queue)) {
                sender.send_replace(());
            }
        }
    }

    /// Looks at the queues that somebody waits for every `interval`, for what other processes put
    /// there, and wakes whom it concerns, until `stop`.
    pub(crate) async fn watch(&self, db: &Db, interval: Duration, stop: CancellationToken) {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(interval) => {}
            }
            for queue in self.waited_for() {
                match store::is_waiting(db.reader(), &queue).await {
                    Ok(true) => self.wake(&queue),
                    Ok(false) => {}
                    Err(error) => {
                        tracing::warn!(
                            reason = error.reason().as_str(),
                            "a queue could not be looked at; long polls wait for the next look"
                        );
                        break;
                    }
                }
            }
        }
    }

    /// How many queues somebody waits for.
    pub(crate) fn polled(&self) -> usize {
        self.waited_for().len()
    }

    fn wake(&self, queue: &Queue) {
        if let Some(sender) = self.lock().get(queue) {
            sender.send_replace(());
        }
    }

    /// The queues that somebody waits for. The others are forgotten: there are as many as units and
    /// desks at most.
    fn waited_for(&self) -> Vec<Queue> {
        let mut queues = self.lock();
        queues.retain(|_, sender| sender.receiver_count() > 0);
        queues.keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Queue, watch::Sender<()>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
