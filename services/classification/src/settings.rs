//! The section `[classification]`; every key is documented in `config.toml`.

use std::time::Duration;

use liaison_runtime::{Problems, Section};
use liaison_types::Backoff;
use serde::{Deserialize, Serialize};

use crate::artefacts::register::Source;

/// How cases are worked off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassificationSettings {
    /// The most cases decided together.
    pub batch: u16,
    /// The most batches under way at once.
    pub in_flight: u16,
    /// How long a claimed case belongs to who claimed it.
    #[serde(with = "liaison_types::duration")]
    pub lease: Duration,
    /// How often cases are looked for without being woken.
    #[serde(with = "liaison_types::duration")]
    pub scan_interval: Duration,
    /// The wait after a first attempt that failed.
    #[serde(with = "liaison_types::duration")]
    pub backoff_base: Duration,
    /// The longest wait between two attempts.
    #[serde(with = "liaison_types::duration")]
    pub backoff_max: Duration,
    /// After this many attempts people decide.
    pub max_attempts: u16,
    /// Who says which rule set decides.
    pub rule_set: Source,
    /// How often it is looked whether another rule set was chosen.
    #[serde(with = "liaison_types::duration")]
    pub rule_set_interval: Duration,
}

impl Section for ClassificationSettings {
    const NAME: &'static str = "classification";

    fn check(&self, problems: &mut Problems) {
        problems.check(
            (1..=256).contains(&self.batch),
            "classification.batch",
            "is not between 1 and 256",
            "write for example 256",
        );
        problems.check(
            (1..=64).contains(&self.in_flight),
            "classification.in_flight",
            "is not between 1 and 64",
            "write for example 4",
        );
        problems.check(
            (Duration::from_secs(5)..=Duration::from_hours(1)).contains(&self.lease),
            "classification.lease",
            "is not between 5s and 1h",
            "write for example 1m",
        );
        problems.check(
            (Duration::from_millis(10)..=Duration::from_mins(1)).contains(&self.scan_interval),
            "classification.scan_interval",
            "is not between 10ms and 1m",
            "write for example 1s",
        );
        problems.check(
            self.backoff().is_some() && self.backoff_max <= Duration::from_hours(24),
            "classification.backoff_base",
            "is 0, or longer than backoff_max, or backoff_max is longer than 24h",
            "write for example 500ms, and 5m for backoff_max",
        );
        problems.check(
            self.max_attempts >= 1,
            "classification.max_attempts",
            "is 0",
            "write for example 20",
        );
        problems.check(
            (Duration::from_secs(1)..=Duration::from_hours(1)).contains(&self.rule_set_interval),
            "classification.rule_set_interval",
            "is not between 1s and 1h",
            "write for example 5s",
        );
    }
}

impl ClassificationSettings {
    /// The waits between attempts; `None` where the settings make no sequence.
    #[must_use]
    pub fn backoff(&self) -> Option<Backoff> {
        Backoff::new(self.backoff_base, self.backoff_max).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_runtime::{Loader, Settings};

    fn load(more: &[(&str, &str)]) -> Result<Settings<ClassificationSettings>, Problems> {
        let loader = Loader::new(include_str!("../config.toml"));
        let set = |loader: Loader, (key, value): &(&str, &str)| loader.set(*key, *value);
        more.iter().fold(loader, set).load()
    }

    #[test]
    fn the_defaults_are_right_and_wrong_values_are_named_together() {
        let own = load(&[]).unwrap().own;
        assert_eq!((own.batch, own.in_flight, own.max_attempts), (256, 2, 20));
        assert!(own.backoff().is_some());
        assert_eq!(own.rule_set, Source::Embedded);
        let wrong = [
            ("classification.batch", "257"),
            ("classification.in_flight", "0"),
            ("classification.lease", "1s"),
            ("classification.scan_interval", "1h"),
            ("classification.backoff_base", "10m"),
            ("classification.max_attempts", "0"),
            ("classification.rule_set_interval", "100ms"),
        ];
        let problems = load(&wrong).unwrap_err();
        let found: Vec<&str> = problems.found().iter().map(|p| p.key.as_str()).collect();
        assert_eq!(found, wrong.map(|(key, _)| key));
    }
}
