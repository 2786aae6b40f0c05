//! When a service may be sent work.

use std::fmt;

use tokio::sync::watch;

/// Everything a service waits for before it says that it is ready. Once ready it stays so until it
/// stops: a service that flickers with its neighbours takes the whole suite down with it.
#[derive(Clone, Debug)]
pub(crate) struct Readiness(watch::Sender<()>);

/// One thing a service waits for. Drop it when it is there; the service is ready when all latches
/// are dropped.
pub struct Latch(#[expect(dead_code, reason = "it is there to be dropped")] watch::Receiver<()>);

impl fmt::Debug for Latch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Latch")
    }
}

impl Readiness {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    pub(crate) fn latch(&self) -> Latch {
        Latch(self.0.subscribe())
    }

    /// Returns when no latch is left.
    pub(crate) async fn ready(&self) {
        self.0.closed().await;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn ready_when_the_last_latch_is_dropped() {
        let readiness = Readiness::new();
        assert!(
            readiness.ready().now_or_never().is_some(),
            "nothing to wait for"
        );
        let (first, second) = (readiness.latch(), readiness.latch());
        drop(first);
        assert!(readiness.ready().now_or_never().is_none());
        drop(second);
        readiness.ready().await;
    }
}
