//! Limits, what counts against them, and the order in which they refuse.

use std::time::Duration;

use futures::StreamExt as _;
use liaison_grpc::{Failure, Limits};
use liaison_proto::event::DeliverEventsRequest;
use liaison_proto::notification::{
    ListNotificationsRequest, StreamNotificationsRequest, StreamNotificationsResponse,
};
use liaison_types::Reason;
use tonic::{Code, Status};

use crate::kit::{Fake, Gate, World, inbox, notifications, within};

#[track_caller]
fn assert_busy(status: &Status, reason: Reason) {
    let failure = Failure::read(status);
    assert_eq!(
        (status.code(), failure.reason()),
        (Code::ResourceExhausted, Some(reason))
    );
    assert!(
        failure
            .retry_after
            .is_some_and(|after| after > Duration::ZERO)
    );
}

#[tokio::test]
async fn a_full_server_refuses_at_once_and_keeps_room_for_those_who_wait() {
    let world = World::new();
    let gate = Gate::default();
    let handler = gate.clone();
    let fake = Fake::default().deliver(move |_| handler.clone().pass());
    let limits = Limits {
        calls: 1,
        long_polls: 1,
        streams: 1,
        ..Limits::default()
    };
    let server = world.serve(&limits, fake).await;
    let channel = world.channel("bureau/NB-FR", server.address);

    let mut first = inbox(channel.clone());
    let busy =
        tokio::spawn(async move { first.deliver_events(DeliverEventsRequest::default()).await });
    gate.begun().await;

    let refused = inbox(channel.clone())
        .deliver_events(DeliverEventsRequest::default())
        .await;
    assert_busy(&refused.unwrap_err(), Reason::Overloaded);
    // Shedding comes before authentication: nothing is spent on who calls.
    let unit = world.channel("unit/cyber", server.address);
    let refused = inbox(unit)
        .deliver_events(DeliverEventsRequest::default())
        .await;
    assert_busy(&refused.unwrap_err(), Reason::Overloaded);
    // Long polls and streams have room of their own.
    let mut others = notifications(channel.clone());
    others
        .list_notifications(ListNotificationsRequest::default())
        .await
        .unwrap();
    others
        .stream_notifications(StreamNotificationsRequest::default())
        .await
        .unwrap();

    gate.open();
    within(busy).await.unwrap().unwrap();
    gate.open();
    inbox(channel)
        .deliver_events(DeliverEventsRequest::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_stream_holds_its_place_until_it_ends() {
    let world = World::new();
    let fake = Fake::default().stream(|_| {
        let first = futures::stream::iter([Ok(StreamNotificationsResponse::default())]);
        first.chain(futures::stream::pending())
    });
    let limits = Limits {
        streams: 1,
        ..Limits::default()
    };
    let server = world.serve(&limits, fake).await;
    let mut client = notifications(world.channel("bureau/NB-FR", server.address));

    let request = StreamNotificationsRequest::default;
    let mut open = client
        .stream_notifications(request())
        .await
        .unwrap()
        .into_inner();
    assert!(open.message().await.unwrap().is_some());
    let refused = client.stream_notifications(request()).await;
    assert_busy(&refused.map(|_| ()).unwrap_err(), Reason::Overloaded);

    drop(open);
    // The server learns of it when the reset arrives.
    within(async { while client.stream_notifications(request()).await.is_err() {} }).await;
}

#[tokio::test]
async fn a_party_over_its_rate_is_refused_and_no_other() {
    let world = World::new();
    let limits = Limits {
        party_rate: 1,
        party_burst: 3,
        ..Limits::default()
    };
    let server = world.serve(&limits, Fake::default()).await;
    let request = DeliverEventsRequest::default;

    let mut france = inbox(world.channel("bureau/NB-FR", server.address));
    for _ in 0..3 {
        france.deliver_events(request()).await.unwrap();
    }
    let refused = france.deliver_events(request()).await.unwrap_err();
    assert_busy(&refused, Reason::RateLimited);
    assert!(Failure::read(&refused).retry_after.unwrap() <= Duration::from_secs(1));

    inbox(world.channel("bureau/NB-ES", server.address))
        .deliver_events(request())
        .await
        .unwrap();
    let mut service = inbox(world.channel("service/intake", server.address));
    for _ in 0..10 {
        service.deliver_events(request()).await.unwrap();
    }

    // What a party may not call costs it nothing: authentication comes before the rate.
    let unit = world.channel("unit/cyber", server.address);
    for _ in 0..5 {
        let denied = inbox(unit.clone())
            .deliver_events(request())
            .await
            .unwrap_err();
        assert_eq!(denied.code(), Code::PermissionDenied);
    }
    let list = ListNotificationsRequest::default();
    notifications(unit).list_notifications(list).await.unwrap();
}

#[tokio::test]
async fn a_call_that_its_caller_leaves_gives_its_place_back() {
    let world = World::new();
    let gate = Gate::default();
    let handler = gate.clone();
    let fake = Fake::default().deliver(move |caller| {
        let gate = handler.clone();
        async move {
            if caller.officer().is_some() {
                gate.pass().await
            } else {
                Ok(())
            }
        }
    });
    let limits = Limits {
        calls: 1,
        ..Limits::default()
    };
    let server = world.serve(&limits, fake).await;
    let channel = world.channel("bureau/NB-FR", server.address);
    let request = DeliverEventsRequest::default;

    let mut waiting = inbox(channel.clone().with_officer("waits").unwrap());
    {
        let mut call = Box::pin(waiting.deliver_events(request()));
        tokio::select! {
            answer = &mut call => panic!("{answer:?}"),
            () = gate.begun() => {}
        }
    }
    // The server learns of it when the reset arrives.
    let mut client = inbox(channel);
    within(async { while client.deliver_events(request()).await.is_err() {} }).await;
}
