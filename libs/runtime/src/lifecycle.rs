//! From the first signal to the last task.
//!
//! A service stops in three steps. *Stop*: it says that it is not ready any more and goes on
//! answering for the drain delay. *Soft*: it accepts no connection, calls in progress end, tasks
//! finish what they have begun and take nothing new. *Hard*, after the grace or a second signal:
//! whatever is left is dropped where it stands. Dropping is safe, because nothing is acknowledged
//! before it is committed; it is only slower for whoever has to ask again.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::FutureExt;
use liaison_types::Result;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::settings::ShutdownSettings;

/// What is cut off gets this long to unwind.
const UNWIND: Duration = Duration::from_secs(2);

/// How a service ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As asked, with everything finished.
    Clean,
    /// As asked, but the grace was over or nobody wanted to wait: what was left was cut off.
    CutOff,
    /// Because the task of this name failed, panicked or ended on its own.
    Crashed(&'static str),
}

/// The life of one service. Clones share it.
#[derive(Clone, Debug)]
pub struct Lifecycle(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: ShutdownSettings,
    stop: CancellationToken,
    soft: CancellationToken,
    hard: CancellationToken,
    tasks: TaskTracker,
    crashed: OnceLock<&'static str>,
}

impl Lifecycle {
    /// A life that begins now.
    #[must_use]
    pub fn new(settings: ShutdownSettings) -> Self {
        Self(Arc::new(Inner {
            settings,
            stop: CancellationToken::new(),
            soft: CancellationToken::new(),
            hard: CancellationToken::new(),
            tasks: TaskTracker::new(),
            crashed: OnceLock::new(),
        }))
    }

    /// Cancelled when nothing new may be begun. Every long task selects on it between two pieces
    /// of work.
    #[must_use]
    pub fn soft(&self) -> CancellationToken {
        self.0.soft.clone()
    }

    /// Cancelled when the grace is over. Tasks spawned here are dropped then and need not look.
    #[must_use]
    pub fn hard(&self) -> CancellationToken {
        self.0.hard.clone()
    }

    /// Cancelled when stopping has been asked for.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.0.stop.clone()
    }

    /// Asks the service to stop. Asking again is a no-op; see [`Lifecycle::kill`].
    pub fn stop(&self) {
        self.0.stop.cancel();
    }

    /// Cuts everything off now.
    pub fn kill(&self) {
        self.0.stop.cancel();
        self.0.soft.cancel();
        self.0.hard.cancel();
    }

    /// Runs a task that lives as long as the service. Where it ends, fails or panics before the
    /// soft token is cancelled, the service stops and its process exits with a failure: a service
    /// without its relay looks healthy and loses nothing, but delivers nothing either.
    pub fn spawn(
        &self,
        name: &'static str,
        task: impl Future<Output = Result<()>> + Send + 'static,
    ) {
        self.track(name, task, true);
    }

    /// Runs a task that ends on its own. It brings the service down only where it fails or
    /// panics.
    pub fn spawn_finite(
        &self,
        name: &'static str,
        task: impl Future<Output = Result<()>> + Send + 'static,
    ) {
        self.track(name, task, false);
    }

    /// Runs a task like [`Lifecycle::spawn`] does, which looks at the hard token itself and ends
    /// soon after it.
    pub(crate) fn spawn_careful(
        &self,
        name: &'static str,
        task: impl Future<Output = Result<()>> + Send + 'static,
    ) {
        let life = self.clone();
        self.0.tasks.spawn(async move {
            let ended = AssertUnwindSafe(task).catch_unwind().await;
            life.ended(name, ended, true);
        });
    }

    fn track(
        &self,
        name: &'static str,
        task: impl Future<Output = Result<()>> + Send + 'static,
        endless: bool,
    ) {
        let life = self.clone();
        self.0.tasks.spawn(async move {
            // Biased so that a task that is already done is never reported as cut off.
            let ended = tokio::select! {
                biased;
                ended = AssertUnwindSafe(task).catch_unwind() => ended,
                () = life.0.hard.cancelled() => {
                    tracing::warn!(task = name, "task {name} was cut off");
                    return;
                }
            };
            life.ended(name, ended, endless);
        });
    }

    fn ended(&self, name: &'static str, ended: std::thread::Result<Result<()>>, endless: bool) {
        let soft = self.0.soft.is_cancelled();
        match ended {
            Ok(Ok(())) if soft || !endless => return,
            Ok(Ok(())) => tracing::error!(task = name, "task {name} ended on its own"),
            Ok(Err(error)) => {
                tracing::error!(task = name, error = error.chain(), "task {name} failed");
            }
            // The panic hook has told where; the payload may hold anything.
            Err(_) => tracing::error!(task = name, "task {name} panicked"),
        }
        // Only the first is the cause. What fails while stopping is a failure as well.
        let _ = self.0.crashed.set(name);
        self.stop();
    }

    /// Waits until stopping is asked for or a task crashes, then takes the service through its
    /// steps. `not_ready` is called at the first of them.
    pub(crate) async fn run(&self, not_ready: impl Future<Output = ()>) -> Outcome {
        let inner = &self.0;
        inner.stop.cancelled().await;
        not_ready.await;
        tracing::info!("stopping: not ready any more");

        let drained = tokio::time::sleep(inner.settings.drain_delay);
        tokio::select! {
            () = drained => {}
            () = inner.hard.cancelled() => {}
        }
        inner.soft.cancel();
        inner.tasks.close();
        let finished = tokio::select! {
            biased;
            () = inner.hard.cancelled() => false,
            () = inner.tasks.wait() => true,
            () = tokio::time::sleep(inner.settings.grace) => false,
        };
        if !finished {
            tracing::warn!("cutting off what is left");
            inner.hard.cancel();
            if timeout(UNWIND, inner.tasks.wait()).await.is_err() {
                tracing::error!("something does not give way; leaving it behind");
            }
        }
        let outcome = match inner.crashed.get() {
            Some(name) => Outcome::Crashed(name),
            None if finished => Outcome::Clean,
            None => Outcome::CutOff,
        };
        tracing::info!(outcome = ?outcome, "stopped");
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use liaison_types::Error;

    use super::*;

    fn life(drain_delay: u64, grace: u64) -> Lifecycle {
        Lifecycle::new(ShutdownSettings {
            drain_delay: Duration::from_secs(drain_delay),
            grace: Duration::from_secs(grace),
        })
    }

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<&'static str>>>);

    impl Log {
        fn add(&self, what: &'static str) {
            self.0.lock().unwrap().push(what);
        }

        fn all(&self) -> Vec<&'static str> {
            self.0.lock().unwrap().clone()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn steps_come_in_order_and_work_in_progress_ends() {
        let (life, log) = (life(3, 20), Log::default());
        let (soft, stopping, seen) = (life.soft(), life.stopping(), log.clone());
        life.spawn("worker", async move {
            stopping.cancelled().await;
            seen.add("stopping seen");
            soft.cancelled().await;
            seen.add("soft");
            tokio::time::sleep(Duration::from_secs(19)).await;
            seen.add("work done");
            Ok(())
        });
        let begun = tokio::time::Instant::now();
        let run = {
            let (life, log) = (life.clone(), log.clone());
            tokio::spawn(async move { life.run(async { log.add("not ready") }).await })
        };
        tokio::task::yield_now().await;
        assert_eq!(log.all(), [""; 0]);
        life.stop();
        life.stop();
        assert_eq!(run.await.unwrap(), Outcome::Clean);
        assert_eq!(begun.elapsed().as_secs(), 3 + 19);
        let log = log.all();
        assert_eq!(log[2..], ["soft", "work done"]);
        assert!(log[..2].contains(&"not ready") && log[..2].contains(&"stopping seen"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_grace_is_the_bound() {
        let life = life(0, 20);
        life.spawn("stuck", futures::future::pending());
        life.stop();
        let begun = tokio::time::Instant::now();
        assert_eq!(life.run(async {}).await, Outcome::CutOff);
        assert_eq!(begun.elapsed().as_secs(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn killing_waits_for_nothing() {
        let life = life(100, 100);
        life.spawn("stuck", futures::future::pending());
        life.stop();
        let run = {
            let life = life.clone();
            tokio::spawn(async move { life.run(async {}).await })
        };
        tokio::task::yield_now().await;
        let begun = tokio::time::Instant::now();
        life.kill();
        assert_eq!(run.await.unwrap(), Outcome::CutOff);
        assert!(begun.elapsed().as_secs() < 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_ends_fails_or_panics_brings_the_service_down() {
        for (name, endless) in [("returns", true), ("fails", false), ("panics", false)] {
            let life = life(0, 1);
            let soft = life.soft();
            life.spawn("healthy", async move {
                soft.cancelled().await;
                Ok(())
            });
            let task = async move {
                match name {
                    "returns" => Ok(()),
                    "fails" => Err(Error::internal("on purpose")),
                    _ => panic!("on purpose"),
                }
            };
            if endless {
                life.spawn(name, task);
            } else {
                life.spawn_finite(name, task);
            }
            assert_eq!(life.run(async {}).await, Outcome::Crashed(name));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_finite_task_may_end() {
        let life = life(0, 1);
        life.spawn_finite("once", async { Ok(()) });
        tokio::task::yield_now().await;
        assert!(!life.stopping().is_cancelled());
        life.stop();
        assert_eq!(life.run(async {}).await, Outcome::Clean);
    }
}
