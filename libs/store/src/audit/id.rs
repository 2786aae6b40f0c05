//! The instant in an id: 48 bits of milliseconds come first (RFC 9562, section 5.7).

use liaison_types::{AuditId, Timestamp};
use uuid::Uuid;

const RANDOM_BITS: u32 = 80;

/// The milliseconds an id made at `at` begins with.
fn millis(at: Timestamp) -> u128 {
    u128::try_from(at.as_millis()).unwrap_or(0) & ((1 << 48) - 1)
}

/// No id made at `at` or later is lower.
pub(super) fn lowest_at(at: Timestamp) -> Uuid {
    Uuid::from_u128(millis(at) << RANDOM_BITS)
}

/// No id made at `at` or earlier is higher.
pub(super) fn highest_at(at: Timestamp) -> Uuid {
    Uuid::from_u128(millis(at) << RANDOM_BITS | ((1 << RANDOM_BITS) - 1))
}

/// When `id` was made, to the millisecond.
pub(super) fn made_at(id: Uuid) -> Timestamp {
    // 48 bits fit.
    let millis = i64::try_from(id.as_u128() >> RANDOM_BITS).unwrap_or(i64::MAX);
    Timestamp::from_micros(millis.saturating_mul(1_000))
}

/// When the entry `id` was made, to the millisecond, whatever its row says.
#[must_use]
pub fn when(id: AuditId) -> Timestamp {
    made_at(id.uuid())
}

/// Whether `id` was made from `at`.
pub(super) fn is_made_from(id: Uuid, at: Timestamp) -> bool {
    id.as_u128() >> RANDOM_BITS == millis(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_types::SeededRandom;

    #[test]
    fn bounds_hold_every_id_of_an_instant_and_no_other() {
        let random = SeededRandom::new(1);
        let at = Timestamp::from_micros(1_772_352_000_123_456);
        let id = AuditId::new(at, &random).uuid();
        assert!(is_made_from(id, at));
        assert_eq!(
            when(AuditId::from_uuid(id)),
            Timestamp::from_micros(1_772_352_000_123_000)
        );
        assert!(lowest_at(at) < id && id < highest_at(at));
        for millis in [-1, 1] {
            let other = Timestamp::from_micros(at.as_micros() + millis * 1_000);
            let other_id = AuditId::new(other, &random).uuid();
            assert!(!is_made_from(other_id, at));
            assert_eq!(other_id < lowest_at(at), millis < 0);
            assert_eq!(other_id > highest_at(at), millis > 0);
        }
        // Ids know no time before 1970.
        let before = Timestamp::from_micros(-5);
        assert!(is_made_from(AuditId::new(before, &random).uuid(), before));
    }
}
