//! A channel follows its identity: calls after a reload show the new certificate.

use liaison_grpc::{Failure, Limits};
use liaison_identity::CertificateAuthority;
use liaison_proto::event::DeliverEventsRequest;
use liaison_types::{Reason, SystemClock, SystemRandom};
use tonic::Code;

use crate::kit::{Fake, Gate, World, inbox, within};

#[tokio::test]
async fn a_reload_takes_effect_on_the_next_call_and_lets_the_one_in_progress_end() {
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
    let server = world.serve(&Limits::default(), fake).await;
    let client = world.identity("bureau/NB-FR");
    let channel = world.channel_of(&client, server.address);
    let request = DeliverEventsRequest::default;
    let mut waits = inbox(channel.clone().with_officer("waits").unwrap());
    let held = tokio::spawn(async move { waits.deliver_events(request()).await });
    gate.begun().await;

    // The old certificate is revoked: nothing that begins on the old connection would get through.
    let old = world.path().join("old.pem");
    std::fs::copy(world.path().join("bureau-NB-FR.pem"), &old).unwrap();
    let now = liaison_types::Clock::now(&SystemClock);
    CertificateAuthority::revoke_file(world.path(), &old, now).unwrap();
    assert_eq!(server.identity.validities().len(), 3, "the list is in use");
    world.identity("bureau/NB-FR");
    client.reload().unwrap();
    server.identity.reload().unwrap();

    for _ in 0..3 {
        inbox(channel.clone())
            .deliver_events(request())
            .await
            .unwrap();
    }
    gate.open();
    within(held).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_an_authority_issued_ends_with_it_on_connections_that_are_open() {
    let world = World::new();
    let server = world.serve(&Limits::default(), Fake::default()).await;
    let late = world.identity("bureau/NB-FR");
    let channel = world.channel_of(&late, server.address);
    let request = DeliverEventsRequest::default;
    inbox(channel.clone())
        .deliver_events(request())
        .await
        .unwrap();
    let before = late.serial();

    let now = liaison_types::Clock::now(&SystemClock);
    let day = std::time::Duration::from_hours(24);
    CertificateAuthority::begin_rotation(world.path(), day, now, &SystemRandom).unwrap();
    server.identity.reload().unwrap();
    inbox(channel.clone())
        .deliver_events(request())
        .await
        .unwrap();
    let new = CertificateAuthority::switch_rotation(world.path()).unwrap();
    new.renew(|_| true, day, now, &SystemRandom).unwrap();
    server.identity.reload().unwrap();
    inbox(channel.clone())
        .deliver_events(request())
        .await
        .unwrap();
    CertificateAuthority::end_rotation(world.path()).unwrap();
    server.identity.reload().unwrap();

    let refused = inbox(channel.clone())
        .deliver_events(request())
        .await
        .unwrap_err();
    let failure = Failure::read(&refused);
    assert_eq!(
        (failure.code, failure.reason()),
        (Code::Unauthenticated, Some(Reason::CertificateInvalid))
    );
    assert!(failure.message.contains("trusted authority"), "{failure:?}");
    // Its owner renewed it meanwhile and only has to read it.
    late.reload().unwrap();
    inbox(channel).deliver_events(request()).await.unwrap();
    assert_ne!(late.serial(), before);
}
