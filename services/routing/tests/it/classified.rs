//! From a decision to assignments and their grants.

use liaison_proto::event::event::Data;
use liaison_proto::event::{AssignmentStep as Step, CaseReturned, DeliveryStatus, TriageCause};
use liaison_proto::{common, event};
use liaison_testkit::{both_backends, changes_in_place};

use crate::world::World;

/// What was given back to classification.
fn returned(world: &World) -> Vec<CaseReturned> {
    let facts = world
        .told("classification")
        .into_iter()
        .filter_map(|event| match event.data {
            Some(Data::CaseReturned(returned)) => {
                assert_eq!(event.subject, returned.referral);
                assert_eq!(event.sequence, i64::from(returned.revision));
                Some(returned)
            }
            _ => None,
        });
    facts.collect()
}

both_backends! {
    /// One leads, the others support; nobody can pull before intake has the grant.
    async fn lead_and_supporting_are_pullable_once_intake_has_the_grant(database: TestDatabase) {
        let world = World::new(database).await;
        let mut fact = world.classified("cyber", &["terrorism"]);
        fact.desk = "threat-response".into();
        world.classify(vec![fact.clone()]).await;
        for unit in ["cyber", "terrorism"] {
            assert!(world.pull(unit, 100).await.is_empty(), "the grant is on its way");
            assert_eq!(world.state_of(unit).await, common::AssignmentState::Queued);
        }
        world.settle().await;
        let created = world.changes("intake");
        let roles: Vec<_> = created.iter().map(|c| (c.unit.as_str(), c.role(), c.step())).collect();
        assert_eq!(roles.len(), 2);
        assert!(roles.contains(&("cyber", common::AssignmentRole::Lead, Step::Created)));
        assert!(roles.contains(&("terrorism", common::AssignmentRole::Supporting, Step::Created)));
        assert!(created.iter().all(|c| c.actor.is_none()));
        let mut steps = world.steps("notification");
        steps.sort();
        assert_eq!(steps, [("cyber".into(), Step::Queued), ("terrorism".into(), Step::Queued)]);

        let lead = world.pull_one("cyber").await.assignment;
        let envelope = fact.envelope.unwrap();
        assert_eq!(lead.referral, envelope.referral);
        assert_eq!(lead.reference, envelope.reference);
        assert_eq!(lead.bureau, "NB-FR");
        assert_eq!(lead.desk, "threat-response");
        assert_eq!(lead.role(), common::AssignmentRole::Lead);
        assert_eq!(lead.state(), common::AssignmentState::Leased);
        assert_eq!(lead.completion, envelope.completion);
        assert_eq!(lead.rules, ["code.0903", "route.permitted"]);
        assert_eq!(lead.delivery_attempt, 1);
        assert_eq!(lead.markings.unwrap().tlp(), common::Tlp::Amber);
        let supporting = world.pull_one("terrorism").await.assignment;
        assert_eq!(supporting.role(), common::AssignmentRole::Supporting);
        assert_eq!(supporting.desk, "");
        assert!(world.pull("narcotics-organized-crime", 100).await.is_empty());
    }

    /// One for every assignment.
    async fn a_grant_writes_no_index(database: TestDatabase) {
        let world = World::new(database).await;
        world.classify(vec![world.classified("cyber", &[])]).await;
        changes_in_place(&world.db, "assignment", world.settle()).await;
        world.pull_one("cyber").await;
    }

    /// Exclusions and TLP:RED decide who may have it.
    async fn markings_decide_who_gets_it(database: TestDatabase) {
        let world = World::new(database).await;
        let mut excluded = world.classified("cyber", &["terrorism", "children-trafficking"]);
        excluded.envelope.as_mut().unwrap().markings =
            Some(common::Markings { excluded_units: vec!["cyber".into()], ..Default::default() });
        let mut red = world.classified("cyber", &["terrorism"]);
        red.envelope.as_mut().unwrap().markings =
            Some(common::Markings { tlp: common::Tlp::Red.into(), ..Default::default() });
        let mut nobody = world.classified("terrorism", &["cyber"]);
        nobody.envelope.as_mut().unwrap().markings = Some(common::Markings {
            excluded_units: vec!["cyber".into(), "terrorism".into()],
            ..Default::default()
        });
        let nobodys = nobody.envelope.clone().unwrap().referral;
        world.classify(vec![excluded, red, nobody]).await;
        world.settle().await;
        let mut created: Vec<_> =
            world.changes("intake").into_iter().map(|c| (c.unit.clone(), c.role())).collect();
        created.sort();
        let (lead, supporting) = (common::AssignmentRole::Lead, common::AssignmentRole::Supporting);
        assert_eq!(
            created,
            [
                ("children-trafficking".into(), supporting),
                ("cyber".into(), lead),
                ("terrorism".into(), lead)
            ]
        );
        let returned = returned(&world);
        assert_eq!(returned.len(), 1);
        assert_eq!(returned[0].referral, nobodys);
        assert_eq!(returned[0].cause(), TriageCause::NotPermitted);
        assert_eq!((returned[0].unit.as_str(), returned[0].revision), ("", 1));
        assert!(returned[0].excluded_units.is_empty());
    }

    /// Repetitions and late decisions change nothing.
    async fn the_same_event_twice_takes_effect_once(database: TestDatabase) {
        let world = World::new(database).await;
        let fact = world.classified("cyber", &[]);
        let event = world.event(fact.clone());
        for events in [vec![event.clone(), event.clone()], vec![event.clone()]] {
            for result in world.deliver_as("service/classification", events).await {
                assert_eq!(result.status(), DeliveryStatus::Accepted);
            }
        }
        // Another event that says the same.
        world.classify(vec![fact]).await;
        world.settle().await;
        assert_eq!(world.changes("intake").len(), 1);
        assert_eq!(world.seen_by("unit/cyber").await.len(), 1);
    }

    /// A bad event fails no neighbour, and who may say what is checked.
    async fn bad_events_are_rejected_alone(database: TestDatabase) {
        let world = World::new(database).await;
        let good = world.event(world.classified("cyber", &[]));
        let mut unknown = world.event(world.classified("cyber", &["dragons"]));
        unknown.subject = "referrals/other".into();
        let unreadable = world.event(world.classified("Cyber!", &[]));
        let mut foreign = world.event(world.classified("cyber", &[]));
        foreign.source = "liaison://service/intake".into();
        let mut other = world.event(world.classified("cyber", &[]));
        other.data = Some(Data::TaskChanged(event::TaskChanged::default()));
        let last = world.event(world.classified("terrorism", &[]));
        let events = vec![good, unknown, unreadable, foreign, other, last];
        let results = world.deliver_as("service/classification", events.clone()).await;
        let results: Vec<_> = results.iter().map(|r| (r.status(), r.reason.as_str())).collect();
        assert_eq!(
            results,
            [
                (DeliveryStatus::Accepted, ""),
                (DeliveryStatus::Rejected, "UNKNOWN_UNIT"),
                (DeliveryStatus::Rejected, "INVALID_ARGUMENT"),
                (DeliveryStatus::Rejected, "CALLER_NOT_ALLOWED"),
                (DeliveryStatus::Rejected, "INVALID_ARGUMENT"),
                (DeliveryStatus::Accepted, ""),
            ]
        );
        world.settle().await;
        assert_eq!(world.changes("intake").len(), 2);
        let mut as_intake = events[0].clone();
        as_intake.source = "liaison://service/intake".into();
        as_intake.id = world.env.event_id().to_string();
        let results = world.deliver_as("service/intake", vec![as_intake]).await;
        assert_eq!(results[0].status(), DeliveryStatus::Rejected);
    }

    /// After a return a person decides again: what is wanted stays, the rest is taken back.
    async fn a_later_decision_replaces_an_earlier_one(database: TestDatabase) {
        let world = World::new(database).await;
        let fact = world.routed("cyber", &["terrorism", "children-trafficking"]).await;
        let held = world.pull_one("cyber").await;
        let decline = held.decline(common::DeclineReason::WrongUnit);
        world.unit("cyber").decline_assignment(decline).await.unwrap();
        world.settle().await;
        let back = returned(&world);
        assert_eq!(back.len(), 1);
        assert_eq!((back[0].cause(), back[0].unit.as_str()), (TriageCause::WrongUnit, "cyber"));
        assert_eq!(back[0].excluded_units, ["cyber"]);
        world.told("intake");

        let again = world.again(&fact, "terrorism", &["narcotics-organized-crime"]);
        world.classify(vec![again.clone()]).await;
        world.settle().await;
        let mut steps = world.steps("intake");
        steps.sort();
        assert_eq!(
            steps,
            [
                ("children-trafficking".into(), Step::Revoked),
                ("narcotics-organized-crime".into(), Step::Created),
                ("terrorism".into(), Step::Promoted),
            ]
        );
        assert_eq!(world.state_of("children-trafficking").await, common::AssignmentState::Revoked);
        let lead = world.pull_one("terrorism").await.assignment;
        assert_eq!(lead.role(), common::AssignmentRole::Lead);
        // An older revision that arrives late.
        world.classify(vec![world.again(&fact, "cyber", &[])]).await;
        world.settle().await;
        assert!(world.steps("intake").is_empty());
    }

    /// Whoever has not accepted loses it, whoever comes late finds nothing, and it can be given to a unit again.
    async fn what_is_nobodys_is_taken_back(database: TestDatabase) {
        let world = World::new(database).await;
        let fact = world.routed("cyber", &["terrorism"]).await;
        let held = world.pull_one("cyber").await;
        world.told("intake");
        let none = world.refused(&fact);
        world.classify(vec![none.clone()]).await;
        world.classify(vec![none.clone(), fact.clone()]).await;
        world.settle().await;
        let mut steps = world.steps("intake");
        steps.sort();
        assert_eq!(steps, [("cyber".into(), Step::Revoked), ("terrorism".into(), Step::Revoked)]);
        assert!(returned(&world).is_empty());
        let late = world.unit("cyber").accept_assignment(held.accept()).await;
        assert_eq!(crate::world::refused(late), "ILLEGAL_STATE");
        assert!(world.pull("terrorism", 100).await.is_empty());

        let again = world.again(&none, "terrorism", &[]);
        world.classify(vec![again]).await;
        world.settle().await;
        let lead = world.pull_one("terrorism").await.assignment;
        assert_eq!((lead.role(), lead.referral), (common::AssignmentRole::Lead, fact.envelope.unwrap().referral));
    }

    /// A decision that comes after the end of the content: there is nothing to work on.
    async fn what_was_purged_is_assigned_to_nobody(database: TestDatabase) {
        let world = World::new(database).await;
        let fact = world.routed("cyber", &[]).await;
        let none = world.refused(&fact);
        world.classify(vec![none.clone()]).await;
        world.settle().await;
        world.told("intake");
        let referral = fact.envelope.unwrap().referral;
        let mut purged = world.event(none.clone());
        purged.source = "liaison://service/intake".into();
        purged.data = Some(Data::ReferralPurged(event::ReferralPurged { referral }));
        let results = world.deliver_as("service/intake", vec![purged]).await;
        assert_eq!(results[0].status(), DeliveryStatus::Accepted, "{results:?}");
        world.classify(vec![world.again(&none, "terrorism", &["cyber"])]).await;
        world.settle().await;
        assert!(world.steps("intake").is_empty() && returned(&world).is_empty());
        assert!(world.pull("terrorism", 100).await.is_empty());
    }

    /// Who has accepted the lead keeps it, with what it began.
    async fn what_is_nobodys_stays_with_who_has_accepted(database: TestDatabase) {
        let world = World::new(database).await;
        let fact = world.routed("cyber", &["terrorism"]).await;
        world.accepted("cyber").await;
        world.classify(vec![world.refused(&fact)]).await;
        world.settle().await;
        assert_eq!(world.state_of("cyber").await, common::AssignmentState::Accepted);
        assert_eq!(world.state_of("terrorism").await, common::AssignmentState::Revoked);
        assert!(returned(&world).is_empty());
    }

    /// One that never was with a unit, both answers at once, and neither.
    async fn a_refusal_of_what_was_never_routed_assigns_nothing(database: TestDatabase) {
        let world = World::new(database).await;
        let fact = world.classified("cyber", &[]);
        world.classify(vec![world.refused(&fact)]).await;
        world.settle().await;
        assert!(world.steps("intake").is_empty() && returned(&world).is_empty());
        let mut both = world.refused(&world.classified("cyber", &[]));
        both.lead = "cyber".into();
        let mut neither = world.classified("cyber", &[]);
        neither.lead.clear();
        let events = [both, neither].map(|fact| world.event(fact));
        for result in world.deliver_as("service/classification", events.into()).await {
            let told = (result.status(), result.reason.as_str());
            assert_eq!(told, (DeliveryStatus::Rejected, "INVALID_ARGUMENT"));
        }
    }

    /// Two decisions on one referral in one batch, and many referrals at once.
    async fn a_full_batch_takes_effect_at_once(database: TestDatabase) {
        let world = World::new(database).await;
        let first = world.classified("cyber", &["terrorism"]);
        let second = world.again(&first, "terrorism", &[]);
        let mut facts = vec![first, second];
        for _ in 0..254 {
            facts.push(world.classified("narcotics-organized-crime", &[]));
        }
        world.classify(facts).await;
        world.settle().await;
        assert_eq!(world.db.counts()["routing.deliver_events"].committed, 1);
        assert_eq!(world.pull("narcotics-organized-crime", 100).await.len(), 100);
        assert_eq!(world.state_of("cyber").await, common::AssignmentState::Revoked);
        let lead = world.pull_one("terrorism").await.assignment;
        assert_eq!(lead.role(), common::AssignmentRole::Lead);
        // Sequences ascend for each assignment.
        let mut last = std::collections::HashMap::new();
        for event in world.told("intake") {
            let before = last.insert(event.subject.clone(), event.sequence).unwrap_or(0);
            assert!(before < event.sequence, "{}", event.subject);
        }
    }
}
