//! What reaches a collector.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http::HeaderMap;
use liaison_telemetry::{Side, Telemetry, TelemetrySettings, propagation};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use tokio::net::TcpListener;
use tracing::{Instrument, info_span};

use crate::receiver::{Receiver, attribute};

fn settings(collector: SocketAddr) -> TelemetrySettings {
    TelemetrySettings {
        endpoint: Some(format!("http://{collector}")),
        log: "off".to_owned(),
        flush_timeout: Duration::from_secs(20),
        ..TelemetrySettings::default()
    }
}

/// Two services in one process, each with its own name, one trace through both, and an outbox in
/// between. On the single-threaded runtime of a test.
#[tokio::test]
async fn a_trace_runs_through_two_services_and_an_outbox() {
    let (receiver, collector) = Receiver::listen().await;
    let first = Telemetry::build("first", "1.2.3", &settings(collector)).unwrap();
    let second = Telemetry::build("second", "1.2.3", &settings(collector)).unwrap();

    let mut headers = HeaderMap::new();
    let traceparent = {
        let _first = first.enter();
        async {
            async { propagation::inject(&mut headers) }
                .instrument(info_span!("call"))
                .await;
            propagation::current_traceparent()
        }
        .instrument(info_span!("submit"))
        .await
        .unwrap()
    };
    let mut other = HeaderMap::new();
    {
        let _second = second.enter();
        let answer = info_span!("answer");
        propagation::extract(&headers).unwrap().adopt(&answer);
        propagation::inject_span(&answer, &mut other);
        answer.in_scope(|| tracing::info!("answered"));

        let deliver = info_span!("deliver");
        propagation::set_parent(&deliver, &traceparent);
        deliver.in_scope(|| ());
        let batch = info_span!("batch");
        propagation::link(&batch, &traceparent);
        propagation::link(&batch, "nonsense");
        batch.in_scope(|| ());
        tracing::info_span!(target: "h2::client", "frame").in_scope(|| ());
    }
    assert!(first.shutdown().await);
    assert!(second.shutdown().await);

    let (submit, call) = (receiver.span("submit"), receiver.span("call"));
    let (answer, deliver) = (receiver.span("answer"), receiver.span("deliver"));
    assert_eq!(call.parent_span_id, submit.span_id);
    assert_eq!(answer.parent_span_id, call.span_id);
    assert_eq!(deliver.parent_span_id, submit.span_id);
    let traces: HashSet<_> = [&submit, &call, &answer, &deliver]
        .iter()
        .map(|span| span.trace_id.clone())
        .collect();
    assert_eq!(traces.len(), 1);
    assert_eq!(answer.events.len(), 1);
    assert_ne!(headers, other);
    assert_eq!(headers.len(), 1, "no empty tracestate is sent");

    let batch = receiver.span("batch");
    assert_ne!(batch.trace_id, submit.trace_id);
    assert_eq!(batch.links.len(), 1);
    assert_eq!(batch.links[0].span_id, submit.span_id);

    let spans = receiver.spans();
    assert!(
        spans.iter().all(|(_, span)| span.name != "frame"),
        "the transport is not traced"
    );
    let mut instances = HashSet::new();
    for (resource, span) in &spans {
        let service = if ["submit", "call"].contains(&span.name.as_str()) {
            "first"
        } else {
            "second"
        };
        assert_eq!(
            attribute(&resource.attributes, "service.name"),
            Some(service)
        );
        assert_eq!(
            attribute(&resource.attributes, "service.version"),
            Some("1.2.3")
        );
        instances.insert(
            attribute(&resource.attributes, "service.instance.id")
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!(instances.len(), 2);
}

#[tokio::test]
async fn a_trace_that_was_not_sampled_elsewhere_is_not_exported_here() {
    let (receiver, collector) = Receiver::listen().await;
    let telemetry = Telemetry::build("sampled", "0", &settings(collector)).unwrap();
    let entered = telemetry.enter();
    for (name, flag) in [("yes", "01"), ("no", "00")] {
        let span = tracing::info_span!("work", otel.name = name);
        let parent = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flag}");
        propagation::set_parent(&span, &parent);
        span.in_scope(|| ());
    }
    drop(entered);
    assert!(telemetry.shutdown().await);
    let names: Vec<_> = receiver
        .spans()
        .into_iter()
        .map(|(_, span)| span.name)
        .collect();
    assert_eq!(names, ["yes"]);
}

#[tokio::test]
async fn metrics_arrive_with_their_attributes() {
    let (receiver, collector) = Receiver::listen().await;
    let telemetry = Telemetry::build("measured", "0", &settings(collector)).unwrap();
    let instruments = telemetry.instruments().clone();
    assert!(instruments.is_recording());
    let method = "liaison.intake.v1.IntakeService/SubmitReferral";
    let in_flight = instruments.in_flight(Side::Server, method);
    instruments.rpc(Side::Server, method, "OK", Duration::from_millis(3));
    instruments.rpc(
        Side::Client,
        method,
        "UNAVAILABLE",
        Duration::from_millis(9),
    );
    instruments.refused(method, "RATE_LIMITED");
    instruments.outbox("classification", 7, 1, Duration::from_secs(2));
    instruments.outbox_outcome("classification", "delivered", 5);
    instruments.batch("intake.submit", 64, Duration::from_millis(4));
    instruments.certificate("own", "service/intake", -7);
    instruments.audit(3, Some(Duration::from_millis(1_500)));
    instruments
        .counter("liaison.test.counted", "for this test")
        .add(2, &[("state", "ok")]);
    assert!(telemetry.shutdown().await);
    drop(in_flight);

    let metrics = receiver.metrics();
    let names: HashSet<_> = metrics
        .iter()
        .map(|(_, metric)| metric.name.as_str())
        .collect();
    for name in [
        "rpc.server.call.duration",
        "rpc.client.call.duration",
        "liaison.rpc.server.in_flight",
        "liaison.rpc.server.refused",
        "liaison.outbox.depth",
        "liaison.outbox.oldest",
        "liaison.outbox.outcomes",
        "liaison.batch.size",
        "liaison.batch.duration",
        "liaison.certificate.remaining",
        "liaison.audit.unsealed",
        "liaison.audit.checkpoint.age",
        "liaison.test.counted",
    ] {
        assert!(names.contains(name), "{name} is missing from {names:?}");
    }
    let (resource, duration) = metrics
        .iter()
        .find(|(_, metric)| metric.name == "rpc.server.call.duration")
        .unwrap();
    assert_eq!(
        attribute(&resource.attributes, "service.name"),
        Some("measured")
    );
    let Some(Data::Histogram(histogram)) = &duration.data else {
        panic!("a histogram")
    };
    let point = &histogram.data_points[0];
    assert_eq!(point.count, 1);
    assert_eq!(attribute(&point.attributes, "rpc.method"), Some(method));
    assert_eq!(
        attribute(&point.attributes, "rpc.response.status_code"),
        Some("OK")
    );
}

/// The threads of a service's own runtime, blocking ones included, carry its dispatch.
#[test]
fn a_runtime_carries_its_own_dispatch() {
    let test = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    let test = test.unwrap();
    let (receiver, collector) = test.block_on(Receiver::listen());
    let telemetry = Telemetry::build("threads", "0", &settings(collector)).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(telemetry.on_thread())
        .build()
        .unwrap();
    runtime.block_on(async {
        let task = tokio::spawn(async { info_span!("worker").in_scope(|| ()) });
        let blocking = tokio::task::spawn_blocking(|| info_span!("blocking").in_scope(|| ()));
        task.await.unwrap();
        blocking.await.unwrap();
    });
    drop(runtime);
    assert!(test.block_on(telemetry.shutdown()));
    receiver.span("worker");
    receiver.span("blocking");
}

/// A collector that accepts and never answers must not hold the exit beyond the bound.
#[tokio::test]
async fn shutdown_is_bounded_when_the_collector_hangs() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = settings(silent.local_addr().unwrap());
    settings.flush_timeout = Duration::from_millis(300);
    let telemetry = Telemetry::build("patient", "0", &settings).unwrap();
    telemetry.instruments().batch("lost", 1, Duration::ZERO);
    {
        let _entered = telemetry.enter();
        info_span!("lost").in_scope(|| ());
    }
    let begun = Instant::now();
    assert!(!telemetry.shutdown().await);
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    drop(silent);
}

#[tokio::test]
async fn shutdown_succeeds_without_anything_to_say_and_drop_does_not_block() {
    // A port that was free a moment ago: nobody listens.
    let address = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let telemetry = Telemetry::build("brief", "0", &settings(address)).unwrap();
    assert!(
        telemetry.shutdown().await,
        "nothing was recorded, nothing is missing"
    );

    let telemetry = Telemetry::build("dropped", "0", &settings(address)).unwrap();
    telemetry.instruments().batch("lost", 1, Duration::ZERO);
    let begun = Instant::now();
    drop(telemetry);
    assert!(
        begun.elapsed() < Duration::from_millis(500),
        "{:?}",
        begun.elapsed()
    );
}
