//! What reaches a handler, and what comes back, also without a socket.

use std::time::Duration;

use liaison_grpc::{Caller, Limits};
use liaison_proto::event::DeliverEventsRequest;
use liaison_types::{Language, Party};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::Request;

use crate::kit::{Fake, World, inbox, notifications, within};

fn reporting() -> (Fake, mpsc::UnboundedReceiver<Caller>) {
    let (seen, callers) = mpsc::unbounded_channel();
    let also = seen.clone();
    let fake = Fake::default()
        .deliver(move |caller| {
            seen.send(caller).unwrap();
            async { Ok(()) }
        })
        .list(move |caller| {
            also.send(caller).unwrap();
            async { Ok(()) }
        });
    (fake, callers)
}

#[tokio::test]
async fn the_handler_knows_who_calls() {
    let world = World::new();
    let (fake, mut callers) = reporting();
    let server = world.serve(&Limits::default(), fake).await;

    let channel = world.channel("bureau/NB-FR", server.address);
    inbox(channel.clone())
        .deliver_events(DeliverEventsRequest::default())
        .await
        .unwrap();
    let caller = callers.recv().await.unwrap();
    assert_eq!(caller.party(), &"bureau/NB-FR".parse::<Party>().unwrap());
    assert_eq!((caller.officer(), caller.language()), (None, Language::En));

    let named = channel
        .with_officer("badge-17")
        .unwrap()
        .with_language(Language::Ar);
    inbox(named.clone())
        .deliver_events(DeliverEventsRequest::default())
        .await
        .unwrap();
    let caller = callers.recv().await.unwrap();
    assert_eq!(
        (caller.officer(), caller.language()),
        (Some("badge-17"), Language::Ar)
    );

    // What a single call says holds over what the channel says.
    let mut request = Request::new(DeliverEventsRequest::default());
    request
        .metadata_mut()
        .insert("liaison-officer", "badge-18".parse().unwrap());
    request
        .metadata_mut()
        .insert("accept-language", "de, es-MX;q=0.8".parse().unwrap());
    inbox(named).deliver_events(request).await.unwrap();
    let caller = callers.recv().await.unwrap();
    assert_eq!(
        (caller.officer(), caller.language()),
        (Some("badge-18"), Language::Es)
    );
}

#[tokio::test]
async fn the_handler_knows_how_long_it_has() {
    let world = World::new();
    let (fake, mut callers) = reporting();
    let limits = Limits {
        long_poll_timeout: Duration::from_secs(40),
        ..Limits::default()
    };
    let server = world.serve(&limits, fake).await;
    let channel = world.channel("unit/cyber", server.address);

    let mut request = Request::new(Default::default());
    request.set_timeout(Duration::from_secs(5));
    notifications(channel.clone())
        .list_notifications(request)
        .await
        .unwrap();
    let left = callers.recv().await.unwrap().deadline().unwrap() - Instant::now();
    assert!(
        left <= Duration::from_secs(5) && left > Duration::from_secs(3),
        "{left:?}"
    );

    // The client's default for long polls is longer than what this server gives.
    notifications(channel)
        .list_notifications(Request::new(Default::default()))
        .await
        .unwrap();
    let left = callers.recv().await.unwrap().deadline().unwrap() - Instant::now();
    assert!(
        left <= Duration::from_secs(40) && left > Duration::from_secs(38),
        "{left:?}"
    );
}

#[tokio::test]
async fn the_same_stack_answers_within_the_process() {
    let (fake, mut callers) = reporting();
    let stack = liaison_grpc::stack(
        &crate::kit::methods(),
        &Limits::default(),
        None,
        &liaison_telemetry::Instruments::none(),
    );
    let api = fake.api(stack);
    let transport = api.in_process("bureau/NB-FR".parse().unwrap());
    let channel = liaison_grpc::Channel::over(
        transport,
        &liaison_grpc::ClientSettings::default(),
        &crate::kit::methods(),
        &liaison_telemetry::Instruments::none(),
    );
    let mut client =
        liaison_proto::event::event_inbox_service_client::EventInboxServiceClient::new(channel);
    within(client.deliver_events(DeliverEventsRequest::default()))
        .await
        .unwrap();
    assert_eq!(
        callers.recv().await.unwrap().party().to_string(),
        "bureau/NB-FR"
    );

    let mut denied = liaison_proto::event::event_inbox_service_client::EventInboxServiceClient::new(
        api.in_process("unit/cyber".parse().unwrap()),
    );
    let status = within(denied.deliver_events(DeliverEventsRequest::default()))
        .await
        .unwrap_err();
    assert_eq!(status.code(), tonic::Code::PermissionDenied);
}
