//! What the operating system tells the process.

use liaison_types::{Error, Result};
use tokio::signal::unix::{SignalKind, signal};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT: stop; a second time, at once.
    Stop,
    /// SIGHUP: read the certificates again.
    Reload,
}

/// The signals that a service listens to. From the moment this exists they no longer end the
/// process by themselves.
#[derive(Debug)]
pub struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

impl Signals {
    /// Begins to listen. Needs a runtime.
    ///
    /// # Errors
    /// Where the operating system refuses.
    pub fn listen() -> Result<Self> {
        let listen = |kind| signal(kind).map_err(Error::internal);
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one. Never returns twice for one signal; dropping the future loses none.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            Some(()) = self.terminate.recv() => Signal::Stop,
            Some(()) = self.interrupt.recv() => Signal::Stop,
            Some(()) = self.hang_up.recv() => Signal::Reload,
            // The streams of signals do not end while the process lives.
            else => std::future::pending().await,
        }
    }
}
