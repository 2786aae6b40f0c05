//! The `[relay]` section.

use std::time::Duration;

use liaison_types::{Backoff, Rule, Violation};
use serde::{Deserialize, Serialize};

/// How events are handed on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RelaySettings {
    /// Events are kept and not handed on, until the process is started without this: for maintenance
    /// of a receiver, and for measuring.
    pub paused: bool,
    /// The most events of one batch, 1 to 256.
    pub batch: u16,
    /// The most payload bytes of one batch; one event larger than this travels alone. Keep it below
    /// the receivers' message limit.
    pub batch_bytes: usize,
    /// The most consecutive events of one subject in one batch, 1 to 64. Counts only where the
    /// deliverer keeps their order.
    pub run: u16,
    /// The most batches on their way to one destination at once, 1 to 16. With 2, the next batch is
    /// claimed while the one before is delivered.
    pub in_flight: u16,
    /// How long an event that nobody's work waits for, a notification, waits for others to go with it;
    /// up to 1 s, 0s for not at all. One referral causes several within a few milliseconds.
    #[serde(with = "liaison_types::duration")]
    pub linger: Duration,
    /// How long a claimed event belongs to its relay. After a crash it is free again by then.
    #[serde(with = "liaison_types::duration")]
    pub lease: Duration,
    /// How long a delivery may take; at most half the lease, so that what was confirmed in time can
    /// still be removed in time.
    #[serde(with = "liaison_types::duration")]
    pub deliver_timeout: Duration,
    /// How often the table is looked at without being woken, drawn anew from 0.9 to 1.1 of this.
    #[serde(with = "liaison_types::duration")]
    pub scan_interval: Duration,
    /// The wait after a first failed attempt. It doubles with each further one, each drawn from the
    /// upper half: with the defaults 0.25–0.5 s, 0.5–1 s, 1–2 s, … up to 2.5–5 min.
    #[serde(with = "liaison_types::duration")]
    pub backoff_base: Duration,
    /// The longest wait between two attempts.
    #[serde(with = "liaison_types::duration")]
    pub backoff_max: Duration,
    /// After this many failed attempts an event is a dead letter. The default lasts about a day.
    pub max_attempts: u32,
    /// How long the ids of received events are kept, to know a repetition; at least a day. Longer than
    /// any sender's event may wait, dead letters that are put back included.
    #[serde(with = "liaison_types::duration")]
    pub inbox_retention: Duration,
}

impl Default for RelaySettings {
    fn default() -> Self {
        Self {
            paused: false,
            batch: 256,
            batch_bytes: 1 << 20,
            run: 16,
            in_flight: 2,
            linger: Duration::from_millis(10),
            lease: Duration::from_secs(30),
            deliver_timeout: Duration::from_secs(10),
            scan_interval: Duration::from_secs(1),
            backoff_base: Duration::from_millis(500),
            backoff_max: Duration::from_secs(300),
            max_attempts: 400,
            inbox_retention: Duration::from_hours(24 * 90),
        }
    }
}

impl RelaySettings {
    /// All that is wrong, each field with `prefix` before its name, for example `relay.`. A
    /// [`Relay`](crate::Relay) can be made where nothing is.
    #[must_use]
    pub fn violations(&self, prefix: &str) -> Vec<Violation> {
        let mut violations = Vec::new();
        let mut unless = |right: bool, field: &str, rule: Rule| {
            if !right {
                violations.push(Violation::new(format!("{prefix}{field}"), rule));
            }
        };
        let hour = Duration::from_secs(3_600);
        unless(
            (1..=256).contains(&self.batch),
            "batch",
            Rule::OutOfRange(1, 256),
        );
        let bytes = 1..=64 << 20;
        unless(
            bytes.contains(&self.batch_bytes),
            "batch_bytes",
            Rule::OutOfRange(1, 64 << 20),
        );
        unless((1..=64).contains(&self.run), "run", Rule::OutOfRange(1, 64));
        unless(
            (1..=16).contains(&self.in_flight),
            "in_flight",
            Rule::OutOfRange(1, 16),
        );
        let attempts = 1..=1_000_000;
        let rule = Rule::OutOfRange(1, 1_000_000);
        unless(attempts.contains(&self.max_attempts), "max_attempts", rule);
        let second = Duration::from_secs(1);
        let rule = Rule::MalformedSetting("a duration from 0s to 1s, for example 10ms");
        unless(self.linger <= second, "linger", rule);
        let rule = Rule::MalformedSetting("a duration from 1s to 1h, for example 30s");
        unless(self.lease >= second && self.lease <= hour, "lease", rule);
        let rule = Rule::MalformedSetting("a duration from 1ms to half the lease, for example 10s");
        let timely = !self.deliver_timeout.is_zero() && self.deliver_timeout <= self.lease / 2;
        unless(timely, "deliver_timeout", rule);
        let rule = Rule::MalformedSetting("a duration from 1ms to 1h, for example 1s");
        let interval = self.scan_interval;
        unless(
            !interval.is_zero() && interval <= hour,
            "scan_interval",
            rule,
        );
        let rule = Rule::MalformedSetting("a duration of at least 1d, for example 90d");
        unless(self.inbox_retention >= 24 * hour, "inbox_retention", rule);
        let rule =
            Rule::MalformedSetting("a duration above 0s and up to backoff_max, for example 500ms");
        unless(self.backoff().is_some(), "backoff_base", rule);
        violations
    }

    /// The sequence of waits; `None` where its bounds are wrong.
    pub(crate) fn backoff(&self) -> Option<Backoff> {
        Backoff::new(self.backoff_base, self.backoff_max).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_right_and_every_wrong_value_is_named() {
        assert_eq!(RelaySettings::default().violations(""), []);
        let wrong = RelaySettings {
            batch: 257,
            batch_bytes: 0,
            run: 0,
            in_flight: 17,
            linger: Duration::from_secs(2),
            lease: Duration::ZERO,
            deliver_timeout: Duration::from_secs(1),
            scan_interval: Duration::ZERO,
            backoff_base: Duration::ZERO,
            backoff_max: Duration::ZERO,
            max_attempts: 0,
            inbox_retention: Duration::ZERO,
            paused: false,
        };
        let named: Vec<_> = wrong
            .violations("relay.")
            .into_iter()
            .map(|wrong| wrong.field)
            .collect();
        assert_eq!(
            named,
            [
                "relay.batch",
                "relay.batch_bytes",
                "relay.run",
                "relay.in_flight",
                "relay.max_attempts",
                "relay.linger",
                "relay.lease",
                "relay.deliver_timeout",
                "relay.scan_interval",
                "relay.inbox_retention",
                "relay.backoff_base"
            ]
        );
    }
}
