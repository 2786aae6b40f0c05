//! The `[telemetry]` section.

use std::time::Duration;

use http::Uri;
use serde::{Deserialize, Serialize};
use tracing_subscriber::filter::{LevelFilter, Targets};

/// What carries the exported data itself. Traced at the usual level, each export would produce
/// spans that have to be exported.
const TRANSPORT: [&str; 7] = [
    "h2",
    "hyper",
    "hyper_util",
    "tonic",
    "tower",
    "tower_http",
    "opentelemetry",
];

/// What is logged, and where traces and metrics go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetrySettings {
    /// OTLP/gRPC address of the collector, for example `http://127.0.0.1:4317`. Nothing is
    /// exported, and nothing paid for, where it is absent.
    pub endpoint: Option<String>,
    /// Which events are logged: a level, or `target=level` pairs, separated by commas.
    pub log: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which spans and events are exported, in the form of `log`.
    pub traces: String,
    /// The share of traces begun here that is exported, from 0 to 1. A trace begun elsewhere
    /// follows the decision taken there.
    pub sample_ratio: f64,
    /// How often metrics are exported.
    #[serde(with = "liaison_types::duration")]
    pub metrics_interval: Duration,
    /// How long a stopping process waits for the collector to take what is left.
    #[serde(with = "liaison_types::duration")]
    pub flush_timeout: Duration,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One line for people.
    #[default]
    Text,
    /// One JSON object a line for programs.
    Json,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            endpoint: None,
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            traces: "info".to_owned(),
            sample_ratio: 1.0,
            metrics_interval: Duration::from_secs(15),
            flush_timeout: Duration::from_secs(5),
        }
    }
}

/// One thing that is wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingProblem {
    /// The key within the section.
    pub key: &'static str,
    /// The rule that is broken.
    pub rule: &'static str,
    /// What to write instead.
    pub fix: &'static str,
}

impl TelemetrySettings {
    /// Everything that is wrong with these settings; [`crate::Telemetry::build`] succeeds where
    /// this is empty.
    #[must_use]
    pub fn problems(&self) -> Vec<SettingProblem> {
        let mut problems = Vec::new();
        let mut add = |broken: bool, key, rule, fix| {
            if broken {
                problems.push(SettingProblem { key, rule, fix });
            }
        };
        add(
            self.endpoint
                .as_deref()
                .is_some_and(|endpoint| !is_collector_address(endpoint)),
            "endpoint",
            "must be a plaintext OTLP/gRPC address",
            "write http://HOST:PORT (a collector beside the service forwards over TLS), or leave \
             the key out to export nothing",
        );
        let filter = "write a level (error, warn, info, debug, trace, off) or target=level pairs \
                      separated by commas, for example info,liaison_outbox=debug";
        add(
            parse_filter(&self.log).is_none(),
            "log",
            "must be a log filter",
            filter,
        );
        add(
            parse_filter(&self.traces).is_none(),
            "traces",
            "must be a trace filter",
            filter,
        );
        add(
            !(0.0..=1.0).contains(&self.sample_ratio),
            "sample_ratio",
            "must lie between 0 and 1",
            "write 1.0 to export every trace, 0.1 for every tenth",
        );
        add(
            self.metrics_interval < Duration::from_millis(100),
            "metrics_interval",
            "must be at least 100ms",
            "write for example 15s",
        );
        add(
            self.flush_timeout.is_zero() || self.flush_timeout > Duration::from_secs(60),
            "flush_timeout",
            "must lie between 1ms and 60s",
            "write for example 5s",
        );
        problems
    }

    pub(crate) fn log_filter(&self) -> Option<Targets> {
        parse_filter(&self.log)
    }

    /// The filter for exported spans, with the transport quietened unless it is named.
    pub(crate) fn trace_filter(&self) -> Option<Targets> {
        let mut filter = parse_filter(&self.traces)?;
        for target in TRANSPORT {
            if !filter.iter().any(|(named, _)| named == target) {
                filter = filter.with_target(target, LevelFilter::WARN);
            }
        }
        Some(filter)
    }
}

/// `None` where the text is no filter. Stricter than [`Targets`], which takes an empty text for a
/// filter that lets nothing through.
fn parse_filter(text: &str) -> Option<Targets> {
    if text.split(',').any(|part| part.trim().is_empty()) {
        return None;
    }
    // A bare word that is no level would be read as a target enabled at every level.
    let bare_word =
        |part: &&str| !part.contains('=') && part.trim().parse::<LevelFilter>().is_err();
    if text.split(',').any(|part| bare_word(&part)) {
        return None;
    }
    text.parse().ok()
}

fn is_collector_address(endpoint: &str) -> bool {
    endpoint.parse::<Uri>().is_ok_and(|uri| {
        uri.scheme_str() == Some("http")
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.port_u16().is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_right_and_every_wrong_value_is_named() {
        assert_eq!(TelemetrySettings::default().problems(), []);

        let wrong = TelemetrySettings {
            endpoint: Some("https://collector".to_owned()),
            log: "loud".to_owned(),
            log_format: LogFormat::Json,
            traces: String::new(),
            sample_ratio: f64::NAN,
            metrics_interval: Duration::ZERO,
            flush_timeout: Duration::from_secs(3_600),
        };
        let keys: Vec<_> = wrong.problems().iter().map(|problem| problem.key).collect();
        assert_eq!(
            keys,
            [
                "endpoint",
                "log",
                "traces",
                "sample_ratio",
                "metrics_interval",
                "flush_timeout"
            ]
        );
    }

    #[test]
    fn transport_is_quiet_unless_named() {
        let mut settings = TelemetrySettings::default();
        let enabled = |settings: &TelemetrySettings, target: &str| {
            settings
                .trace_filter()
                .expect("the filter parses")
                .would_enable(target, &tracing::Level::INFO)
        };
        assert!(enabled(&settings, "liaison_store::tx"));
        assert!(!enabled(&settings, "h2::client"));
        settings.traces = "info,h2=debug".to_owned();
        assert!(enabled(&settings, "h2::client"));
        assert!(!enabled(&settings, "tonic::transport"));
    }
}
