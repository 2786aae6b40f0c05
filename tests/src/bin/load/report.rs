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
    pub conditions: BTreeMap<&'static str, String>,
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
        for (condition, value) in &self.conditions {
            println!("  {condition}: {value}");
        }
        Ok(())
    }
}

/// The machine, as far as it matters for a rate.
pub(crate) fn machine() -> String {
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
