//! The service's own section of the settings.

use std::collections::BTreeMap;
use std::time::Duration;

use liaison_runtime::{Problems, Section};
use liaison_types::{DeskCode, UnitCode};
use serde::Deserialize;

use crate::domain::{LeaseTerms, Units};

/// `[routing]`. `config.toml` documents every key.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoutingSettings {
    /// How long a lease lasts where the unit does not say.
    #[serde(with = "liaison_types::duration")]
    pub lease_default: Duration,
    /// The shortest lease.
    #[serde(with = "liaison_types::duration")]
    pub lease_min: Duration,
    /// The longest lease.
    #[serde(with = "liaison_types::duration")]
    pub lease_max: Duration,
    /// After this many pulls without an answer an assignment is a dead letter.
    pub max_attempts: i32,
    /// How often leases that ran out are looked for.
    #[serde(with = "liaison_types::duration")]
    pub expiry_interval: Duration,
    /// How often long polls look for work that they were not woken for.
    #[serde(with = "liaison_types::duration")]
    pub wake_interval: Duration,
    /// The most tasks of one assignment.
    pub max_tasks: usize,
    /// The units and their desks.
    pub units: BTreeMap<UnitCode, Vec<DeskCode>>,
}

/// The bounds that the API promises for leases.
const LEASE_BOUNDS: (Duration, Duration) = (Duration::from_secs(10), Duration::from_hours(8));

impl RoutingSettings {
    /// How leases are given.
    #[must_use]
    pub const fn terms(&self) -> LeaseTerms {
        LeaseTerms {
            default: self.lease_default,
            min: self.lease_min,
            max: self.lease_max,
            max_attempts: self.max_attempts,
        }
    }

    /// The units.
    #[must_use]
    pub fn units(&self) -> Units {
        Units::new(self.units.clone())
    }
}

impl Section for RoutingSettings {
    const NAME: &'static str = "routing";

    fn check(&self, problems: &mut Problems) {
        let (shortest, longest) = LEASE_BOUNDS;
        problems.check(
            shortest <= self.lease_min
                && self.lease_min <= self.lease_max
                && self.lease_max <= longest,
            "routing.lease_min",
            "and routing.lease_max are not in order within 10s and 8h",
            "write for example 10s and 8h",
        );
        problems.check(
            (self.lease_min..=self.lease_max).contains(&self.lease_default),
            "routing.lease_default",
            "is not between routing.lease_min and routing.lease_max",
            "write for example 15m",
        );
        problems.check(
            (1..=100).contains(&self.max_attempts),
            "routing.max_attempts",
            "is not between 1 and 100",
            "write for example 5",
        );
        for (key, interval) in [
            ("expiry_interval", self.expiry_interval),
            ("wake_interval", self.wake_interval),
        ] {
            problems.check(
                (Duration::from_millis(10)..=Duration::from_mins(1)).contains(&interval),
                &format!("routing.{key}"),
                "is not between 10ms and 1m",
                "write for example 1s",
            );
        }
        problems.check(
            (1..=10_000).contains(&self.max_tasks),
            "routing.max_tasks",
            "is not between 1 and 10000",
            "write for example 500",
        );
        problems.check(
            !self.units.is_empty(),
            "routing.units",
            "names no unit",
            "write each unit and its desks, for example cyber = [\"threat-response\"]",
        );
    }
}
