//! Instants and the clock they come from.

use std::fmt;
use std::ops::{Add, Sub};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// An instant: microseconds since 1970-01-01T00:00:00Z.
///
/// Stored as `i64` in both databases, because text forms with a variable fraction sort wrongly on
/// SQLite. Arithmetic saturates; the range covers years −290,307 to 294,246.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant `micros` microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The instant `seconds` seconds after the epoch.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since the epoch, rounded down.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Whole seconds since the epoch (rounded down) and the nanoseconds within that second, the
    /// two fields of `google.protobuf.Timestamp`.
    #[must_use]
    pub fn to_seconds_and_nanos(self) -> (i64, i32) {
        let nanos = i32::try_from(self.0.rem_euclid(1_000_000)).unwrap_or_default() * 1_000;
        (self.0.div_euclid(1_000_000), nanos)
    }

    /// The inverse of [`Timestamp::to_seconds_and_nanos`]; `None` where the value does not fit or
    /// `nanos` is not within a second. Digits below a microsecond are dropped.
    #[must_use]
    pub fn from_seconds_and_nanos(seconds: i64, nanos: i32) -> Option<Self> {
        if !(0..1_000_000_000).contains(&nanos) {
            return None;
        }
        seconds
            .checked_mul(1_000_000)?
            .checked_add(i64::from(nanos) / 1_000)
            .map(Self)
    }

    /// Parses RFC 3339, for example `2026-03-01T08:00:00Z`.
    ///
    /// # Errors
    /// Where the text is no RFC 3339 date and time.
    pub fn parse_rfc3339(text: &str) -> Result<Self, ParseTimestampError> {
        let parsed = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| ParseTimestampError)?;
        i64::try_from(parsed.unix_timestamp_nanos() / 1_000)
            .map(Self)
            .map_err(|_| ParseTimestampError)
    }

    /// The calendar year in UTC.
    #[must_use]
    pub fn year(self) -> i32 {
        self.to_offset().year()
    }

    /// How long after `earlier` this is; zero where it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    fn to_offset(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

/// The text was not an RFC 3339 date and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 date and time")]
pub struct ParseTimestampError;

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with as many fraction digits as are needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_offset().format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }
}

/// Where the time comes from. A parameter everywhere, so that tests decide when it is.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The current instant.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place the ambient clock enters"
    )]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Timestamp(micros(since))
    }
}

/// A clock that stands until it is moved.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock standing at `at`.
    #[must_use]
    pub const fn new(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.0))
    }

    /// Puts the clock at `at`, also backwards.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.0, Ordering::SeqCst);
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(micros(by), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips() {
        for micros in [0, 1, -1, 1_772_352_000_500_000, 1_772_352_000_000_001] {
            let at = Timestamp::from_micros(micros);
            assert_eq!(Timestamp::parse_rfc3339(&at.to_string()), Ok(at));
            let (seconds, nanos) = at.to_seconds_and_nanos();
            assert_eq!(Timestamp::from_seconds_and_nanos(seconds, nanos), Some(at));
        }
        assert_eq!(
            Timestamp::parse_rfc3339("2026-03-01T09:00:00+01:00").map(|t| t.to_string()),
            Ok("2026-03-01T08:00:00Z".to_owned())
        );
        assert!(Timestamp::parse_rfc3339("yesterday").is_err());
    }

    #[test]
    fn arithmetic_saturates() {
        let end = Timestamp::from_micros(i64::MAX);
        assert_eq!(end + Duration::from_secs(1), end);
        assert_eq!(
            Timestamp::from_micros(5).since(Timestamp::from_micros(9)),
            Duration::ZERO
        );
    }

    #[test]
    fn manual_clock_moves_only_when_told() {
        let clock = ManualClock::new(Timestamp::from_seconds(10));
        assert_eq!(clock.now(), Timestamp::from_seconds(10));
        clock.advance(Duration::from_secs(5));
        assert_eq!(clock.now(), Timestamp::from_seconds(15));
    }
}
