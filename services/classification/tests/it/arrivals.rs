//! The short way from the fact to the worker.

use std::time::Duration;

use liaison_classification::arrivals::{Arrivals, Waiting};
use liaison_classification::worker::{Facts, Worker};
use liaison_grpc::event_delivery::EventInbox;
use liaison_testkit::database::TestDatabase;
use liaison_testkit::{both_backends, eventually};
use liaison_types::Result;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::kit::{LEASE, World, coded};

const LONG: Duration = Duration::from_secs(20);

/// A world whose facts reach a worker with room for so many cases.
async fn with_room(database: TestDatabase, room: usize) -> (World, Waiting) {
    let mut world = World::new(database).await;
    let (arrivals, waiting) = Arrivals::with_room(room);
    world.inbox = EventInbox::new(
        world.db.clone(),
        world.environment.clock(),
        "classification.deliver_events",
        Facts::new(world.ops.clone(), arrivals),
    );
    (world, waiting)
}

/// A worker that looks into the table when it starts and when it is woken.
fn worker(world: &World, waiting: Waiting) -> Worker {
    Worker::new(
        world.ops.clone(),
        waiting,
        world.environment.clock(),
        world.environment.random(),
        2,
        Duration::from_hours(1),
    )
}

fn work(world: &World, waiting: Waiting) -> (CancellationToken, JoinHandle<Result<()>>) {
    let stop = CancellationToken::new();
    (stop.clone(), tokio::spawn(worker(world, waiting).run(stop)))
}

fn claims(world: &World) -> u64 {
    let counts = world.db.counts();
    counts
        .get("classification.claim")
        .map_or(0, |counts| counts.committed)
}

both_backends! {
    async fn what_was_just_admitted_needs_no_claim(database: TestDatabase) {
        let (world, waiting) = with_room(database, 8).await;
        let (stop, working) = work(&world, waiting);
        eventually(LONG, || async { claims(&world) == 1 }).await;
        for _ in 0..3 {
            let referral = world.admit(coded("0903")).await;
            eventually(LONG, || async { world.state(referral).await == "ROUTED" }).await;
        }
        stop.cancel();
        working.await.unwrap().unwrap();
        assert_eq!(claims(&world), 1, "the look at the start");
        assert_eq!(world.count("decision").await, 3);
    }

    async fn what_there_is_no_room_for_is_claimed(database: TestDatabase) {
        let (world, waiting) = with_room(database, 0).await;
        let (stop, working) = work(&world, waiting);
        let referral = world.admit(coded("0903")).await;
        eventually(LONG, || async { world.state(referral).await == "ROUTED" }).await;
        stop.cancel();
        working.await.unwrap().unwrap();
        assert!(claims(&world) > 0);
    }

    /// Nobody has begun it: it is anybody's at once, and no attempt is counted.
    async fn what_had_just_arrived_is_given_back_at_the_end(database: TestDatabase) {
        let (world, waiting) = with_room(database, 8).await;
        let referral = world.admit(coded("0903")).await;
        assert_eq!(world.ops.claim_pending().await.unwrap(), [], "it is claimed already");
        let stop = CancellationToken::new();
        stop.cancel();
        worker(&world, waiting).run(stop).await.unwrap();
        let claimed = world.ops.claim_pending().await.unwrap();
        assert_eq!((claimed.len(), claimed[0].referral), (1, referral));
        assert_eq!(claimed[0].attempts, 1);
    }

    async fn what_a_crash_leaves_behind_is_claimed_later(database: TestDatabase) {
        let (world, waiting) = with_room(database, 8).await;
        let referral = world.admit(coded("0903")).await;
        drop(waiting);
        assert_eq!(world.work().await.claimed, 0, "the claim holds");
        world.environment.advance(LEASE);
        assert_eq!(world.work().await.concluded, 1);
        assert_eq!(world.state(referral).await, "ROUTED");
    }
}
