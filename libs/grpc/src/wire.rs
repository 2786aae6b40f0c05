//! The border between the schema and everything inside: instants, names of resources and of enum
//! values, markings, and the gathering of violations. Every service's `convert.rs` is built on it.
//!
//! Enums cross the border by name. A service's own enum and the schema's have the same names (without
//! the schema's prefix), so `ADMITTED` in a database, in a log and on the wire is one word:
//!
//! ```
//! use liaison_grpc::wire::{self, Checks, Path};
//! use liaison_proto::common;
//!
//! assert_eq!(wire::name(common::ReferralState::Admitted), "ADMITTED");
//! assert_eq!(wire::number::<common::ReferralState>("ADMITTED"), 5);
//!
//! let mut checks = Checks::default();
//! let path = Path::root("dossier");
//! let urgency = checks.enum_value::<common::Urgency>(path.field("urgency"), 99);
//! assert!(urgency.is_none());
//! assert_eq!(checks.violations()[0].field, "dossier.urgency");
//! ```

mod check;
mod markings;
mod name;

pub use check::{Checks, Path, is_forbidden_in_block, is_forbidden_in_line};
pub use markings::{markings, read_envelope_markings, read_markings};
pub use name::{Named, Resource, TriageItem, id, name, number, read, resource, value_of};

use std::time::Duration;

use liaison_proto::common;
use liaison_types::{Language, Party, Timestamp};

/// An instant on the wire.
#[must_use]
pub fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    let (seconds, nanos) = at.to_seconds_and_nanos();
    prost_types::Timestamp { seconds, nanos }
}

/// An instant from the wire; `None` where it is none. Digits below a microsecond are dropped.
#[must_use]
pub fn instant(at: &prost_types::Timestamp) -> Option<Timestamp> {
    Timestamp::from_seconds_and_nanos(at.seconds, at.nanos)
}

/// A span of time on the wire; more than the schema can say is cut to its most.
#[must_use]
pub fn duration(of: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(of.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(of.subsec_nanos()).unwrap_or_default(),
    }
}

/// A span of time from the wire; `None` where it is negative or none.
#[must_use]
pub fn span(of: &prost_types::Duration) -> Option<Duration> {
    let nanos = u32::try_from(of.nanos)
        .ok()
        .filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Duration::new(u64::try_from(of.seconds).ok()?, nanos))
}

/// A clock on the wire.
#[must_use]
pub fn clock(started_at: Timestamp, due_at: Timestamp, rule: &str) -> common::Clock {
    common::Clock {
        started_at: Some(timestamp(started_at)),
        due_at: Some(timestamp(due_at)),
        rule: rule.to_owned(),
    }
}

/// An actor on the wire; `officer` is empty where a machine acted.
#[must_use]
pub fn actor(party: &Party, officer: &str) -> common::Actor {
    common::Actor {
        party: party.to_string(),
        officer: officer.to_owned(),
    }
}

/// A language on the wire.
#[must_use]
pub const fn language(of: Language) -> common::Language {
    match of {
        Language::Ar => common::Language::Ar,
        Language::En => common::Language::En,
        Language::Es => common::Language::Es,
        Language::Fr => common::Language::Fr,
    }
}

/// A language from the wire; `None` where none is given or it is not known.
#[must_use]
pub fn read_language(of: i32) -> Option<Language> {
    match common::Language::try_from(of).ok()? {
        common::Language::Unspecified => None,
        common::Language::Ar => Some(Language::Ar),
        common::Language::En => Some(Language::En),
        common::Language::Es => Some(Language::Es),
        common::Language::Fr => Some(Language::Fr),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn instants_and_spans_round_trip(micros in -4_000_000_000_000_000_i64..4_000_000_000_000_000, nanos: u32) {
            let at = Timestamp::from_micros(micros);
            prop_assert_eq!(instant(&timestamp(at)), Some(at));
            let of = Duration::from_nanos(u64::from(nanos) * 7);
            prop_assert_eq!(span(&duration(of)), Some(of));
        }
    }

    #[test]
    fn nonsense_is_no_instant_and_no_span() {
        for (seconds, nanos) in [(0, -1), (0, 1_000_000_000), (i64::MAX, 0)] {
            assert_eq!(instant(&prost_types::Timestamp { seconds, nanos }), None);
        }
        for (seconds, nanos) in [(-1, 0), (0, -1), (0, 1_000_000_000)] {
            assert_eq!(span(&prost_types::Duration { seconds, nanos }), None);
        }
    }

    #[test]
    fn languages_round_trip() {
        for of in Language::ALL {
            assert_eq!(read_language(language(of) as i32), Some(of));
        }
        assert_eq!(read_language(0), None);
        assert_eq!(read_language(77), None);
    }
}
