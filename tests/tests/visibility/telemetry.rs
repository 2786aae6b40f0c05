//! What the processes write about their work: logs, traces and measurements hold nothing of what people
//! wrote, and the labels of measurements name nobody.

use e2e::canary::{Needles, OFFICERS, PURPOSE, REFERENCE, Words, lived};
use e2e::collector::Received;
use e2e::{Collector, Layout, Suite, unit};
use liaison_types::Language;
use opentelemetry_proto::tonic::common::v1::KeyValue;

#[track_caller]
fn says_nothing(needles: &Needles, what: &str, text: &str) {
    if let Some(found) = needles.find(text.as_bytes()) {
        panic!("{what} holds {found}");
    }
}

/// Whether a label's value is somebody's name or the name of something. Words count as a whole: a method may
/// be called `DecideTriage`.
fn names(value: &str) -> bool {
    let within = |c: char| c.is_alphanumeric() || ['-', '.', '@', '_'].contains(&c);
    let value = value.to_lowercase();
    let parties = ["triage", "compliance"];
    value.split(|c| !within(c)).any(|word| {
        let digits = |part: &str| part.len() >= 8 && part.bytes().all(|b| b.is_ascii_hexdigit());
        let mut known = parties.iter().chain(&unit::UNITS).chain(&OFFICERS);
        word.split('-').any(digits)
            || word.starts_with("nb-")
            || word.starts_with("2026-")
            || known.any(|name| *name == word)
    })
}

fn labels_name_nobody(received: &Received) {
    let labels = received.labels();
    assert!(labels.len() > 100, "{} labels", labels.len());
    for (metric, KeyValue { key, value, .. }) in labels {
        // Whose certificate ends: the service's own, or which authority's.
        if metric == "liaison.certificate.remaining" {
            continue;
        }
        let value = format!("{:?}", value.and_then(|value| value.value));
        assert!(!names(&value) && !names(&key), "{metric}: {key} is {value}");
    }
}

e2e::both_backends! {
    async fn what_people_wrote_is_in_no_log_trace_or_measurement(backend: Backend) {
        let (collector, address) = Collector::listen().await;
        let endpoint = format!("http://{address}");
        let settings = [
            ("TELEMETRY__ENDPOINT", endpoint.as_str()),
            // Everything that `info` says, and more.
            ("TELEMETRY__LOG", "debug"),
            ("TELEMETRY__TRACES", "debug"),
        ];
        let mut suite = Suite::start(backend, Layout::Together, &settings).await;
        let words = Words::of(Language::En);
        lived(&suite, &words).await;
        let logs: Vec<String> = {
            let written = suite.processes().iter().map(e2e::Process::whole_log);
            written.collect()
        };
        suite.stop();
        let log = logs.concat();
        assert!(log.contains("DEBUG") && log.contains("IntakeService/SubmitReferral"), "{log}");
        let needles = Needles::of(words.content().into_iter().chain([PURPOSE, REFERENCE]));
        says_nothing(&needles, "the log", &log);
        let received = collector.received();
        assert!(received.spans() > 50, "{} spans", received.spans());
        says_nothing(&needles, "a trace", &format!("{:?}", received.traces));
        says_nothing(&needles, "a measurement", &format!("{:?}", received.metrics));
        labels_name_nobody(&received);
    }
}

#[test]
fn names_are_told_from_other_words() {
    assert!(names("unit/cyber") && names("0198c0de-0000-7000-8000-000000000001"));
    assert!(names("\"2026-FR-000001\"") && names("liaison://bureau/NB-FR") && names(OFFICERS[0]));
    assert!(!names(
        "liaison.classification.v1.ClassificationService/DecideTriage"
    ));
    assert!(!names("liaison.intake.v1.IntakeService/SubmitReferral") && !names("classification"));
}
