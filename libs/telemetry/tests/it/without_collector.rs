//! What happens where no collector is configured: log lines and nothing else.

use std::io::Write;
use std::sync::{Arc, Mutex};

use http::HeaderMap;
use liaison_telemetry::{LogFormat, Telemetry, TelemetryError, TelemetrySettings, propagation};
use tracing_subscriber::fmt::MakeWriter;

/// Keeps what is written.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Sink {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn spans_are_off_and_context_is_not_carried() {
    let sink = Sink::default();
    let settings = TelemetrySettings {
        log: "debug".to_owned(),
        ..TelemetrySettings::default()
    };
    let telemetry = Telemetry::build_to("quiet", "0", &settings, sink.clone(), false).unwrap();
    assert!(!telemetry.instruments().is_recording());
    {
        let _entered = telemetry.enter();
        let span = tracing::error_span!("span", secret = "never formatted");
        assert!(span.is_disabled());
        span.in_scope(|| {
            let mut headers = HeaderMap::new();
            propagation::inject(&mut headers);
            assert!(headers.is_empty());
            assert_eq!(propagation::current_traceparent(), None);
            tracing::debug!(attempts = 3, "delivered {}", "referral");
        });
        tracing::trace!("too fine");
    }
    assert!(telemetry.shutdown().await);
    let text = sink.text();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.contains("DEBUG quiet it::without_collector: delivered referral attempts=3"),
        "{text}"
    );
}

#[tokio::test]
async fn json_lines_are_one_object_each() {
    let sink = Sink::default();
    let settings = TelemetrySettings {
        log_format: LogFormat::Json,
        ..TelemetrySettings::default()
    };
    let telemetry = Telemetry::build_to("machine", "0", &settings, sink.clone(), false).unwrap();
    {
        let _entered = telemetry.enter();
        tracing::warn!(
            rows = 2_u64,
            ratio = 0.5,
            text = "a \"quoted\"\nline",
            "two rows"
        );
    }
    let text = sink.text();
    let line: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
    assert_eq!(text.lines().count(), 1);
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["service"], "machine");
    assert_eq!(line["message"], "two rows");
    assert_eq!(
        line["fields"],
        serde_json::json!({"rows": 2, "ratio": 0.5, "text": "a \"quoted\"\nline"})
    );
    assert!(line["timestamp"].is_string());
}

#[test]
fn wrong_settings_are_refused_with_their_key() {
    let settings = TelemetrySettings {
        sample_ratio: 2.0,
        ..TelemetrySettings::default()
    };
    let error = Telemetry::build("wrong", "0", &settings).unwrap_err();
    assert!(
        matches!(
            error,
            TelemetryError::Settings {
                key: "sample_ratio",
                ..
            }
        ),
        "{error}"
    );
}
