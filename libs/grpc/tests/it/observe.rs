//! What is observed of each call, and that everything is.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use liaison_grpc::{Channel, ClientSettings, Limits, from_status};
use liaison_proto::event::DeliverEventsRequest;
use liaison_proto::event::event_inbox_service_client::EventInboxServiceClient;
use liaison_proto::notification::{StreamNotificationsRequest, StreamNotificationsResponse};
use liaison_telemetry::{Instruments, Telemetry, TelemetrySettings, propagation};
use liaison_types::ErrorKind;
use tonic::body::Body;
use tonic::{Request, Status};

use crate::kit::{Fake, Gate, World, inbox, methods, notifications, within};

/// Log lines of the thread that holds the guard.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn capture() -> (Self, tracing::subscriber::DefaultGuard) {
        let lines = Self::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        (lines, tracing::subscriber::set_default(subscriber))
    }

    fn all(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// What was told of calls from their callers' side.
    fn client_lines(&self) -> Vec<String> {
        let mut lines = self.all();
        lines.retain(|line| line.contains("side=Client"));
        lines
    }

    /// Waits for the server's line with `code`: a call is over for its caller a moment before it is
    /// over for the server.
    async fn server_line(&self, code: &str) -> String {
        let wanted = format!("code=\"{code}\"");
        let server = |line: &&String| line.contains(&wanted) && !line.contains("side=Client");
        within(async {
            loop {
                if let Some(line) = self.all().iter().find(server) {
                    return line.clone();
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }
}

#[tokio::test]
async fn every_end_of_a_call_is_seen() {
    let (lines, _guard) = Lines::capture();
    let world = World::new();
    let gate = Gate::default();
    let handler = gate.clone();
    let fake = Fake::default()
        .deliver(move |caller| {
            let gate = handler.clone();
            async move {
                match caller.officer() {
                    Some("panics") => panic!("here"),
                    Some("waits") => gate.pass().await,
                    _ => Ok(()),
                }
            }
        })
        .stream(|_| futures::stream::iter([Err(tonic::Status::aborted("x"))]));
    let server = world.serve(&Limits::default(), fake).await;
    let channel = world.channel("bureau/NB-FR", server.address);
    let request = DeliverEventsRequest::default;

    inbox(channel.clone())
        .deliver_events(request())
        .await
        .unwrap();
    let line = lines.server_line("OK").await;
    assert!(
        line.contains("liaison.event.v1.EventInboxService/DeliverEvents"),
        "{line}"
    );
    assert!(line.contains("DEBUG") && line.contains("took="), "{line}");

    let unit = world.channel("unit/cyber", server.address);
    inbox(unit).deliver_events(request()).await.unwrap_err();
    let line = lines.server_line("PERMISSION_DENIED").await;
    assert!(
        line.contains("DEBUG"),
        "what callers do wrong is not loud: {line}"
    );

    let panics = channel.clone().with_officer("panics").unwrap();
    inbox(panics).deliver_events(request()).await.unwrap_err();
    let line = lines.server_line("INTERNAL").await;
    assert!(line.contains("WARN"), "{line}");

    // The status of a stream stands in its trailers.
    let stream = StreamNotificationsRequest::default();
    let mut stream = notifications(channel.clone())
        .stream_notifications(stream)
        .await
        .unwrap()
        .into_inner();
    stream.message().await.unwrap_err();
    lines.server_line("ABORTED").await;

    let mut client = inbox(channel.with_officer("waits").unwrap());
    let mut left = Box::pin(client.deliver_events(request()));
    tokio::select! {
        answer = &mut left => panic!("{answer:?}"),
        () = gate.begun() => {}
    }
    drop(left);
    lines.server_line("CANCELLED").await;

    let all = lines.all().join("\n");
    assert!(
        !all.contains("badge") && !all.contains("bureau/NB-FR"),
        "nobody is named: {all}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_runs_out_of_time_at_its_caller_is_told_as_such() {
    let (lines, _guard) = Lines::capture();
    // Nothing but the caller's own timer can end this call.
    let silent = tower::service_fn(|_: http::Request<Body>| {
        std::future::pending::<Result<http::Response<Body>, Status>>()
    });
    let settings = ClientSettings::default();
    let channel = Channel::over(silent, &settings, &methods(), &Instruments::none());
    let status = EventInboxServiceClient::new(channel)
        .deliver_events(DeliverEventsRequest::default())
        .await
        .unwrap_err();
    assert_eq!(from_status(status).kind(), ErrorKind::DeadlineExceeded);
    let told = lines.client_lines();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("code=\"DEADLINE_EXCEEDED\""), "{told:?}");
    assert!(
        told[0].contains("liaison.event.v1.EventInboxService/DeliverEvents"),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_stream_that_its_caller_leaves_is_cancelled() {
    let (lines, _guard) = Lines::capture();
    let world = World::new();
    let fake = Fake::default().stream(|_| {
        let first = futures::stream::iter([Ok(StreamNotificationsResponse::default())]);
        first.chain(futures::stream::pending())
    });
    let server = world.serve(&Limits::default(), fake).await;
    let mut client = notifications(world.channel("bureau/NB-FR", server.address));
    let stream = client
        .stream_notifications(StreamNotificationsRequest::default())
        .await;
    let mut stream = stream.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    drop(stream);
    let line = lines.server_line("CANCELLED").await;
    assert!(line.contains("StreamNotifications"), "{line}");
}

#[tokio::test]
async fn a_trace_goes_from_the_callers_span_into_the_handler() {
    let settings = TelemetrySettings {
        // Nobody listens there: what counts is the context and not its export.
        endpoint: Some("http://127.0.0.1:1".to_owned()),
        flush_timeout: Duration::from_millis(1),
        ..TelemetrySettings::default()
    };
    let telemetry = Telemetry::build_to("fake", "0", &settings, io::sink, false).unwrap();
    let _guard = telemetry.enter();
    let world = World::new();
    let (seen, mut traces) = tokio::sync::mpsc::unbounded_channel();
    let fake = Fake::default().deliver(move |_| {
        let seen = seen.clone();
        async move {
            seen.send(propagation::current_traceparent()).unwrap();
            Ok(())
        }
    });
    let server = world.serve(&Limits::default(), fake).await;

    let trace = "0af7651916cd43dd8448eb211c80319c";
    let span = tracing::info_span!("outer");
    propagation::set_parent(&span, &format!("00-{trace}-b7ad6b7169203331-01"));
    let mut client = inbox(world.channel("service/intake", server.address));
    let call = client.deliver_events(Request::new(DeliverEventsRequest::default()));
    tracing::Instrument::instrument(call, span).await.unwrap();
    let inside = traces
        .recv()
        .await
        .unwrap()
        .expect("the handler runs in a span");
    assert!(
        inside.contains(trace) && !inside.contains("b7ad6b7169203331"),
        "{inside}"
    );
    drop(server);
    telemetry.shutdown().await;
}
