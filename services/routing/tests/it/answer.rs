//! Accepting, declining, completing.

use futures::future::join;
use liaison_proto::common::{
    AssignmentRole as Role, AssignmentState as State, DeclineReason, Outcome,
};
use liaison_proto::event::event::Data;
use liaison_proto::event::{AssignmentChanged, AssignmentStep as Step, CaseReturned, TriageCause};
use liaison_store::audit::{self, AuditQuery};
use liaison_testkit::both_backends;

use crate::world::{World, refused};

async fn decline(world: &World, unit: &str, reason: DeclineReason) {
    let held = world.pull_one(unit).await;
    let declined = world
        .unit(unit)
        .decline_assignment(held.decline(reason))
        .await
        .unwrap();
    let declined = declined.into_inner().assignment.unwrap();
    assert_eq!(
        (declined.state(), declined.decline_reason()),
        (State::Declined, reason)
    );
    world.settle().await;
}

fn returned(world: &World) -> Vec<CaseReturned> {
    let facts = world
        .told("classification")
        .into_iter()
        .filter_map(|event| match event.data {
            Some(Data::CaseReturned(returned)) => Some(returned),
            _ => None,
        });
    facts.collect()
}

both_backends! {
    /// The whole life of an assignment, as intake and notification hear it.
    async fn accept_and_complete(database: TestDatabase) {
        let world = World::new(database).await;
        world.routed("cyber", &[]).await;
        let held = world.accepted("cyber").await;
        assert_eq!(held.assignment.state(), State::Accepted);
        assert_eq!(held.assignment.lease_until, None);
        let mut officer = world.officer("cyber", "badge-17");
        let done = officer.complete_assignment(held.complete()).await.unwrap().into_inner();
        let done = done.assignment.unwrap();
        assert_eq!((done.state(), done.outcome()), (State::Completed, Outcome::InformationProvided));
        assert_eq!(refused(officer.complete_assignment(held.complete()).await), "ILLEGAL_STATE");
        world.settle().await;
        let changes = world.changes("intake");
        let steps: Vec<_> = changes.iter().map(AssignmentChanged::step).collect();
        assert_eq!(steps, [Step::Created, Step::Accepted, Step::Completed]);
        let actor = changes[2].actor.clone().unwrap();
        assert_eq!((actor.party.as_str(), actor.officer.as_str()), ("unit/cyber", "badge-17"));
        assert_eq!(changes[2].outcome(), Outcome::InformationProvided);
        let steps: Vec<_> = world.steps("notification").into_iter().map(|(_, step)| step).collect();
        assert_eq!(steps, [Step::Queued, Step::Leased, Step::Accepted, Step::Completed]);

        // Every step is in the audit, and of what was said only the code.
        let found = audit::list(world.db.reader(), &AuditQuery { limit: 100, ..AuditQuery::default() }).await.unwrap();
        let actions: Vec<_> = found.iter().map(|record| record.entry.action.as_str()).collect();
        for action in [
            "routing.assign",
            "routing.pull_assignments",
            "routing.accept_assignment",
            "routing.complete_assignment",
        ] {
            assert!(actions.contains(&action), "{action}");
        }
        let last = found.iter().find(|r| r.entry.action == "routing.complete_assignment").unwrap();
        assert_eq!(last.entry.purpose.as_deref(), Some("INFORMATION_PROVIDED"));
        assert_eq!(last.entry.officer.as_deref(), Some("badge-17"));
        assert!(found.iter().all(audit::AuditRecord::is_intact));
        assert_eq!(world.decided().await, [
            "routing.accept_assignment work-assignment PERMIT",
            "routing.assign route PERMIT LEAD unit/cyber",
            "routing.complete_assignment work-assignment PERMIT INFORMATION_PROVIDED",
            "routing.pull_assignments work-assignment PERMIT",
        ]);
    }

    /// Nothing can be completed that was not accepted.
    async fn completing_needs_a_commitment(database: TestDatabase) {
        let world = World::new(database).await;
        world.routed("cyber", &[]).await;
        let held = world.pull_one("cyber").await;
        let mut unit = world.unit("cyber");
        assert_eq!(refused(unit.complete_assignment(held.complete()).await), "ILLEGAL_STATE");
        unit.accept_assignment(held.accept()).await.unwrap();
        let declined = unit.decline_assignment(held.decline(DeclineReason::NoCapacity)).await;
        assert_eq!(refused(declined), "ILLEGAL_STATE");
        assert_eq!(refused(unit.release_assignment(held.release()).await), "ILLEGAL_STATE");
        let mut unclear = held.complete();
        unclear.outcome = 0;
        assert_eq!(refused(unit.complete_assignment(unclear).await), "INVALID_ARGUMENT");
    }

    /// A decline promotes the next candidate where it stands, even one that has accepted.
    async fn a_decline_promotes(database: TestDatabase) {
        let world = World::new(database).await;
        world.routed("cyber", &["terrorism", "children-trafficking"]).await;
        world.accepted("terrorism").await;
        decline(&world, "cyber", DeclineReason::NoCapacity).await;
        let changes = world.changes("intake");
        let promoted = changes.iter().find(|change| change.step() == Step::Promoted).unwrap();
        assert_eq!(promoted.unit, "terrorism");
        assert_eq!((promoted.role(), promoted.state()), (Role::Lead, State::Accepted));
        assert!(promoted.actor.is_none(), "the hub promotes");
        assert!(returned(&world).is_empty());
        let seen = world.seen_by("unit/terrorism").await;
        assert_eq!((seen[0].role(), seen[0].state()), (Role::Lead, State::Accepted));
        assert_eq!(world.seen_by("unit/cyber").await[0].state(), State::Declined);
        // Policy was asked for the lead, for those who support, and for who leads next.
        let decided = world.decided().await;
        let asked: Vec<_> =
            decided.iter().filter_map(|said| said.strip_prefix("routing.assign route ")).collect();
        assert_eq!(asked, [
            "PERMIT LEAD unit/cyber",
            "PERMIT LEAD unit/terrorism",
            "PERMIT SUPPORTING unit/children-trafficking",
            "PERMIT SUPPORTING unit/terrorism",
            "REFUSE LEAD unit/cyber",
        ]);
        assert!(world.pull("cyber", 1).await.is_empty(), "it is not asked again");
    }

    /// A supporting unit that declines changes nothing for the others, and never leads.
    async fn a_supporting_decline_is_quiet(database: TestDatabase) {
        let world = World::new(database).await;
        world.routed("cyber", &["terrorism", "children-trafficking"]).await;
        decline(&world, "terrorism", DeclineReason::WrongUnit).await;
        assert!(returned(&world).is_empty());
        decline(&world, "cyber", DeclineReason::ConflictOfInterest).await;
        let steps = world.steps("intake");
        assert!(steps.contains(&("children-trafficking".into(), Step::Promoted)));
        assert!(!steps.contains(&("terrorism".into(), Step::Promoted)));
    }

    /// The third decline of a lead goes to people; so does the last candidate's.
    async fn the_third_decline_goes_to_the_desk(database: TestDatabase) {
        let world = World::new(database).await;
        let all = ["terrorism", "children-trafficking", "narcotics-organized-crime"];
        world.routed("cyber", &all).await;
        decline(&world, "cyber", DeclineReason::NoCapacity).await;
        decline(&world, "terrorism", DeclineReason::Duplicate).await;
        assert!(returned(&world).is_empty());
        decline(&world, "children-trafficking", DeclineReason::OutOfMandate).await;
        let back = returned(&world);
        assert_eq!(back.len(), 1);
        assert_eq!(back[0].cause(), TriageCause::Declined);
        assert_eq!(back[0].unit, "children-trafficking");
        let mut excluded = back[0].excluded_units.clone();
        excluded.sort();
        assert_eq!(excluded, ["children-trafficking", "cyber", "terrorism"]);

        world.routed("cyber", &[]).await;
        decline(&world, "cyber", DeclineReason::NoCapacity).await;
        assert_eq!(returned(&world)[0].cause(), TriageCause::Declined);
    }

    /// Where nobody supports because of TLP:RED, the next candidate is asked anew.
    async fn a_decline_of_a_red_case_asks_the_next(database: TestDatabase) {
        use liaison_proto::common::{Markings, Tlp};
        let world = World::new(database).await;
        let mut fact = world.classified("cyber", &["terrorism"]);
        fact.envelope.as_mut().unwrap().markings =
            Some(Markings { tlp: Tlp::Red.into(), ..Default::default() });
        world.classify(vec![fact]).await;
        world.settle().await;
        assert!(world.seen_by("unit/terrorism").await.is_empty());
        decline(&world, "cyber", DeclineReason::InsufficientClearance).await;
        let held = world.pull_one("terrorism").await;
        assert_eq!(held.assignment.role(), Role::Lead);
    }

    /// Two officers of one unit answer at the same moment: one of them is first.
    async fn racing_answers_have_one_winner(database: TestDatabase) {
        let world = World::new(database).await;
        for _ in 0..10 {
            world.routed("cyber", &[]).await;
            let held = world.pull_one("cyber").await;
            let (mut one, mut two) = (world.unit("cyber"), world.unit("cyber"));
            let (accepted, declined) = join(
                one.accept_assignment(held.accept()),
                two.decline_assignment(held.decline(DeclineReason::NoCapacity)),
            )
            .await;
            assert_ne!(accepted.is_ok(), declined.is_ok());
            let loser = accepted.err().or(declined.err()).unwrap();
            assert_eq!(crate::world::reason(&loser), "ILLEGAL_STATE");
        }
    }

    /// A decision that arrives while the lead accepts: a commitment is not taken back.
    async fn an_accepted_lead_outlives_a_new_decision(database: TestDatabase) {
        let world = World::new(database).await;
        let fact = world.routed("cyber", &[]).await;
        world.accepted("cyber").await;
        world.classify(vec![world.again(&fact, "terrorism", &[])]).await;
        world.settle().await;
        assert_eq!(world.state_of("cyber").await, State::Accepted);
        assert_eq!(world.seen_by("unit/terrorism").await[0].role(), Role::Supporting);
    }
}
