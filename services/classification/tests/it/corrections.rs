//! What is said of decisions afterwards is kept with both of them.

use liaison_proto::event::TriageCause;
use liaison_testkit::both_backends;
use liaison_types::referral::RefusalGround;
use liaison_types::{ReferralId, UnitCode};

use crate::kit::{World, coded, contents, vague};

/// Nothing was said.
const NOTHING: [&str; 0] = [];

async fn back(
    world: &World,
    referral: ReferralId,
    revision: i32,
    cause: TriageCause,
    out: &[&str],
) {
    let event = world.came_back(referral, revision, cause, out);
    world.deliver("routing", vec![event.clone()]).await;
    // Delivered twice, said once.
    world.deliver("routing", vec![event]).await;
}

both_backends! {
    /// The machine proposed; people agree or do not.
    async fn rulings_are_kept_with_the_proposal(database: TestDatabase) {
        let world = World::new(database).await;
        let (agreed, other) = (world.admit(vague()).await, world.admit(vague()).await);
        world.work().await;
        let proposal = world.latest(other).await;
        let lead = if proposal.lead.as_ref().is_some_and(|lead| lead.as_str() == "terrorism") {
            "cyber"
        } else {
            "terrorism"
        };
        world.rule(other, lead, &[]).await.unwrap();
        let proposed = proposal.lead.as_ref().map_or("none", |lead| lead.as_str());
        assert_eq!(world.said(other).await, [format!("RULING {proposed} {lead}")]);
        let said = world.open(other).await.unwrap().corrections;
        let machine = said[0].machine.as_ref().unwrap();
        assert_eq!(machine.decision, proposal.id);
        assert_eq!((&machine.rule_set, machine.language), (&proposal.rule_set, proposal.language));
        assert_eq!(machine.confidence, proposal.confidence());
        assert!(machine.confidence.is_some());

        // The machine proposes nobody here, and people agree.
        assert_eq!(world.said(agreed).await, NOTHING);
        world.refuse(agreed, RefusalGround::NotAnOffence).await.unwrap();
        assert_eq!(world.said(agreed).await, ["CONFIRMED none none"]);
        // Another one is routed, dead-lettered, and ruled as it was proposed.
        let routed = world.admit(coded("0903")).await;
        world.work().await;
        back(&world, routed, 1, TriageCause::DeadLettered, &[]).await;
        let supporting = world.latest(routed).await.supporting;
        let supporting: Vec<&str> = supporting.iter().map(UnitCode::as_str).collect();
        world.rule(routed, "cyber", &supporting).await.unwrap();
        assert_eq!(world.said(routed).await, ["CONFIRMED cyber cyber"]);
        // The same once more is no news.
        back(&world, routed, 2, TriageCause::DeadLettered, &[]).await;
        world.rule(routed, "cyber", &supporting).await.unwrap();
        assert_eq!(world.said(routed).await, ["CONFIRMED cyber cyber"]);
    }

    /// Each unit's word is kept at once, and completed by whatever is decided then.
    async fn every_wrong_unit_is_kept(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit(coded("0903")).await;
        world.work().await;
        back(&world, referral, 1, TriageCause::WrongUnit, &["cyber"]).await;
        assert_eq!(world.said(referral).await, ["WRONG_UNIT cyber -"]);
        world.rule(referral, "terrorism", &[]).await.unwrap();
        assert_eq!(world.said(referral).await, ["WRONG_UNIT cyber terrorism"]);
        back(&world, referral, 2, TriageCause::WrongUnit, &["cyber", "terrorism"]).await;
        world.rule(referral, "children-trafficking", &["narcotics-organized-crime"]).await.unwrap();
        assert_eq!(
            world.said(referral).await,
            ["WRONG_UNIT cyber terrorism", "WRONG_UNIT terrorism children-trafficking"]
        );
        let said = world.open(referral).await.unwrap().corrections;
        let after = said[0].after.as_ref().unwrap();
        assert_eq!(after.supporting, ["narcotics-organized-crime".parse().unwrap()]);
        // Both speak of the machine's decision, which is what is measured.
        let machine = |at: usize| said[at].machine.as_ref().unwrap().decision;
        assert_eq!((machine(0), machine(1)), (said[1].before.as_ref().unwrap().decision, machine(0)));
    }

    /// A unit without room says nothing of what kind of case it is, and neither does who gets it instead.
    async fn a_unit_that_cannot_take_it_was_not_the_wrong_one(database: TestDatabase) {
        let world = World::new(database).await;
        for cause in [TriageCause::Declined, TriageCause::DeadLettered] {
            let referral = world.admit(coded("0903")).await;
            world.work().await;
            back(&world, referral, 1, cause, &["cyber"]).await;
            assert_eq!(world.said(referral).await, NOTHING);
            world.rule(referral, "terrorism", &[]).await.unwrap();
            assert_eq!(world.said(referral).await, ["REASSIGNED cyber terrorism"]);
        }
    }

    /// The unit that fits has no room; the one that leads in its place says rightly that it is the wrong one.
    async fn who_leads_for_another_says_nothing_of_the_decision(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit(coded("0903")).await;
        world.work().await;
        back(&world, referral, 1, TriageCause::WrongUnit, &["cyber", "terrorism"]).await;
        assert_eq!(world.said(referral).await, ["REASSIGNED terrorism -"]);
        world.rule(referral, "children-trafficking", &[]).await.unwrap();
        assert_eq!(world.said(referral).await, ["REASSIGNED terrorism children-trafficking"]);
        // Or the desk gave it to another for want of room, which says the same.
        let other = world.admit(coded("0903")).await;
        world.work().await;
        back(&world, other, 1, TriageCause::Declined, &["cyber"]).await;
        world.rule(other, "terrorism", &[]).await.unwrap();
        back(&world, other, 2, TriageCause::WrongUnit, &["cyber", "terrorism"]).await;
        world.rule(other, "children-trafficking", &[]).await.unwrap();
        let said = ["REASSIGNED cyber terrorism", "REASSIGNED terrorism children-trafficking"];
        assert_eq!(world.said(other).await, said);
        let figures = world.ops.get_drift_figures(1).await.unwrap();
        assert_eq!((figures[0].decisions, figures[0].changed), (2, 0));
    }

    /// The machine could not decide: what people rule is known all the same.
    async fn a_ruling_without_a_proposal(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit(coded("99")).await;
        for _ in 0..crate::kit::MAX_ATTEMPTS {
            world.work().await;
            world.environment.advance(std::time::Duration::from_secs(60));
        }
        assert_eq!(world.state(referral).await, "TRIAGE");
        world.rule(referral, "terrorism", &[]).await.unwrap();
        assert_eq!(world.said(referral).await, ["RULING - terrorism"]);
    }

    /// The machine decides again: only another answer is kept.
    async fn a_case_that_is_decided_again_by_the_machine(database: TestDatabase) {
        let world = World::new(database).await;
        let (same, other) = (world.admit(coded("0903")).await, world.admit(coded("0903")).await);
        world.work().await;
        world.intake.has(other, coded("0906"));
        world.execute("UPDATE referral_case SET state = 'PENDING', due_at = 0").await;
        world.work().await;
        assert_eq!(world.count("decision").await, 4);
        assert_eq!(world.said(same).await, NOTHING);
        assert_eq!(world.said(other).await, ["AMENDMENT cyber terrorism"]);
        let said = world.open(other).await.unwrap().corrections;
        let latest = world.latest(other).await;
        assert_eq!(said[0].machine.as_ref().unwrap().decision, latest.id);
        assert_eq!(said[0].after.as_ref().unwrap().decision, latest.id);
    }

    /// What fails with the transaction is not said either.
    async fn nothing_is_kept_of_what_did_not_happen(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit(coded("0903")).await;
        world.work().await;
        let decision = world.latest(referral).await.id;
        world.execute("ALTER TABLE outbox RENAME TO hidden").await;
        let back = world.came_back(referral, 1, TriageCause::WrongUnit, &["cyber"]);
        for result in world.offer("routing", vec![back]).await {
            assert_ne!(result.status(), liaison_proto::event::DeliveryStatus::Accepted);
        }
        world.correct(decision, "terrorism", &[]).await.unwrap_err();
        world.execute("ALTER TABLE hidden RENAME TO outbox").await;
        assert_eq!((world.count("correction").await, world.count("decision").await), (0, 1));
    }

    /// Ids, codes and numbers: a purge has nothing to destroy there.
    async fn a_purge_leaves_what_holds_no_words(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit(coded("0903")).await;
        world.work().await;
        let decision = world.latest(referral).await.id;
        world.correct(decision, "terrorism", &[]).await.unwrap();
        let before = world.said(referral).await;
        assert!(!contents(&world, "correction").await.contains("found later"));
        world.deliver("intake", vec![world.purged(referral)]).await;
        assert_eq!(world.said(referral).await, before);
        let opened = world.open(referral).await.unwrap();
        assert!(opened.decisions.iter().all(|decided| decided.note.is_none()));
    }
}
