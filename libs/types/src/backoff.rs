//! Bounded, jittered exponential backoff.

use std::time::Duration;

use crate::random::Random;

/// Delays that double from `base` up to `max`, each drawn uniformly from its upper half.
///
/// Attempt 1 waits between `base / 2` and `base`, attempt 2 between `base` and `2 * base`, and so on;
/// from the attempt whose doubling reaches `max` on, every delay lies between `max / 2` and `max`.
/// The jitter keeps many waiters that failed together from coming back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    base: Duration,
    max: Duration,
}

/// The bounds make no sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a backoff needs 0 < base <= max")]
pub struct InvalidBackoff;

impl Backoff {
    /// A sequence from `base` to `max`.
    ///
    /// # Errors
    /// Where `base` is zero or greater than `max`.
    pub const fn new(base: Duration, max: Duration) -> Result<Self, InvalidBackoff> {
        if base.is_zero() || base.as_nanos() > max.as_nanos() {
            return Err(InvalidBackoff);
        }
        Ok(Self { base, max })
    }

    /// How long to wait after failed attempt number `attempt`, counted from 1.
    #[must_use]
    pub fn delay(&self, attempt: u32, random: &dyn Random) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        let full = self.base.saturating_mul(1 << doublings).min(self.max);
        full.mul_f64(0.5 + random.next_f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn delays_stay_within_bounds(
            base in 1_u64..10_000, extra in 0_u64..1_000_000, attempt in 0_u32..200, seed: u64,
        ) {
            let (base, max) = (Duration::from_millis(base), Duration::from_millis(base + extra));
            let delay = Backoff::new(base, max).unwrap().delay(attempt, &SeededRandom::new(seed));
            prop_assert!(delay >= base / 2 && delay <= max);
        }
    }

    #[test]
    fn senseless_bounds_are_refused() {
        assert!(Backoff::new(Duration::ZERO, Duration::from_secs(1)).is_err());
        assert!(Backoff::new(Duration::from_secs(2), Duration::from_secs(1)).is_err());
    }
}
