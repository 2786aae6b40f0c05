//! The section `[notification]`; every key is documented in `config.toml`.

use std::time::Duration;

use liaison_runtime::{Problems, Section};
use serde::Deserialize;

/// How streams are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotificationSettings {
    /// How often a stream says where it stands when nothing happens.
    #[serde(with = "liaison_types::duration")]
    pub heartbeat: Duration,
    /// How often a waiting stream looks at the database without being woken.
    #[serde(with = "liaison_types::duration")]
    pub scan_interval: Duration,
    /// The most notifications a stream reads at once.
    pub page: u16,
}

impl Section for NotificationSettings {
    const NAME: &'static str = "notification";

    fn check(&self, problems: &mut Problems) {
        problems.check(
            (Duration::from_secs(1)..=Duration::from_mins(5)).contains(&self.heartbeat),
            "notification.heartbeat",
            "is not between 1s and 5m",
            "write for example 15s",
        );
        problems.check(
            (Duration::from_millis(10)..=Duration::from_mins(1)).contains(&self.scan_interval),
            "notification.scan_interval",
            "is not between 10ms and 1m",
            "write for example 1s",
        );
        problems.check(
            (1..=1000).contains(&self.page),
            "notification.page",
            "is not between 1 and 1000",
            "write for example 256",
        );
    }
}
