//! What one party may have, what it hears when it has that, and that nobody else notices.

use std::time::Duration;

use futures::StreamExt as _;
use liaison_grpc::{Failure, Limits, PartyLimits};
use liaison_proto::event::DeliverEventsRequest;
use liaison_proto::notification::{
    ListNotificationsRequest, StreamNotificationsRequest, StreamNotificationsResponse,
};
use liaison_types::Reason;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::kit::{Fake, Gate, World, inbox, notifications, within};

/// The refusal says which quota, whose and how much, and when to come again.
#[track_caller]
fn assert_over(status: &Status, quota: &str, party: &str, value: i64) {
    let failure = Failure::read(status);
    assert_eq!(
        (status.code(), failure.reason()),
        (Code::ResourceExhausted, Some(Reason::RateLimited)),
        "{status:?}"
    );
    assert!(
        failure
            .retry_after
            .is_some_and(|after| after > Duration::ZERO)
    );
    let details = status.get_error_details();
    let violation = &details.quota_failure().unwrap().violations[0];
    assert_eq!(
        (
            &*violation.quota_id,
            &*violation.subject,
            violation.quota_value
        ),
        (quota, &*format!("liaison://{party}"), value)
    );
}

#[tokio::test]
async fn a_party_at_its_calls_and_long_polls_is_refused_and_no_other_waits() {
    let world = World::new();
    let gate = Gate::default();
    let (handler, polls) = (gate.clone(), gate.clone());
    let fake = Fake::default()
        .deliver(move |caller| {
            let gate = handler.clone();
            async move {
                if caller.officer().is_some() {
                    gate.pass().await
                } else {
                    Ok(())
                }
            }
        })
        .list(move |caller| {
            let gate = polls.clone();
            async move {
                if caller.officer().is_some() {
                    gate.pass().await
                } else {
                    Ok(())
                }
            }
        });
    let limits = Limits {
        party_calls: 1,
        party_long_polls: 1,
        ..Limits::default()
    };
    let server = world.serve(&limits, fake).await;
    let france = world.channel("bureau/NB-FR", server.address);
    let waits = france.clone().with_officer("waits").unwrap();
    let request = DeliverEventsRequest::default;

    let mut first = inbox(waits.clone());
    let held = tokio::spawn(async move { first.deliver_events(request()).await });
    gate.begun().await;
    let refused = inbox(france.clone())
        .deliver_events(request())
        .await
        .unwrap_err();
    assert_over(&refused, "party_calls", "bureau/NB-FR", 1);
    // Each kind has places of its own, and so has each party.
    let poll = ListNotificationsRequest::default;
    notifications(france.clone())
        .list_notifications(poll())
        .await
        .unwrap();
    let spain = world.channel("bureau/NB-ES", server.address);
    inbox(spain.clone())
        .deliver_events(request())
        .await
        .unwrap();
    let service = world.channel("service/intake", server.address);
    inbox(service).deliver_events(request()).await.unwrap();
    gate.open();
    within(held).await.unwrap().unwrap();
    inbox(france.clone())
        .deliver_events(request())
        .await
        .unwrap();

    let mut second = notifications(waits);
    let held = tokio::spawn(async move { second.list_notifications(poll()).await });
    gate.begun().await;
    let refused = notifications(france)
        .list_notifications(poll())
        .await
        .unwrap_err();
    assert_over(&refused, "party_long_polls", "bureau/NB-FR", 1);
    notifications(spain)
        .list_notifications(poll())
        .await
        .unwrap();
    gate.open();
    within(held).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_partys_streams_are_counted_to_their_end_and_a_party_may_have_its_own_number() {
    let world = World::new();
    let fake = Fake::default().stream(|_| {
        let first = futures::stream::iter([Ok(StreamNotificationsResponse::default())]);
        first.chain(futures::stream::pending())
    });
    let more = PartyLimits {
        streams: Some(2),
        ..PartyLimits::default()
    };
    let limits = Limits {
        party_streams: 1,
        party: [("bureau/NB-ES".parse().unwrap(), more)].into(),
        ..Limits::default()
    };
    let server = world.serve(&limits, fake).await;
    let request = StreamNotificationsRequest::default;
    let mut france = notifications(world.channel("bureau/NB-FR", server.address));
    let mut spain = notifications(world.channel("bureau/NB-ES", server.address));

    let mut open = france
        .stream_notifications(request())
        .await
        .unwrap()
        .into_inner();
    assert!(open.message().await.unwrap().is_some());
    let refused = france
        .stream_notifications(request())
        .await
        .map(|_| ())
        .unwrap_err();
    assert_over(&refused, "party_streams", "bureau/NB-FR", 1);
    // The stream that is open goes on.
    let _both = [
        spain.stream_notifications(request()).await.unwrap(),
        spain.stream_notifications(request()).await.unwrap(),
    ];
    let refused = spain
        .stream_notifications(request())
        .await
        .map(|_| ())
        .unwrap_err();
    assert_over(&refused, "party_streams", "bureau/NB-ES", 2);

    drop(open);
    // The server learns of it when the reset arrives.
    within(async { while france.stream_notifications(request()).await.is_err() {} }).await;
}

#[tokio::test]
async fn a_rate_names_its_quota() {
    let world = World::new();
    let limits = Limits {
        party_rate: 1,
        party_burst: 1,
        ..Limits::default()
    };
    let server = world.serve(&limits, Fake::default()).await;
    let mut france = inbox(world.channel("bureau/NB-FR", server.address));
    france
        .deliver_events(DeliverEventsRequest::default())
        .await
        .unwrap();
    let refused = france
        .deliver_events(DeliverEventsRequest::default())
        .await
        .unwrap_err();
    assert_over(&refused, "party_rate", "bureau/NB-FR", 1);
}

#[tokio::test]
async fn a_connection_over_its_partys_number_is_told_so_and_closed() {
    let world = World::new();
    let limits = Limits {
        party_connections: 1,
        ..Limits::default()
    };
    let server = world.serve(&limits, Fake::default()).await;
    let request = DeliverEventsRequest::default;
    let first = world.channel("bureau/NB-FR", server.address);
    inbox(first.clone())
        .deliver_events(request())
        .await
        .unwrap();

    // Again and again, each on a connection of its own, and each hears why.
    let mut second = inbox(world.channel("bureau/NB-FR", server.address));
    for _ in 0..5 {
        let refused = within(second.deliver_events(request())).await.unwrap_err();
        assert_over(&refused, "party_connections", "bureau/NB-FR", 1);
    }
    inbox(first.clone())
        .deliver_events(request())
        .await
        .unwrap();
    inbox(world.channel("bureau/NB-ES", server.address))
        .deliver_events(request())
        .await
        .unwrap();
    let services: Vec<_> = (0..3)
        .map(|_| world.channel("service/intake", server.address))
        .collect();
    for service in &services {
        inbox(service.clone())
            .deliver_events(request())
            .await
            .unwrap();
    }

    // Once the first has gone there is room for it.
    drop(first);
    within(async { while second.deliver_events(request()).await.is_err() {} }).await;
}

#[tokio::test]
async fn a_party_that_dials_in_a_loop_takes_nothing_from_another() {
    let world = World::new();
    let limits = Limits {
        party_connections: 2,
        connections: 64,
        ..Limits::default()
    };
    let server = world.serve(&limits, Fake::default()).await;
    let request = DeliverEventsRequest::default;
    // More than there are places for, all at once, and none of them ever lets go by itself.
    let greedy = world.identity("bureau/NB-FR");
    let calls = (0..96).map(|_| {
        let channel = world.channel_of(&greedy, server.address);
        async move {
            let answer = inbox(channel.clone()).deliver_events(request()).await;
            (channel, answer)
        }
    });
    let greedy = tokio::spawn(futures::future::join_all(calls.collect::<Vec<_>>()));
    for _ in 0..10 {
        let modest = inbox(world.channel("bureau/NB-ES", server.address))
            .deliver_events(request())
            .await;
        modest.unwrap();
    }
    let answers = within(greedy).await.unwrap();
    let served = answers.iter().filter(|(_, answer)| answer.is_ok()).count();
    assert_eq!(served, 2);
    let told = answers
        .iter()
        .filter_map(|(_, answer)| answer.as_ref().err())
        .filter(|status| Failure::read(status).reason() == Some(Reason::RateLimited));
    assert!(told.count() > 0);
}
