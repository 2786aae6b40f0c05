//! How fast a destination is served, and when the table is looked at.

use std::time::Duration;

use tokio::time::Instant;

use crate::lane::Core;
use crate::settings::RelaySettings;

/// The longest a destination that does not answer is left alone between two tries. Short, so that
/// what it gets after it came back is not late; each try is one small batch.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// When to look into the table.
#[derive(Debug)]
pub(crate) struct Look {
    /// Now.
    wanted: bool,
    /// The last look filled a batch: there is more, no need to ask first.
    certain: bool,
    /// Something came that had to wait for what was under way.
    behind: bool,
    /// The latest time of the next look.
    scan: Instant,
}

impl Look {
    pub(crate) fn now() -> Self {
        Self {
            wanted: true,
            certain: false,
            behind: false,
            scan: Instant::now(),
        }
    }

    pub(crate) const fn wanted(&self) -> bool {
        self.wanted
    }

    pub(crate) const fn is_certain(&self) -> bool {
        self.certain
    }

    pub(crate) const fn scan(&self) -> Instant {
        self.scan
    }

    pub(crate) const fn want(&mut self) {
        self.wanted = true;
    }

    pub(crate) const fn want_unless(&mut self, resting: bool) {
        self.wanted |= !resting;
    }

    /// A look found so many; `in_the_way` were some that others had to wait for.
    pub(crate) fn found(
        &mut self,
        events: usize,
        rows: u16,
        in_the_way: bool,
        scan_interval: Duration,
    ) {
        self.certain = events >= usize::from(rows);
        self.wanted = events > 0;
        self.behind |= in_the_way;
        self.scan = Instant::now() + scan_interval;
    }

    /// A batch or a settlement has ended; what it `kept` may be claimed.
    pub(crate) const fn after(&mut self, kept: bool) {
        self.wanted |= kept;
    }

    /// Rows are gone: what waited for its predecessor may have its turn now.
    pub(crate) const fn after_settlement(&mut self) {
        self.wanted |= std::mem::replace(&mut self.behind, false);
    }
}

/// How fast a destination is served. After a call that failed as a whole the batches shrink to a
/// quarter each time, down to single events, and only one is under way: a destination that is down
/// costs little, and one event that breaks every call it is part of ends up in a call of its own.
#[derive(Debug)]
pub(crate) struct Pace {
    rows: u16,
    most_rows: u16,
    most_in_flight: usize,
    failures: u32,
}

impl Pace {
    pub(crate) fn new(settings: &RelaySettings) -> Self {
        Self {
            rows: settings.batch,
            most_rows: settings.batch,
            most_in_flight: settings.in_flight.into(),
            failures: 0,
        }
    }

    pub(crate) const fn rows(&self) -> u16 {
        self.rows
    }

    /// Nothing has failed since the last success.
    pub(crate) const fn is_well(&self) -> bool {
        self.failures == 0
    }

    pub(crate) const fn in_flight(&self) -> usize {
        if self.failures == 0 {
            self.most_in_flight
        } else {
            1
        }
    }

    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
        self.rows = self.rows.saturating_mul(4).min(self.most_rows);
    }

    /// How long to leave the destination alone: its own wish, bounded like every wait, or the
    /// backoff up to five seconds.
    pub(crate) fn failed(&mut self, core: &Core, after: Option<Duration>) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.rows = (self.rows / 4).max(1);
        let own = core
            .backoff
            .delay(self.failures, core.random.as_ref())
            .min(LONGEST_PAUSE);
        own.max(after.unwrap_or_default().min(core.settings.backoff_max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_destination_is_served_in_ever_smaller_batches() {
        let mut pace = Pace::new(&RelaySettings::default());
        let mut rows = Vec::new();
        for _ in 0..5 {
            pace.failures += 1;
            pace.rows = (pace.rows / 4).max(1);
            rows.push(pace.rows);
        }
        assert_eq!(rows, [64, 16, 4, 1, 1]);
        assert_eq!(pace.in_flight(), 1);
        pace.succeeded();
        assert_eq!((pace.rows, pace.in_flight()), (4, 2));
    }
}
