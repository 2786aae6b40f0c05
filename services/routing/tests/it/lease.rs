//! Leases: fencing, expiry, extension, release.

use std::time::Duration;

use liaison_grpc::wire;
use liaison_proto::common::{AssignmentState as State, DeclineReason};
use liaison_proto::event::AssignmentStep as Step;
use liaison_proto::event::event::Data;
use liaison_testkit::both_backends;
use liaison_types::Timestamp;

use crate::world::{Held, World, refused};

fn until(held: &Held) -> Timestamp {
    wire::instant(held.assignment.lease_until.as_ref().unwrap()).unwrap()
}

const QUARTER: Duration = Duration::from_mins(15);

both_backends! {
    /// Only the present lease counts.
    async fn a_stale_token_does_nothing(database: TestDatabase) {
        let world = World::new(database).await;
        world.routed("cyber", &[]).await;
        let first = world.pull_one("cyber").await;
        assert_eq!(until(&first), world.env.now() + QUARTER);
        let mut unit = world.unit("cyber");
        let wrong = Held { token: "wrong".into(), ..first.clone() };
        assert_eq!(refused(unit.accept_assignment(wrong.accept()).await), "STALE_LEASE");
        // It ran out, though nobody has looked yet.
        world.env.advance(QUARTER);
        assert_eq!(refused(unit.accept_assignment(first.accept()).await), "STALE_LEASE");
        assert_eq!(world.ops.expire_leases().await.unwrap(), 1);
        assert_eq!(world.ops.expire_leases().await.unwrap(), 0);
        assert_eq!(refused(unit.accept_assignment(first.accept()).await), "STALE_LEASE");
        let second = world.pull_one("cyber").await;
        assert_eq!(second.assignment.delivery_attempt, 2);
        assert_ne!(first.token, second.token);
        for refusal in [
            refused(unit.accept_assignment(first.accept()).await),
            refused(unit.decline_assignment(first.decline(DeclineReason::NoCapacity)).await),
            refused(unit.extend_lease(first.extend(QUARTER)).await),
            refused(unit.release_assignment(first.release()).await),
        ] {
            assert_eq!(refusal, "STALE_LEASE");
        }
        unit.accept_assignment(second.accept()).await.unwrap();
        // The answer was lost: the same call again.
        let again = unit.accept_assignment(second.accept()).await.unwrap().into_inner();
        assert_eq!(again.assignment.unwrap().state(), State::Accepted);
        assert_eq!(refused(unit.accept_assignment(first.accept()).await), "ILLEGAL_STATE");
        world.settle().await;
        let accepted = world.steps("intake").iter().filter(|(_, s)| *s == Step::Accepted).count();
        assert_eq!(accepted, 1);
    }

    /// Five times without an answer, then people decide.
    async fn a_lead_that_never_answers_goes_back_to_the_desk(database: TestDatabase) {
        let world = World::new(database).await;
        let fact = world.routed("cyber", &["terrorism"]).await;
        for attempt in 1..=5 {
            let held = world.pull_one("cyber").await;
            assert_eq!(held.assignment.delivery_attempt, attempt);
            world.env.advance(QUARTER);
            assert_eq!(world.ops.expire_leases().await.unwrap(), 1);
        }
        assert!(world.pull("cyber", 1).await.is_empty());
        assert_eq!(world.state_of("cyber").await, State::DeadLettered);
        world.settle().await;
        let back: Vec<_> = world.told("classification");
        assert_eq!(back.len(), 1);
        let Some(Data::CaseReturned(returned)) = &back[0].data else { panic!() };
        assert_eq!(returned.cause(), liaison_proto::event::TriageCause::DeadLettered);
        assert_eq!(returned.unit, "cyber");
        assert!(returned.excluded_units.is_empty(), "it did not decline");
        let told: Vec<_> = world.steps("notification");
        let count = |step| told.iter().filter(|(unit, s)| unit == "cyber" && *s == step).count();
        assert_eq!((count(Step::LeaseExpired), count(Step::DeadLettered)), (4, 1));
        assert!(world.steps("intake").contains(&("cyber".into(), Step::DeadLettered)));
        // A person may send it to the same unit again.
        world.classify(vec![world.again(&fact, "cyber", &["terrorism"])]).await;
        world.settle().await;
        assert_eq!(world.steps("intake"), [("cyber".to_owned(), Step::Created)]);
        assert_eq!(world.pull_one("cyber").await.assignment.delivery_attempt, 1);
    }

    /// A supporting unit that never answers changes nothing for the others.
    async fn a_silent_supporter_is_no_case_for_the_desk(database: TestDatabase) {
        let world = World::new(database).await;
        world.routed("cyber", &["terrorism"]).await;
        for _ in 0..4 {
            let held = world.pull_one("terrorism").await;
            world.unit("terrorism").release_assignment(held.release()).await.unwrap();
        }
        let held = world.pull_one("terrorism").await;
        let last = world.unit("terrorism").release_assignment(held.release()).await.unwrap();
        assert_eq!(last.into_inner().assignment.unwrap().state(), State::DeadLettered);
        world.settle().await;
        assert!(world.told("classification").is_empty());
        assert_eq!(world.state_of("cyber").await, State::Queued);
    }

    /// Extensions count from now and end with the longest lease.
    async fn a_lease_is_extended_but_not_for_ever(database: TestDatabase) {
        let world = World::new(database).await;
        world.routed("cyber", &[]).await;
        let held = world.pull_one("cyber").await;
        let pulled_at = world.env.now();
        let mut unit = world.unit("cyber");
        let mut end = pulled_at + QUARTER;
        for _ in 0..20 {
            world.env.clock.set(end - Duration::from_secs(1));
            let extended = unit.extend_lease(held.extend(Duration::from_hours(1))).await;
            let extended = extended.unwrap().into_inner().assignment.unwrap();
            assert_ne!(extended.etag, held.assignment.etag);
            end = wire::instant(extended.lease_until.as_ref().unwrap()).unwrap();
            assert_eq!(world.ops.expire_leases().await.unwrap(), 0);
        }
        assert_eq!(end, pulled_at + Duration::from_hours(8));
        for wrong in [Duration::from_secs(9), Duration::from_hours(9)] {
            assert_eq!(refused(unit.extend_lease(held.extend(wrong)).await), "INVALID_ARGUMENT");
        }
        world.env.clock.set(end);
        let late = unit.extend_lease(held.extend(QUARTER)).await;
        assert_eq!(refused(late), "STALE_LEASE");
    }

    /// Giving back makes it wait again, under another lease.
    async fn a_release_makes_it_wait_again(database: TestDatabase) {
        let world = World::new(database).await;
        world.routed("cyber", &[]).await;
        let held = world.pull_one("cyber").await;
        let mut unit = world.unit("cyber");
        let released = unit.release_assignment(held.release()).await.unwrap().into_inner();
        let released = released.assignment.unwrap();
        assert_eq!(released.state(), State::Queued);
        assert_eq!((released.delivery_attempt, released.lease_until), (2, None));
        assert_eq!(refused(unit.release_assignment(held.release()).await), "STALE_LEASE");
        world.pull_one("cyber").await;
        world.settle().await;
        let steps: Vec<_> = world.steps("notification").into_iter().map(|(_, step)| step).collect();
        assert_eq!(steps, [Step::Queued, Step::Leased, Step::Released, Step::Leased]);
    }
}
