//! What a scenario found.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::Result;

/// One measurement with its baseline.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// What was measured.
    pub scenario: &'static str,
    /// How many a second.
    pub rate: f64,
    /// What it is compared with.
    pub baseline: Baseline,
    /// `rate / baseline.rate`; for `journey` the median over the time of one committed write.
    pub ratio: f64,
    /// How long one took.
    pub latency_ms: Latency,
    /// How many failed.
    pub errors: u64,
    /// The largest resident memory of each process while it was measured.
    pub rss_mib: BTreeMap<String, f64>,
    /// Under what conditions.
    pub conditions: Conditions,
}

/// What a rate depends on. Every scenario says each of the first five, [`NOT_APPLICABLE`] where it has
/// no such thing.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Conditions {
    /// Whether the database waits for the disk.
    pub fsync: String,
    /// Whether a commit waits for the log to be written.
    pub synchronous_commit: String,
    /// Bytes of a dossier on the wire.
    pub dossier_bytes: String,
    /// How the load was put on.
    pub clients: String,
    /// Whether events were delivered meanwhile.
    pub relays: String,
    /// What else is worth knowing about this scenario.
    #[serde(flatten)]
    pub others: BTreeMap<&'static str, String>,
}

/// The value of a condition that a scenario does not have.
pub(crate) const NOT_APPLICABLE: &str = "n/a";

impl Conditions {
    /// All of them by name.
    fn named(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let common = [
            ("fsync", self.fsync.as_str()),
            ("synchronous_commit", &self.synchronous_commit),
            ("dossier_bytes", &self.dossier_bytes),
            ("clients", &self.clients),
            ("relays", &self.relays),
        ];
        let others = self.others.iter().map(|(name, value)| (*name, &**value));
        common.into_iter().chain(others)
    }
}

/// The conditions that all scenarios share, with those of one of them.
pub(crate) fn others<const N: usize>(
    own: [(&'static str, String); N],
) -> BTreeMap<&'static str, String> {
    let profile = if cfg!(debug_assertions) {
        "dev: no measure of anything"
    } else {
        "release"
    };
    [
        ("machine", machine()),
        ("profile", profile.to_owned()),
        ("tls", "mutual, TLS 1.3".to_owned()),
    ]
    .into_iter()
    .chain(own)
    .collect()
}

/// What a scenario is compared with.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Baseline {
    /// What it was.
    pub name: String,
    /// How many a second.
    pub rate: f64,
}

/// How long one took, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Latency {
    /// Half took less.
    pub p50: f64,
    /// 99 of 100 took less.
    pub p99: f64,
    /// 999 of 1000 took less.
    pub p999: f64,
}

impl Latency {
    /// Read off a histogram of microseconds.
    pub(crate) fn of(micros: &Histogram<u64>) -> Self {
        let at = |quantile: f64| {
            let micros = u32::try_from(micros.value_at_quantile(quantile)).unwrap_or(u32::MAX);
            f64::from(micros) / 1_000.0
        };
        Self {
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
        }
    }
}

impl Report {
    /// Prints it.
    pub(crate) fn print(&self, json: bool) -> Result<()> {
        if json {
            println!("{}", serde_json::to_string_pretty(self)?);
            return Ok(());
        }
        println!("{}: {:.0} a second", self.scenario, self.rate);
        println!(
            "  against {:.0} a second ({})",
            self.baseline.rate, self.baseline.name
        );
        println!("  ratio {:.2}", self.ratio);
        let Latency { p50, p99, p999 } = self.latency_ms;
        println!("  latency p50 {p50:.1} ms, p99 {p99:.1} ms, p99.9 {p999:.1} ms");
        println!("  errors {}", self.errors);
        for (process, mib) in &self.rss_mib {
            println!("  {process}: {mib:.0} MiB resident at most");
        }
        for (condition, value) in self.conditions.named() {
            println!("  {condition}: {value}");
        }
        Ok(())
    }
}

/// The machine, as far as it matters for a rate.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        });
    format!(
        "{cores} cores, {}",
        model.unwrap_or_else(|| "unknown processor".to_owned())
    )
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn keys(json: &Value) -> Vec<&str> {
        let object = json.as_object().unwrap();
        let mut keys: Vec<&str> = object.keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys
    }

    /// Programs read these names: they stay.
    #[test]
    fn a_report_has_the_keys_that_programs_read() {
        let mut micros = crate::drive::histogram();
        micros.record(1_500).unwrap();
        let none = || NOT_APPLICABLE.to_owned();
        let report = Report {
            scenario: "journey",
            rate: 50.0,
            baseline: Baseline {
                name: "one committed write".to_owned(),
                rate: 2_000.0,
            },
            ratio: 3.0,
            latency_ms: Latency::of(&micros),
            errors: 0,
            rss_mib: BTreeMap::from([("liaison".to_owned(), 36.5)]),
            conditions: Conditions {
                fsync: none(),
                synchronous_commit: none(),
                dossier_bytes: none(),
                clients: none(),
                relays: none(),
                others: others([("arrivals", "50 a second".to_owned())]),
            },
        };
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(
            keys(&json),
            [
                "baseline",
                "conditions",
                "errors",
                "latency_ms",
                "rate",
                "ratio",
                "rss_mib",
                "scenario",
            ]
        );
        assert_eq!(keys(&json["baseline"]), ["name", "rate"]);
        assert_eq!(keys(&json["latency_ms"]), ["p50", "p99", "p999"]);
        assert_eq!(json["latency_ms"]["p50"], 1.5);
        assert_eq!(json["rss_mib"]["liaison"], 36.5);
        let conditions = keys(&json["conditions"]);
        for name in [
            "fsync",
            "synchronous_commit",
            "dossier_bytes",
            "clients",
            "relays",
        ] {
            assert_eq!(json["conditions"][name], NOT_APPLICABLE, "{name}");
        }
        assert_eq!(json["conditions"]["arrivals"], "50 a second");
        let mut told: Vec<&str> = report.conditions.named().map(|(name, _)| name).collect();
        told.sort_unstable();
        assert_eq!(told, conditions, "people and programs are told the same");
    }
}
