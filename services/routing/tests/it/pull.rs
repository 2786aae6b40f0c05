//! Pulling: order, leases, long polls, two pullers.

use std::collections::HashSet;
use std::time::Duration;

use futures::future::join_all;
use liaison_grpc::wire;
use liaison_proto::common::Urgency;
use liaison_proto::routing::PullAssignmentsRequest;
use liaison_routing::worker;
use liaison_testkit::{both_backends, eventually};

use crate::world::{World, refused};

fn waiting(seconds: u64) -> PullAssignmentsRequest {
    PullAssignmentsRequest {
        wait: Some(wire::duration(Duration::from_secs(seconds))),
        ..PullAssignmentsRequest::default()
    }
}

/// Until a long poll listens for work.
async fn listens(world: &World) {
    eventually(Duration::from_secs(20), || async {
        world.ops.polled_queues() == 1
    })
    .await;
}

both_backends! {
    /// The most urgent first, then the oldest.
    async fn urgency_then_age(database: TestDatabase) {
        let world = World::new(database).await;
        let mut expected = Vec::new();
        for urgency in [
            Urgency::Routine,
            Urgency::Urgent,
            Urgency::EmergencyLife,
            Urgency::Urgent,
            Urgency::Unspecified,
            Urgency::EmergencyLife,
        ] {
            world.env.advance(Duration::from_secs(60));
            let mut fact = world.classified("cyber", &[]);
            let envelope = fact.envelope.as_mut().unwrap();
            envelope.urgency = urgency.into();
            let rank = match urgency {
                Urgency::EmergencyLife => 0,
                Urgency::Urgent => 1,
                Urgency::Routine | Urgency::Unspecified => 2,
            };
            expected.push((rank, world.env.now(), envelope.referral.clone()));
            world.classify(vec![fact]).await;
        }
        world.settle().await;
        expected.sort();
        let mut pulled = world.pull("cyber", 2).await;
        pulled.extend(world.pull("cyber", 0).await);
        assert_eq!(pulled.len(), 3, "none is read as one");
        pulled.extend(world.pull("cyber", 100).await);
        let order: Vec<_> = pulled.into_iter().map(|p| p.assignment.unwrap().referral).collect();
        assert_eq!(order, expected.into_iter().map(|(_, _, referral)| referral).collect::<Vec<_>>());
    }

    /// A desk's part of the queue.
    async fn a_desk_gets_its_own(database: TestDatabase) {
        let world = World::new(database).await;
        let mut financing = world.classified("terrorism", &[]);
        financing.desk = "financing".into();
        let mut nowhere = world.classified("terrorism", &[]);
        nowhere.desk = "no-such-desk".into();
        world.classify(vec![financing, nowhere]).await;
        world.settle().await;
        let desk = |desk: &str| PullAssignmentsRequest {
            max_assignments: 10,
            desk: desk.into(),
            ..PullAssignmentsRequest::default()
        };
        let mut unit = world.unit("terrorism");
        let pulled = |response: tonic::Response<_>| {
            let response: liaison_proto::routing::PullAssignmentsResponse = response.into_inner();
            response.assignments.into_iter().map(|p| p.assignment.unwrap().desk).collect::<Vec<_>>()
        };
        assert!(pulled(unit.pull_assignments(desk("cbrne")).await.unwrap()).is_empty());
        assert_eq!(pulled(unit.pull_assignments(desk("financing")).await.unwrap()), ["financing"]);
        assert_eq!(pulled(unit.pull_assignments(desk("")).await.unwrap()), [""]);
        assert_eq!(refused(unit.pull_assignments(desk("drugs")).await), "INVALID_ARGUMENT");
    }

    /// Whatever the number of pullers, each assignment goes to one of them.
    async fn two_pullers_never_get_the_same(database: TestDatabase) {
        let world = World::new(database).await;
        world.classify((0..200).map(|_| world.classified("cyber", &[])).collect()).await;
        world.settle().await;
        let pullers = (0..40).map(|number| {
            let mut unit = world.unit("cyber");
            tokio::spawn(async move {
                let mut names = Vec::new();
                loop {
                    let request =
                        PullAssignmentsRequest { max_assignments: 1 + number % 4, ..Default::default() };
                    let pulled = unit.pull_assignments(request).await.unwrap().into_inner().assignments;
                    if pulled.is_empty() {
                        return names;
                    }
                    names.extend(pulled.into_iter().map(|p| (p.assignment.unwrap().name, p.lease_token)));
                }
            })
        });
        let pulled: Vec<_> = join_all(pullers).await.into_iter().flat_map(Result::unwrap).collect();
        let names: HashSet<_> = pulled.iter().map(|(name, _)| name).collect();
        let tokens: HashSet<_> = pulled.iter().map(|(_, token)| token).collect();
        assert_eq!((pulled.len(), names.len(), tokens.len()), (200, 200, 200));
    }

    /// A long poll ends as soon as a grant arrives, and when the service stops.
    async fn a_long_poll_wakes(database: TestDatabase) {
        let world = World::new(database).await;
        let stop = world.stopping.clone();
        // An interval so long that only being woken explains that it wakes.
        let waker = worker::wake_long_polls(world.ops.clone(), Duration::from_hours(1), stop.clone());
        let waker = tokio::spawn(waker);
        let mut unit = world.unit("cyber");
        let poll = tokio::spawn(async move { unit.pull_assignments(waiting(60)).await });
        listens(&world).await;
        world.classify(vec![world.classified("cyber", &[])]).await;
        world.settle().await;
        let pulled = poll.await.unwrap().unwrap().into_inner();
        assert_eq!(pulled.assignments.len(), 1);

        assert_eq!(world.ops.polled_queues(), 0);
        let mut unit = world.unit("cyber");
        let poll = tokio::spawn(async move { unit.pull_assignments(waiting(60)).await });
        listens(&world).await;
        stop.cancel();
        assert!(poll.await.unwrap().unwrap().into_inner().assignments.is_empty());
        waker.await.unwrap().unwrap();
    }

    /// The look at the queues finds what another replica made ready.
    async fn a_long_poll_finds_what_it_was_not_woken_for(database: TestDatabase) {
        let world = World::new(database).await;
        let stop = world.stopping.clone();
        let waker =
            worker::wake_long_polls(world.ops.clone(), Duration::from_millis(20), stop.clone());
        let waker = tokio::spawn(waker);
        let mut unit = world.unit("cyber");
        let poll = tokio::spawn(async move { unit.pull_assignments(waiting(60)).await });
        listens(&world).await;
        world.classify(vec![world.classified("cyber", &[])]).await;
        let ready = "UPDATE assignment SET granted = true";
        world
            .db
            .write_tx("test.grant", |tx| {
                Box::pin(async move {
                    use sea_orm::ConnectionTrait as _;
                    tx.execute_unprepared(ready).await.unwrap();
                    Ok(())
                })
            })
            .await
            .unwrap();
        assert_eq!(poll.await.unwrap().unwrap().into_inner().assignments.len(), 1);
        stop.cancel();
        waker.await.unwrap().unwrap();
    }

    /// What is out of bounds is refused, all at once; who is no unit of ours gets nothing.
    async fn bounds(database: TestDatabase) {
        use tonic_types::StatusExt as _;
        let world = World::new(database).await;
        let request = PullAssignmentsRequest {
            max_assignments: 101,
            wait: Some(wire::duration(Duration::from_secs(61))),
            lease: Some(wire::duration(Duration::from_secs(9))),
            desk: "Nonsense".into(),
        };
        let status = world.unit("cyber").pull_assignments(request).await.unwrap_err();
        let violations = status.get_details_bad_request().unwrap().field_violations;
        let fields: Vec<_> = violations.into_iter().map(|violation| violation.field).collect();
        assert_eq!(fields, ["max_assignments", "wait", "lease", "desk"]);
        let none = PullAssignmentsRequest::default();
        assert_eq!(refused(world.unit("dragons").pull_assignments(none.clone()).await), "UNKNOWN_UNIT");
        for party in ["bureau/NB-FR", "desk/triage", "operator/ops", "service/intake"] {
            let refusal = refused(world.as_party(party).pull_assignments(none.clone()).await);
            assert_eq!(refusal, "CALLER_NOT_ALLOWED", "{party}");
        }
    }
}
