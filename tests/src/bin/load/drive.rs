//! Driving load: a fixed number in flight, or a fixed arrival rate.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use crate::Result;

/// What was done.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    /// How many succeeded.
    pub count: u64,
    /// How many failed.
    pub errors: u64,
    /// How long it went on.
    pub took: Duration,
    /// Microseconds of each that succeeded.
    pub micros: Histogram<u64>,
    /// What the first failure said.
    pub first_error: Option<String>,
}

impl Done {
    /// Successes a second.
    pub(crate) fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let count = self.count as f64;
        count / self.took.as_secs_f64()
    }
}

/// An empty histogram: one microsecond to ten minutes, three digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 600_000_000, 3).expect("the bounds are valid constants")
}

/// Keeps `in_flight` calls going for `time`, after a tenth of it unmeasured. Where no call fits into that
/// time, on a machine that has other things to do, it goes on until one has ended.
pub(crate) async fn closed<F, C>(in_flight: usize, time: Duration, call: C) -> Result<Done>
where
    C: Fn(usize) -> F + Clone + Send + 'static,
    F: Future<Output = Result<(), String>> + Send,
{
    let begin = Instant::now() + time / 10;
    let end = begin + time;
    let found = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for caller in 0..in_flight {
        let (call, found) = (call.clone(), Arc::clone(&found));
        callers.spawn(async move {
            let mut done = (0_u64, 0_u64, histogram(), None, end);
            loop {
                let started = Instant::now();
                if started >= end && found.load(Ordering::Relaxed) {
                    return done;
                }
                let outcome = call(caller).await;
                let ended = Instant::now();
                if started < begin {
                    continue;
                }
                let found_before = found.swap(true, Ordering::Relaxed);
                if ended > end && found_before {
                    continue;
                }
                done.4 = done.4.max(ended);
                match outcome {
                    Ok(()) => {
                        done.0 += 1;
                        done.2.saturating_record(micros(ended - started));
                    }
                    Err(error) => {
                        done.1 += 1;
                        done.3.get_or_insert(error);
                    }
                }
            }
        });
    }
    let mut total = Done {
        count: 0,
        errors: 0,
        took: time,
        micros: histogram(),
        first_error: None,
    };
    while let Some(joined) = callers.join_next().await {
        let (count, errors, micros, first_error, ended) = joined?;
        total.took = total.took.max(ended - begin);
        total.count += count;
        total.errors += errors;
        total.micros.add(micros)?;
        total.first_error = total.first_error.or(first_error);
    }
    Ok(total)
}

/// Starts `rate` calls a second for `time`, whatever becomes of the earlier ones, and waits for all.
pub(crate) async fn open<F, C>(rate: u32, time: Duration, call: C) -> Result<(u64, Option<String>)>
where
    C: Fn() -> F,
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let end = Instant::now() + time;
    let mut calls = JoinSet::new();
    while Instant::now() < end {
        ticks.tick().await;
        calls.spawn(call());
    }
    let (mut errors, mut first) = (0, None);
    while let Some(joined) = calls.join_next().await {
        if let Err(error) = joined? {
            errors += 1;
            first.get_or_insert(error);
        }
    }
    Ok((errors, first))
}

/// A span in microseconds.
pub(crate) fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// Hands out numbers below `of` in turn.
#[derive(Debug, Default)]
pub(crate) struct Turn(AtomicUsize);

impl Turn {
    /// The next one.
    pub(crate) fn next(&self, of: usize) -> usize {
        self.0.fetch_add(1, Ordering::Relaxed) % of.max(1)
    }
}
