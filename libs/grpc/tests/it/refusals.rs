//! Every refusal is a status with a reason, whoever makes it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use liaison_grpc::{Channel, Failure, Limits};
use liaison_proto::event::DeliverEventsRequest;
use liaison_proto::notification::{StreamNotificationsRequest, StreamNotificationsResponse};
use liaison_types::{
    Clock as _, Error, Language, ManualClock, Party, Reason, Rule, SystemClock, Violation,
};
use tonic::body::Body;
use tonic::{Code, Request, Status};
use tower::{Service as _, ServiceExt as _};

use crate::kit::{DELIVER, Fake, LIST, World, inbox, notifications, within};

/// Sends `bytes` as the message of a call to `path`.
async fn raw(mut channel: Channel, path: &str, bytes: &[u8], headers: &[(&str, &str)]) -> Status {
    let mut frame = vec![0];
    frame.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_be_bytes());
    frame.extend_from_slice(bytes);
    let mut request = http::Request::post(format!("https://fake{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .body(Body::new(Full::new(Bytes::from(frame))))
        .unwrap();
    let response = within(channel.ready().await.unwrap().call(request))
        .await
        .unwrap();
    let (head, body) = response.into_parts();
    let trailers = body
        .collect()
        .await
        .ok()
        .and_then(|body| body.trailers().cloned());
    Status::from_header_map(&head.headers)
        .or_else(|| Status::from_header_map(&trailers.unwrap_or_default()))
        .expect("every answer has a status")
}

#[track_caller]
fn assert_refused(status: &Status, code: Code, reason: Reason) {
    let failure = Failure::read(status);
    assert_eq!(
        (status.code(), failure.reason()),
        (code, Some(reason)),
        "{status:?}"
    );
}

#[tokio::test]
async fn what_tonic_refuses_itself_has_a_reason() {
    let world = World::new();
    let server = world.serve(&Limits::default(), Fake::default()).await;
    let channel = world
        .channel("bureau/NB-FR", server.address)
        .with_language(Language::Fr);

    let malformed = raw(channel.clone(), DELIVER, &[0xff; 7], &[]).await;
    assert_refused(&malformed, Code::InvalidArgument, Reason::MalformedMessage);
    assert_eq!(
        Failure::read(&malformed).localized.as_deref(),
        Some(Reason::MalformedMessage.text(Language::Fr))
    );

    let large = raw(channel.clone(), DELIVER, &vec![0; 5 << 20], &[]).await;
    assert_refused(&large, Code::ResourceExhausted, Reason::MessageTooLarge);

    let packed = raw(channel.clone(), DELIVER, &[], &[("grpc-encoding", "gzip")]).await;
    assert_refused(&packed, Code::Unimplemented, Reason::MalformedMessage);

    let nowhere = raw(channel.clone(), "/no.such.Service/Method", &[], &[]).await;
    assert_refused(&nowhere, Code::Unimplemented, Reason::MethodNotFound);

    // The connection has survived all of it.
    inbox(channel)
        .deliver_events(DeliverEventsRequest::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn who_may_not_is_refused_before_anything_is_read() {
    let world = World::new();
    let fake = Fake::default().deliver(|_| async { panic!("never called") });
    let server = world.serve(&Limits::default(), fake).await;
    let unit = world.channel("unit/cyber", server.address);

    let garbage = raw(unit.clone(), DELIVER, &[0xff; 7], &[]).await;
    assert_refused(&garbage, Code::PermissionDenied, Reason::CallerNotAllowed);
    let unknown = raw(
        unit,
        "/liaison.event.v1.EventInboxService/DropAll",
        &[],
        &[],
    )
    .await;
    assert_refused(&unknown, Code::PermissionDenied, Reason::CallerNotAllowed);
}

#[tokio::test]
async fn an_officer_that_is_no_name_is_refused() {
    let world = World::new();
    let server = world.serve(&Limits::default(), Fake::default()).await;
    let channel = world.channel("bureau/NB-FR", server.address);
    for headers in [
        &[("liaison-officer", "two words")][..],
        &[("liaison-officer", "a"), ("liaison-officer", "b")],
        &[("liaison-officer", "")],
    ] {
        let status = raw(channel.clone(), DELIVER, &[], headers).await;
        assert_refused(&status, Code::InvalidArgument, Reason::InvalidArgument);
        assert_eq!(Failure::read(&status).violations[0].0, "liaison-officer");
    }
    assert!(channel.with_officer("two words").is_err());
}

#[tokio::test]
async fn only_parties_with_people_vouch_for_an_officer() {
    let world = World::new();
    let fake = Fake::default().list(|caller| async move {
        assert_eq!(caller.officer(), Some("a.first"));
        Ok(())
    });
    let server = world.serve(&Limits::default(), fake).await;
    let named = [("liaison-officer", "a.first")];
    for party in ["bureau/NB-FR", "unit/cyber"] {
        let channel = world.channel(party, server.address);
        let status = raw(channel, LIST, &[], &named).await;
        assert_eq!(status.code(), Code::Ok, "{party}: {status:?}");
    }
    // Whether the name is one is not even looked at, nor is the message.
    let service = world.channel("service/intake", server.address);
    for value in ["a.first", "two words", ""] {
        let status = raw(
            service.clone(),
            DELIVER,
            &[0xff],
            &[("liaison-officer", value)],
        )
        .await;
        assert_refused(&status, Code::PermissionDenied, Reason::CallerNotAllowed);
        let failure = Failure::read(&status);
        assert!(failure.violations.is_empty(), "{failure:?}");
        let field = ("field".to_owned(), "liaison-officer".to_owned());
        assert!(failure.metadata.contains(&field), "{failure:?}");
        assert!(failure.message.contains("vouches"), "{failure:?}");
    }
    // May it not call at all, that is what it hears.
    let unit = world.channel("unit/cyber", server.address);
    let status = raw(unit, DELIVER, &[], &[("liaison-officer", "two words")]).await;
    assert_refused(&status, Code::PermissionDenied, Reason::CallerNotAllowed);
    assert!(!Failure::read(&status).message.contains("vouches"));
}

#[tokio::test]
async fn a_certificate_that_ends_ends_its_connections_calls() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let world = World::at(clock.clone());
    let server = world.serve(&Limits::default(), Fake::default()).await;
    let mut client = inbox(world.channel("bureau/NB-FR", server.address));
    client
        .deliver_events(DeliverEventsRequest::default())
        .await
        .unwrap();

    clock.advance(Duration::from_hours(2));
    let status = client
        .deliver_events(DeliverEventsRequest::default())
        .await
        .unwrap_err();
    assert_refused(&status, Code::Unauthenticated, Reason::CertificateInvalid);
}

#[tokio::test]
async fn a_panic_is_an_answer_and_spares_the_connection() {
    let world = World::new();
    let fake = Fake::default()
        .deliver(|_| async { panic!("the secret of the handler") })
        .stream(|_| {
            let first = futures::stream::iter([Ok(StreamNotificationsResponse::default())]);
            first.chain(futures::stream::once(async {
                // What is ready together travels together: let the first one go.
                tokio::task::yield_now().await;
                panic!("the secret of the stream")
            }))
        });
    let server = world.serve(&Limits::default(), fake).await;
    let channel = world.channel("bureau/NB-FR", server.address);

    for _ in 0..2 {
        let status = inbox(channel.clone())
            .deliver_events(DeliverEventsRequest::default())
            .await;
        let status = status.unwrap_err();
        assert_refused(&status, Code::Internal, Reason::Internal);
        assert!(!status.message().contains("secret"));
    }
    let request = StreamNotificationsRequest::default();
    let stream = notifications(channel).stream_notifications(request).await;
    let mut stream = stream.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    let status = stream.message().await.unwrap_err();
    assert_refused(&status, Code::Internal, Reason::Internal);
}

#[tokio::test]
async fn all_violations_arrive_in_the_callers_language() {
    let world = World::new();
    let fake = Fake::default().deliver(|caller| async move {
        let violations = (0..40)
            .map(|i| Violation::new(format!("events[{i}].id"), Rule::Required))
            .collect();
        Err(caller.status(&Error::invalid(violations)))
    });
    let server = world.serve(&Limits::default(), fake).await;
    let channel = world
        .channel("bureau/NB-FR", server.address)
        .with_language(Language::En);
    let request = DeliverEventsRequest::default();
    let status = inbox(channel).deliver_events(request).await.unwrap_err();
    assert_refused(&status, Code::InvalidArgument, Reason::InvalidArgument);
    let failure = Failure::read(&status);
    assert_eq!(failure.violations.len(), 32);
    assert_eq!(
        failure.metadata,
        [("violations_omitted".to_owned(), "8".to_owned())]
    );

    let channel = world
        .channel("bureau/NB-FR", server.address)
        .with_language(Language::Ar);
    let request = DeliverEventsRequest::default();
    let status = inbox(channel).deliver_events(request).await.unwrap_err();
    assert_eq!(
        Failure::read(&status).violations[0].1,
        Rule::Required.text(Language::Ar)
    );
}

#[tokio::test]
async fn a_slow_handler_ends_at_the_servers_limit() {
    let world = World::new();
    let fake = Fake::default().deliver(|_| std::future::pending());
    let limits = Limits {
        call_timeout: Duration::from_millis(30),
        ..Limits::default()
    };
    let server = world.serve(&limits, fake).await;
    let mut client = inbox(world.channel("bureau/NB-FR", server.address));
    let status = within(client.deliver_events(DeliverEventsRequest::default()))
        .await
        .unwrap_err();
    assert_refused(&status, Code::DeadlineExceeded, Reason::DeadlineExceeded);
}

#[tokio::test]
async fn the_callers_own_limit_is_answered_and_not_cut() {
    let world = World::new();
    let fake = Fake::default().deliver(|_| std::future::pending());
    let server = world.serve(&Limits::default(), fake).await;
    // A client that keeps no time itself, to see what the server says.
    let connector = world
        .identity("bureau/NB-FR")
        .connector(Party::service("fake"));
    let stream = connector
        .connect("127.0.0.1", server.address.port())
        .await
        .unwrap();
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    for _ in 0..10 {
        let request = http::Request::post(format!("https://fake{DELIVER}"))
            .header("content-type", "application/grpc")
            .header("grpc-timeout", "40m")
            .body(Full::new(Bytes::from_static(&[0; 5])))
            .unwrap();
        let response = within(client.send_request(request)).await.unwrap();
        let status = Status::from_header_map(response.headers()).unwrap();
        assert_refused(&status, Code::DeadlineExceeded, Reason::DeadlineExceeded);
    }
}

#[tokio::test]
async fn a_stream_ends_at_its_callers_deadline() {
    let world = World::new();
    let fake = Fake::default().stream(|_| {
        let first = futures::stream::iter([Ok(StreamNotificationsResponse::default())]);
        first.chain(futures::stream::pending())
    });
    let server = world.serve(&Limits::default(), fake).await;
    let channel = world.channel("bureau/NB-FR", server.address);
    let mut request = Request::new(StreamNotificationsRequest::default());
    request.set_timeout(Duration::from_secs(1));
    let stream = notifications(channel).stream_notifications(request).await;
    let mut stream = stream.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    let status = within(stream.message()).await.unwrap_err();
    assert_refused(&status, Code::DeadlineExceeded, Reason::DeadlineExceeded);
}
