//! The client's side: deadlines, lost servers, wrong servers.

use std::time::Duration;

use liaison_grpc::{ClientSettings, Limits, client, from_status};
use liaison_proto::event::DeliverEventsRequest;
use liaison_proto::event::event_inbox_service_client::EventInboxServiceClient;
use liaison_telemetry::Instruments;
use liaison_types::{ErrorKind, Party, Reason};
use tokio::net::TcpListener;
use tonic::Code;

use crate::kit::{Fake, World, inbox, methods, within};

#[tokio::test]
async fn a_server_that_never_answers_the_handshake_costs_no_more_than_the_deadline() {
    let world = World::new();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = ClientSettings {
        connect_timeout: Duration::from_secs(60),
        call_timeout: Duration::from_millis(50),
        ..ClientSettings::default()
    };
    let channel = world.channel_with("service/intake", silent.local_addr().unwrap(), &settings);
    let status = within(inbox(channel).deliver_events(DeliverEventsRequest::default())).await;
    let error = from_status(status.unwrap_err());
    assert_eq!(
        (error.kind(), error.reason()),
        (ErrorKind::DeadlineExceeded, Reason::DeadlineExceeded)
    );
}

#[tokio::test]
async fn connecting_has_a_limit_of_its_own() {
    let world = World::new();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = ClientSettings {
        connect_timeout: Duration::from_millis(50),
        ..ClientSettings::default()
    };
    let channel = world.channel_with("service/intake", silent.local_addr().unwrap(), &settings);
    let status = within(inbox(channel).deliver_events(DeliverEventsRequest::default())).await;
    assert_eq!(
        from_status(status.unwrap_err()).kind(),
        ErrorKind::Unavailable
    );
}

#[tokio::test]
async fn a_channel_finds_its_server_again() {
    let world = World::new();
    let first = world.serve(&Limits::default(), Fake::default()).await;
    let address = first.address;
    let mut client = inbox(world.channel("service/intake", address));
    client
        .deliver_events(DeliverEventsRequest::default())
        .await
        .unwrap();

    first.soft.cancel();
    drop(first);
    let request = DeliverEventsRequest::default;
    within(async {
        // The listener closes a moment after the signal.
        while client.deliver_events(request()).await.is_ok() {}
    })
    .await;
    let error = from_status(client.deliver_events(request()).await.unwrap_err());
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Unavailable, true)
    );

    let _second = world
        .serve_on(address, &Limits::default(), Fake::default())
        .await;
    within(async { while client.deliver_events(request()).await.is_err() {} }).await;
}

#[tokio::test]
async fn another_service_at_the_address_is_not_called() {
    let world = World::new();
    let fake = Fake::default().deliver(|_| async { panic!("never called") });
    let server = world.serve(&Limits::default(), fake).await;
    let connector = world
        .identity("service/intake")
        .connector(Party::service("routing"));
    let uri = format!("https://{}", server.address);
    let channel = client::connect(
        &uri,
        connector,
        &ClientSettings::default(),
        &methods(),
        &Instruments::none(),
    );
    let mut client = inbox(channel.unwrap());
    let status = client
        .deliver_events(DeliverEventsRequest::default())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
}

#[tokio::test]
async fn strangers_are_not_let_in() {
    let (world, elsewhere) = (World::new(), World::new());
    let fake = Fake::default().deliver(|_| async { panic!("never called") });
    let server = world.serve(&Limits::default(), fake).await;
    let mut stranger = inbox(elsewhere.channel("service/intake", server.address));
    let status = within(stranger.deliver_events(DeliverEventsRequest::default())).await;
    assert_eq!(
        from_status(status.unwrap_err()).kind(),
        ErrorKind::Unavailable
    );

    // Nor somebody without any TLS; and none of it stops the server.
    let plain = tonic::transport::Endpoint::from_shared(format!("http://{}", server.address));
    let mut plain = EventInboxServiceClient::new(plain.unwrap().connect_lazy());
    within(plain.deliver_events(DeliverEventsRequest::default()))
        .await
        .unwrap_err();
    assert!(!server.ended.is_finished());
}

#[tokio::test]
async fn addresses_of_another_form_are_settings_errors() {
    let world = World::new();
    let connector = world
        .identity("service/intake")
        .connector(Party::service("fake"));
    let error = client::connect(
        "http://fake:1",
        connector,
        &ClientSettings::default(),
        &methods(),
        &Instruments::none(),
    )
    .unwrap_err();
    assert_eq!(error.reason(), Reason::SettingInvalid);
}
