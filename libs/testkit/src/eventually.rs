//! Waiting for what happens elsewhere.

use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

/// How often is asked.
const INTERVAL: Duration = Duration::from_millis(5);

/// What a probe answers: `bool`, or `Option` where there is something to hand back.
pub trait Answer {
    /// What is handed back.
    type Value;
    /// The value, where it is there.
    fn value(self) -> Option<Self::Value>;
}

impl Answer for bool {
    type Value = ();
    fn value(self) -> Option<()> {
        self.then_some(())
    }
}

impl<T> Answer for Option<T> {
    type Value = T;
    fn value(self) -> Self {
        self
    }
}

/// Asks `probe` until it answers `true` or `Some`, and hands that back.
///
/// For what runs by itself (a server, a relay). What a test can step, it steps.
///
/// # Panics
/// Where it has not by `deadline`, naming the caller's line.
#[track_caller]
pub fn eventually<P, F, A>(deadline: Duration, mut probe: P) -> impl Future<Output = A::Value>
where
    P: FnMut() -> F,
    F: Future<Output = A>,
    A: Answer,
{
    let caller = Location::caller();
    async move {
        let end = Instant::now() + deadline;
        while Instant::now() < end {
            // A probe that hangs is a probe that does not answer.
            if let Ok(answer) = timeout_at(end, probe()).await
                && let Some(value) = answer.value()
            {
                return value;
            }
            sleep(INTERVAL).await;
        }
        panic!("{caller}: not within {deadline:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn hands_back_what_the_probe_found() {
        let mut asked = 0;
        let found = eventually(Duration::from_secs(5), || {
            asked += 1;
            std::future::ready((asked == 3).then_some(asked))
        })
        .await;
        assert_eq!(found, 3);
        eventually(Duration::from_secs(5), || async { true }).await;
    }

    #[tokio::test]
    #[should_panic(expected = "not within")]
    async fn gives_up() {
        eventually(Duration::from_millis(20), std::future::pending::<bool>).await;
    }
}
