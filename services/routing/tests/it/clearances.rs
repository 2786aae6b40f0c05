//! What is confidential goes to units that are cleared for it.

use liaison_policy::{Policy, RuleSet};
use liaison_proto::event::event::Data;
use liaison_proto::event::{CaseClassified, TriageCause};
use liaison_proto::{common, routing};
use liaison_store::audit::{self, AuditQuery};
use liaison_testkit::both_backends;
use liaison_types::Confidentiality;

use crate::world::World;

/// Cyber is cleared for less than terrorism, and of children-trafficking nothing is on record.
fn policy() -> Policy {
    let clearances = [
        ("unit/cyber", Confidentiality::Restricted),
        ("unit/terrorism", Confidentiality::Confidential),
    ];
    let clearances = clearances.map(|(party, held)| (party.parse().unwrap(), held));
    Policy::new(
        RuleSet::built_in().clone(),
        clearances.into_iter().collect(),
    )
}

fn confidential(mut fact: CaseClassified) -> CaseClassified {
    fact.envelope.as_mut().unwrap().markings = Some(common::Markings {
        confidentiality: common::Confidentiality::Confidential.into(),
        ..common::Markings::default()
    });
    fact
}

async fn assigned(world: &World) -> Vec<(String, common::AssignmentRole)> {
    let seen = world.seen_by("desk/triage").await;
    let seen = seen.into_iter();
    seen.map(|assigned: routing::Assignment| (assigned.unit.clone(), assigned.role()))
        .collect()
}

both_backends! {
    async fn a_unit_that_is_not_cleared_is_passed_over(database: TestDatabase) {
        let world = World::deciding(database, policy()).await;
        let fact = confidential(world.classified("cyber", &["terrorism", "children-trafficking"]));
        world.classify(vec![fact]).await;
        world.settle().await;
        assert_eq!(assigned(&world).await, [("terrorism".to_owned(), common::AssignmentRole::Lead)]);
        assert!(world.pull("cyber", 10).await.is_empty());
        assert_eq!(world.decided().await, [
            "routing.assign route PERMIT LEAD unit/terrorism",
            "routing.assign route REFUSE LEAD unit/cyber",
            "routing.assign route REFUSE SUPPORTING unit/children-trafficking",
            "routing.assign route REFUSE SUPPORTING unit/cyber",
        ]);
        let query = AuditQuery { decided: true, limit: 10, ..AuditQuery::default() };
        let kept = audit::list(world.db.reader(), &query).await.unwrap();
        let rules = |of: &str| {
            let kept = kept.iter().find(|kept| kept.entry.purpose.as_deref() == Some(of));
            kept.unwrap().entry.rules.clone()
        };
        assert_eq!(rules("LEAD unit/cyber"), ["clearance.insufficient"]);
        assert_eq!(rules("SUPPORTING unit/children-trafficking"), ["clearance.unknown"]);
        // What is less confidential goes as it did.
        world.classify(vec![world.classified("cyber", &[])]).await;
        world.settle().await;
        world.pull_one("cyber").await;
    }

    async fn where_nobody_is_cleared_people_decide(database: TestDatabase) {
        let world = World::deciding(database, policy()).await;
        world.classify(vec![confidential(world.classified("cyber", &[]))]).await;
        world.settle().await;
        assert!(assigned(&world).await.is_empty());
        let told = world.told("classification");
        let [event] = &told[..] else { panic!("{told:?}") };
        let Some(Data::CaseReturned(returned)) = &event.data else { panic!("{event:?}") };
        assert_eq!(returned.cause(), TriageCause::NotPermitted);
    }
}
