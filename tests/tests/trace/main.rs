//! The trace of one referral through four processes, read back from a real collector.
//!
//! The collector is Rotel: the program that `E2E_ROTEL_AGENT` names, or `rotel-agent` on the path.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod collector;

use std::collections::{BTreeMap, BTreeSet};

use collector::{Collector, Span};
use e2e::{Backend, Layout, SERVICES, Suite, dossier, unit};
use liaison_proto::common::{Outcome, ReferralState};

/// How a span belongs to a referral.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    /// It is one of the referral's trace.
    Own,
    /// It works for many at once, and points to each.
    Batch,
}

/// What happens on the way of a referral to a unit, as service, span, and how it belongs.
const WAY: [(&str, &str, Part); 12] = [
    (
        "intake",
        "liaison.intake.v1.IntakeService/SubmitReferral",
        Part::Own,
    ),
    ("intake", "deliver to classification", Part::Batch),
    (
        "classification",
        "liaison.event.v1.EventInboxService/DeliverEvents",
        Part::Batch,
    ),
    ("classification", "receive referral_admitted", Part::Own),
    ("classification", "classification.batch", Part::Batch),
    (
        "intake",
        "liaison.intake.v1.IntakeService/BatchGetClassificationInputs",
        Part::Batch,
    ),
    ("routing", "receive case_classified", Part::Own),
    ("intake", "receive case_classified", Part::Own),
    ("intake", "receive assignment_changed", Part::Own),
    ("notification", "receive referral_changed", Part::Own),
    ("notification", "receive assignment_changed", Part::Own),
    (
        "notification",
        "liaison.event.v1.EventInboxService/DeliverEvents",
        Part::Batch,
    ),
];

fn named<'a>(spans: &'a [Span], service: &str, name: &str) -> Vec<&'a Span> {
    spans
        .iter()
        .filter(|span| span.service == service && span.name == name)
        .collect()
}

#[test]
fn one_referral_is_one_trace_through_four_processes() {
    e2e::run(async {
        let folder = tempfile::tempdir().unwrap();
        let mut collector = Collector::start(folder.path()).await;
        let settings = [("TELEMETRY__ENDPOINT", collector.endpoint())];
        let mut suite = Suite::start(Backend::Sqlite, Layout::Apart, &settings).await;
        let bureau = suite.client("bureau/NB-FR");
        let cyber = suite.client("unit/cyber");
        let referral = bureau.submit(dossier::plain()).await.unwrap();
        let (assignment, token) = unit::pull_one(&cyber).await;
        unit::open(&cyber, &referral.name).await.unwrap();
        unit::accept(&cyber, &assignment.name, &token)
            .await
            .unwrap();
        unit::complete(&cyber, &assignment.name, Outcome::NoTrace)
            .await
            .unwrap();
        bureau
            .reaches(&referral.name, ReferralState::Completed)
            .await;
        suite.drained().await;
        // Stopping in order exports what is left.
        suite.stop();
        let spans = collector.stop();

        let services: BTreeSet<&str> = spans.iter().map(|span| span.service.as_str()).collect();
        assert_eq!(
            services,
            SERVICES.into_iter().collect(),
            "each process names its service"
        );
        let submitted = named(&spans, WAY[0].0, WAY[0].1);
        assert_eq!(submitted.len(), 1, "one submission, one span");
        let trace = &submitted[0].trace;
        assert!(submitted[0].parent.is_none(), "nobody called before");

        // Each part of the way belongs to the trace; what serves a batch of referrals is a trace of
        // its own, which points into the trace of each.
        let of_trace: Vec<&Span> = spans.iter().filter(|span| span.trace == *trace).collect();
        let ids: BTreeSet<&str> = of_trace.iter().map(|span| span.id.as_str()).collect();
        let batches: BTreeSet<&str> = spans
            .iter()
            .filter(|span| {
                span.links
                    .iter()
                    .any(|(linked, id)| linked == trace && ids.contains(id.as_str()))
            })
            .map(|span| span.trace.as_str())
            .collect();
        for (service, name, kind) in WAY {
            let found = named(&spans, service, name);
            let reaches = found.iter().any(|span| match kind {
                Part::Own => span.trace == *trace,
                Part::Batch => batches.contains(span.trace.as_str()),
            });
            assert!(
                reaches,
                "no {name} of {service} is {kind:?}: {}",
                outline(&spans)
            );
        }
        for service in SERVICES {
            let own = of_trace.iter().any(|span| span.service == service);
            assert!(own, "{service} is not in the trace: {}", outline(&spans));
        }
        // Read back whole: no span of it continues one that is missing.
        for span in &of_trace {
            let known = span
                .parent
                .as_deref()
                .is_none_or(|parent| ids.contains(parent));
            assert!(
                known,
                "{} of {} has lost its parent",
                span.name, span.service
            );
        }
        println!(
            "one trace: {}",
            outline(
                &spans
                    .iter()
                    .filter(|s| s.trace == *trace)
                    .cloned()
                    .collect::<Vec<_>>()
            )
        );
    });
}

#[test]
fn a_missing_collector_is_no_failure() {
    e2e::run(async {
        // Nobody listens there.
        let settings = [("TELEMETRY__ENDPOINT", "http://127.0.0.1:9")];
        let mut suite = Suite::start(Backend::Sqlite, Layout::Together, &settings).await;
        let bureau = suite.client("bureau/NB-FR");
        let referral = bureau.submit(dossier::plain()).await.unwrap();
        bureau.reaches(&referral.name, ReferralState::Routed).await;
        suite.stop();
    });
}

/// How many spans of each name each service has.
fn outline(spans: &[Span]) -> String {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for span in spans {
        *counts.entry((&span.service, &span.name)).or_default() += 1;
    }
    counts
        .iter()
        .map(|((service, name), n)| format!("\n  {n} × {service}: {name}"))
        .collect()
}
