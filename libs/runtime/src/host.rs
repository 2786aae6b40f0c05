//! Several services in one process.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::thread::JoinHandle;
use std::time::Duration;

use liaison_telemetry::Telemetry;
use liaison_types::{Error, Result};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::lifecycle::{Lifecycle, Outcome};
use crate::listeners::Listeners;
use crate::service::{Ambient, Service};
use crate::settings::Settings;
use crate::start::start;

const LEAVE_BEHIND: Duration = Duration::from_secs(2);

/// A service on a runtime of its own: its worker threads carry its telemetry, so that spans, log
/// lines and metrics say which service they belong to, as they do when each has its own process.
#[derive(Debug)]
pub struct Hosted {
    address: SocketAddr,
    health_address: SocketAddr,
    lifecycle: Lifecycle,
    outcome: oneshot::Receiver<Outcome>,
    thread: JoinHandle<()>,
}

impl Hosted {
    /// Starts the service `S` and returns when it is ready. The instruments of `ambient` are
    /// replaced by the service's own. At most `threads` worker threads run it.
    ///
    /// # Errors
    /// As [`start`], or where the threads cannot be made. Telemetry is flushed then as well.
    pub async fn start<S: Service>(
        settings: Settings<S::Settings>,
        listeners: Listeners,
        ambient: Ambient,
        threads: NonZeroUsize,
    ) -> Result<Self> {
        let telemetry =
            Telemetry::build(S::NAME, S::VERSION, &settings.telemetry).map_err(Error::internal)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads.get())
            .thread_name(S::NAME)
            .on_thread_start(telemetry.on_thread())
            .enable_all()
            .build()
            .map_err(Error::internal)?;
        let ambient = Ambient {
            instruments: telemetry.instruments().clone(),
            ..ambient
        };
        let (report, started) = oneshot::channel();
        let (end, outcome) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name(format!("{}-main", S::NAME))
            .spawn(move || {
                let _entered = telemetry.enter();
                runtime.block_on(async {
                    match start::<S>(settings, listeners, ambient).await {
                        Ok(running) => {
                            let facts = (
                                running.address(),
                                running.health_address(),
                                running.lifecycle(),
                            );
                            // Whoever started it went away: then nobody needs it.
                            if report.send(Ok(facts)).is_err() {
                                running.lifecycle().stop();
                            }
                            let ended = running.ended().await;
                            telemetry.shutdown().await;
                            let _ = end.send(ended);
                        }
                        Err(error) => {
                            telemetry.shutdown().await;
                            let _ = report.send(Err(error));
                        }
                    }
                });
                runtime.shutdown_timeout(LEAVE_BEHIND);
            })
            .map_err(Error::internal)?;
        let (address, health_address, lifecycle) = started
            .await
            .map_err(|_| Error::internal("the thread of the service ended while it started"))??;
        Ok(Self {
            address,
            health_address,
            lifecycle,
            outcome,
            thread,
        })
    }

    /// Where the service answers over mutual TLS.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its health is answered in plaintext.
    #[must_use]
    pub const fn health_address(&self) -> SocketAddr {
        self.health_address
    }

    /// Its life: stop it, kill it.
    #[must_use]
    pub fn lifecycle(&self) -> Lifecycle {
        self.lifecycle.clone()
    }

    /// Waits until the service has ended and its threads are gone.
    pub async fn ended(self) -> Outcome {
        let outcome = self.outcome.await.unwrap_or(Outcome::Crashed("main"));
        // The thread has only its runtime to put away by now, in bounded time.
        let _ = tokio::task::spawn_blocking(move || self.thread.join()).await;
        outcome
    }
}
