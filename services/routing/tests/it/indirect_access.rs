//! Declaring that the unit has no direct access to what is asked for.

use std::time::Duration;

use liaison_grpc::wire;
use liaison_proto::common::{Clock, Urgency};
use liaison_proto::event::{AssignmentChanged, AssignmentStep as Step, CaseClassified};
use liaison_proto::routing::{Assignment, DeclareIndirectAccessRequest};
use liaison_testkit::both_backends;

use crate::world::{World, refused};

/// A decision on an urgent referral, received now.
fn urgent(world: &World, supporting: &[&str]) -> CaseClassified {
    let mut fact = world.classified("cyber", supporting);
    let envelope = fact.envelope.as_mut().unwrap();
    envelope.urgency = Urgency::Urgent.into();
    let now = world.env.now();
    let due = now + Duration::from_hours(8);
    envelope.completion = Some(wire::clock(now, due, "completion.urgent.direct"));
    fact
}

fn declare(assignment: &Assignment) -> DeclareIndirectAccessRequest {
    DeclareIndirectAccessRequest {
        name: assignment.name.clone(),
    }
}

/// The rule, and how many hours after its start the clock runs out.
fn clock(clock: Option<&Clock>) -> (&str, i64) {
    let clock = clock.unwrap();
    let seconds = |at: &Option<prost_types::Timestamp>| at.as_ref().unwrap().seconds;
    let hours = (seconds(&clock.due_at) - seconds(&clock.started_at)) / 3_600;
    (&clock.rule, hours)
}

both_backends! {
    async fn the_lead_has_three_days_and_intake_is_told(database: TestDatabase) {
        let world = World::new(database).await;
        let fact = urgent(&world, &[]);
        world.classify(vec![fact.clone()]).await;
        world.settle().await;
        let held = world.accepted("cyber").await;
        assert_eq!(clock(held.assignment.completion.as_ref()), ("completion.urgent.direct", 8));
        world.env.advance(Duration::from_hours(5));
        let mut officer = world.officer("cyber", "badge-17");
        let declared = officer.declare_indirect_access(declare(&held.assignment)).await;
        let declared = declared.unwrap().into_inner().assignment.unwrap();
        assert_eq!(clock(declared.completion.as_ref()), ("completion.urgent.indirect", 72));
        assert_ne!(declared.etag, held.assignment.etag);
        // Once is enough.
        let again = officer.declare_indirect_access(declare(&held.assignment)).await;
        assert_eq!(again.unwrap().into_inner().assignment.unwrap(), declared);
        world.settle().await;
        let changes = world.changes("intake");
        let steps: Vec<_> = changes.iter().map(AssignmentChanged::step).collect();
        assert_eq!(steps, [Step::Created, Step::Accepted, Step::IndirectAccessDeclared]);
        assert_eq!(changes[2].actor.as_ref().unwrap().officer, "badge-17");
        // A later decision of the same referral does not take the time away.
        world.classify(vec![world.again(&fact, "cyber", &["terrorism"])]).await;
        world.settle().await;
        let supporting = world.pull_one("terrorism").await.assignment;
        assert_eq!(clock(supporting.completion.as_ref()).0, "completion.urgent.indirect");
    }

    async fn only_the_committed_lead_of_an_urgent_referral_may(database: TestDatabase) {
        let world = World::new(database).await;
        world.classify(vec![urgent(&world, &["terrorism"])]).await;
        world.settle().await;
        let mut cyber = world.unit("cyber");
        let leased = world.pull_one("cyber").await;
        let early = cyber.declare_indirect_access(declare(&leased.assignment)).await;
        assert_eq!(refused(early), "ILLEGAL_STATE");
        let supporting = world.accepted("terrorism").await.assignment;
        let mut terrorism = world.unit("terrorism");
        let no_lead = terrorism.declare_indirect_access(declare(&supporting)).await;
        assert_eq!(refused(no_lead), "ILLEGAL_STATE");
        let foreign = terrorism.declare_indirect_access(declare(&leased.assignment)).await;
        assert_eq!(refused(foreign), "NOT_FOUND");
        let unclear = DeclareIndirectAccessRequest { name: "assignments/7".into() };
        assert_eq!(refused(cyber.declare_indirect_access(unclear).await), "INVALID_ARGUMENT");

        world.routed("narcotics-organized-crime", &[]).await;
        let routine = world.accepted("narcotics-organized-crime").await.assignment;
        let mut narcotics = world.unit("narcotics-organized-crime");
        let routine = narcotics.declare_indirect_access(declare(&routine)).await;
        assert_eq!(refused(routine), "ILLEGAL_STATE");
        assert!(world.changes("intake").iter().all(|c| c.step() != Step::IndirectAccessDeclared));
    }
}
