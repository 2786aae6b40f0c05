//! Sockets, handshakes, health, reflection, and the end of a server.

use std::time::Duration;

use liaison_grpc::{Limits, Probe, from_status, probe};
use liaison_proto::event::DeliverEventsRequest;
use liaison_proto::event::event_inbox_service_client::EventInboxServiceClient;
use liaison_types::ErrorKind;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb;

use crate::kit::{Fake, Gate, World, inbox, within};

const WAIT: Duration = Duration::from_secs(5);

#[tokio::test]
async fn health_without_tls_and_nothing_else() {
    let world = World::new();
    let server = world.serve(&Limits::default(), Fake::default()).await;
    let port = server.health_address;

    assert_eq!(probe(port, "", WAIT).await, Probe::Serving);
    assert_eq!(probe(port, "test.Ready", WAIT).await, Probe::NotServing);
    assert_eq!(
        probe(port, "no.such.Service", WAIT).await,
        Probe::NotServing
    );
    server.health.set_ready(true).await;
    assert_eq!(probe(port, "test.Ready", WAIT).await, Probe::Serving);
    server.health.set_ready(false).await;
    assert_eq!(probe(port, "test.Ready", WAIT).await, Probe::NotServing);
    assert_eq!(
        probe(([127, 0, 0, 1], 1).into(), "", WAIT).await,
        Probe::Unreachable
    );

    let plain = Endpoint::from_shared(format!("http://{port}"))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut client = EventInboxServiceClient::new(plain);
    let status = client
        .deliver_events(DeliverEventsRequest::default())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}

#[tokio::test]
async fn health_and_both_reflections_inside_tls_for_any_party() {
    let world = World::new();
    // Not even a full server sheds them.
    let limits = Limits {
        calls: 1,
        streams: 1,
        party_rate: 1,
        party_burst: 1,
        ..Limits::default()
    };
    let server = world.serve(&limits, Fake::default()).await;
    let channel = world.channel("auditor/court", server.address);

    let mut health = HealthClient::new(channel.clone());
    for _ in 0..3 {
        let answer = health.check(HealthCheckRequest::default()).await.unwrap();
        assert_eq!(answer.get_ref().status(), ServingStatus::Serving);
    }

    let v1 = {
        use pb::v1::server_reflection_request::MessageRequest;
        use pb::v1::server_reflection_response::MessageResponse;
        let request = pb::v1::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        };
        let mut client =
            pb::v1::server_reflection_client::ServerReflectionClient::new(channel.clone());
        let mut stream = client
            .server_reflection_info(tokio_stream::iter([request]))
            .await
            .unwrap()
            .into_inner();
        match stream
            .message()
            .await
            .unwrap()
            .unwrap()
            .message_response
            .unwrap()
        {
            MessageResponse::ListServicesResponse(list) => list
                .service
                .into_iter()
                .map(|service| service.name)
                .collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        }
    };
    let mut listed = v1;
    listed.sort_unstable();
    assert_eq!(
        listed,
        [
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
            "liaison.event.v1.EventInboxService",
            "liaison.notification.v1.NotificationService",
        ],
        "what answers here, and nothing else"
    );

    let request = pb::v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(
            pb::v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(
                "liaison.intake.v1.IntakeService".to_owned(),
            ),
        ),
    };
    let mut client = pb::v1alpha::server_reflection_client::ServerReflectionClient::new(channel);
    let mut stream = client
        .server_reflection_info(tokio_stream::iter([request]))
        .await
        .unwrap()
        .into_inner();
    let answer = stream
        .message()
        .await
        .unwrap()
        .unwrap()
        .message_response
        .unwrap();
    assert!(matches!(
        answer,
        pb::v1alpha::server_reflection_response::MessageResponse::FileDescriptorResponse(_)
    ));
}

#[tokio::test]
async fn idle_handshakes_delay_nobody_and_run_out() {
    let world = World::new();
    let limits = Limits {
        handshakes: 2,
        handshake_timeout: Duration::from_millis(300),
        ..Limits::default()
    };
    let server = world.serve(&limits, Fake::default()).await;
    let _idle = TcpStream::connect(server.address).await.unwrap();
    let mut client = inbox(world.channel("bureau/NB-FR", server.address));
    within(client.deliver_events(DeliverEventsRequest::default()))
        .await
        .unwrap();

    // Both places taken: they are free again after the handshake's time.
    let _idle = [
        TcpStream::connect(server.address).await.unwrap(),
        TcpStream::connect(server.address).await.unwrap(),
    ];
    let mut client = inbox(world.channel("bureau/NB-ES", server.address));
    within(client.deliver_events(DeliverEventsRequest::default()))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_connection_over_the_limit_waits_for_a_place() {
    let world = World::new();
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let server = world.serve(&limits, Fake::default()).await;
    let mut first = inbox(world.channel("bureau/NB-FR", server.address));
    first
        .deliver_events(DeliverEventsRequest::default())
        .await
        .unwrap();

    let mut second = inbox(world.channel("bureau/NB-ES", server.address));
    let mut waiting = Box::pin(second.deliver_events(DeliverEventsRequest::default()));
    // The first one goes on being served meanwhile.
    for _ in 0..20 {
        tokio::select! {
            biased;
            answer = &mut waiting => panic!("{answer:?}"),
            answer = first.deliver_events(DeliverEventsRequest::default()) => {
                answer.unwrap();
            }
        }
    }
    drop(first);
    within(waiting).await.unwrap();
}

#[tokio::test]
async fn a_soft_stop_lets_calls_finish_and_ends_watches() {
    let world = World::new();
    let gate = Gate::default();
    let handler = gate.clone();
    let fake = Fake::default().deliver(move |_| handler.clone().pass());
    let mut server = world.serve(&Limits::default(), fake).await;
    let channel = world.channel("bureau/NB-FR", server.address);

    let mut watch = HealthClient::new(channel.clone())
        .watch(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert!(watch.message().await.unwrap().is_some());
    let mut client = inbox(channel);
    let call = tokio::spawn(async move {
        client
            .deliver_events(DeliverEventsRequest::default())
            .await
            .map(|_| client)
    });
    gate.begun().await;

    server.soft.cancel();
    assert!(within(watch.message()).await.unwrap().is_none());
    // Probes are answered to the end, while the call goes on.
    assert_eq!(probe(server.health_address, "", WAIT).await, Probe::Serving);
    assert!(!server.ended.is_finished());
    gate.open();
    within(call).await.unwrap().unwrap();
    within(&mut server.ended).await.unwrap().unwrap();
    assert_eq!(
        probe(server.health_address, "", WAIT).await,
        Probe::Unreachable
    );
}

#[tokio::test]
async fn a_hard_stop_cuts_what_does_not_end() {
    let world = World::new();
    let gate = Gate::default();
    let handler = gate.clone();
    let fake = Fake::default().deliver(move |_| handler.clone().pass());
    let mut server = world.serve(&Limits::default(), fake).await;
    // Somebody who never says a word, and a call that never ends.
    let _silent = TcpStream::connect(server.address).await.unwrap();
    let mut client = inbox(world.channel("bureau/NB-FR", server.address));
    let call =
        tokio::spawn(async move { client.deliver_events(DeliverEventsRequest::default()).await });
    gate.begun().await;

    server.soft.cancel();
    server.hard.cancel();
    within(&mut server.ended).await.unwrap().unwrap();
    let status = within(call).await.unwrap().unwrap_err();
    assert_eq!(from_status(status).kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_port_in_use_is_an_early_error() {
    let world = World::new();
    let server = world.serve(&Limits::default(), Fake::default()).await;
    let settings = liaison_grpc::ServerSettings {
        listen: server.address,
        health_listen: ([127, 0, 0, 1], 0).into(),
        limits: Limits::default(),
    };
    let error = liaison_grpc::Listeners::bind(&settings).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains(&server.address.to_string()));
}

#[tokio::test]
async fn an_old_connection_is_replaced() {
    let world = World::new();
    let limits = Limits {
        connection_age: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = world.serve(&limits, Fake::default()).await;
    let mut client = inbox(world.channel("service/intake", server.address));
    let until = Instant::now() + Duration::from_millis(300);
    let mut calls = 0;
    while Instant::now() < until {
        calls += 1;
        let answer = client.deliver_events(DeliverEventsRequest::default()).await;
        // A call that meets the end of its connection was not sent, and says so. The next one has a
        // new connection.
        if let Err(status) = answer {
            assert_eq!(from_status(status).kind(), ErrorKind::Unavailable);
            client
                .deliver_events(DeliverEventsRequest::default())
                .await
                .unwrap();
        }
    }
    assert!(calls > 10);
}
