//! What is confidential is opened by, and shared with, those who are cleared for it.

use liaison_policy::{Policy, RuleSet};
use liaison_proto::intake::intake_service_server::IntakeService as _;
use liaison_proto::{common, intake};
use liaison_testkit::both_backends;
use liaison_types::Confidentiality;

use crate::samples::{dossier, submission};
use crate::world::{World, by, reason};

/// Both desks are cleared for everything, one unit for less.
fn policy() -> Policy {
    let clearances = [
        ("desk/compliance", Confidentiality::Confidential),
        ("desk/triage", Confidentiality::Confidential),
        ("unit/cyber", Confidentiality::OfficialUseOnly),
    ];
    let clearances = clearances.map(|(party, held)| (party.parse().unwrap(), held));
    Policy::new(
        RuleSet::built_in().clone(),
        clearances.into_iter().collect(),
    )
}

/// The rules of the last entry about `name`.
async fn last(world: &World, name: &str) -> Vec<String> {
    world.audit(name).await.pop().unwrap().entry.rules
}

both_backends! {
    async fn a_unit_that_is_not_cleared_opens_nothing(database: TestDatabase) {
        let world = World::deciding(database, policy()).await;
        let mut restricted = dossier();
        let markings = restricted.markings.get_or_insert_default();
        markings.confidentiality = common::Confidentiality::Restricted.into();
        let caller = "bureau/NB-FR a.first";
        let name = world.submit(caller, submission(restricted, 1)).await.unwrap().name;
        for (unit, rule) in [("cyber", "clearance.insufficient"), ("children-trafficking", "clearance.unknown")] {
            world.grant(&name, unit).await;
            let viewer = format!("unit/{unit}");
            assert_eq!(reason(world.dossier(&viewer, &name).await), "NOT_FOUND");
            assert_eq!(last(&world, &name).await, [rule]);
            // That it was assigned to them they know.
            world.get(&viewer, &name).await.unwrap();
        }
        // The owner needs none; the desks have theirs.
        for viewer in [caller, "desk/compliance c.one"] {
            world.dossier(viewer, &name).await.unwrap();
        }
        // Nor is it shared with who has none.
        let wish = intake::ShareReferralRequest {
            name: name.clone(),
            recipient: "bureau/NB-DE".to_owned(),
            purpose: intake::Purpose::InvestigationInformation.into(),
            action: intake::IntendedAction::None.into(),
            r#use: intake::IntendedUse::Police.into(),
            reason: "They hold the records.".to_owned(),
            request_id: uuid::Uuid::from_u128(1).to_string(),
        };
        world.env.advance(std::time::Duration::from_millis(1));
        let refused = world.api.share_referral(by("bureau/NB-FR b.second", wish)).await;
        assert_eq!(reason(refused), "POLICY_DENIED");
        assert!(last(&world, &name).await.contains(&"clearance.unknown".to_owned()));
        // What is for official use goes to everybody it went to before.
        let plain = world.submitted(2).await.name;
        world.grant(&plain, "children-trafficking").await;
        world.dossier("unit/children-trafficking", &plain).await.unwrap();
        world.decided().await;
    }
}
