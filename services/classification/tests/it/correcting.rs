//! The triage desk corrects what routing has.

use std::time::Duration;

use liaison_classification::case::Actor;
use liaison_proto::common::Markings;
use liaison_proto::event::TriageCause;
use liaison_proto::event::event::Data;
use liaison_testkit::both_backends;
use liaison_types::{DecisionId, ErrorKind, Reason, ReferralId};

use crate::kit::{World, coded, duty_officer, vague};

/// A referral that the machine gave to `cyber`, and its decision.
async fn routed(world: &World) -> (ReferralId, DecisionId) {
    let referral = world.admit(coded("0903")).await;
    world.work().await;
    let decided = world.latest(referral).await;
    assert_eq!(decided.lead.as_ref().unwrap().as_str(), "cyber");
    (referral, decided.id)
}

both_backends! {
    /// The next revision, of which routing and intake are told; the first decision stays as it was.
    async fn a_correction_is_the_next_decision(database: TestDatabase) {
        let world = World::new(database).await;
        let (referral, decision) = routed(&world).await;
        let machine = world.latest(referral).await;
        let decided = world.correct(decision, "terrorism", &["cyber"]).await.unwrap();
        assert_eq!(decided.revision, 2);
        assert_eq!(world.state(referral).await, "ROUTED");
        let decisions = world.ops.list_decisions(referral).await.unwrap();
        assert_eq!(decisions, [decided.clone(), machine]);
        assert_eq!(decided.note.as_deref(), Some("as was found later"));
        let told = world.told(referral).await;
        let kind = "case_classified";
        assert_eq!(told[2..], [(2, "intake".into(), kind), (2, "routing".into(), kind)]);
        let Some(Data::CaseClassified(classified)) = &world.outbox().await[3].1.data else {
            panic!("another kind");
        };
        assert_eq!((classified.lead.as_str(), classified.revision), ("terrorism", 2));
        assert_eq!(classified.supporting, ["cyber"]);
        assert!(classified.by_person);
        assert_eq!(classified.rules, ["triage.correction"]);
        assert_eq!(world.count("triage_item").await, 0);
        assert_eq!(world.said(referral).await, ["CORRECTION cyber terrorism"]);
        let audited = "audit WHERE action = 'classification.correct_decision' AND officer = 'd.officer'";
        assert_eq!(world.count(audited).await, 1);
        let permitted = "classification.correct_decision triage PERMIT";
        assert!(world.decided().await.contains(&permitted.to_owned()));

        // And again: what a person decided can be corrected as well.
        let again = world.correct(decided.id, "cyber", &[]).await.unwrap();
        assert_eq!(again.revision, 3);
        let said = ["CORRECTION cyber terrorism", "CORRECTION terrorism cyber"];
        assert_eq!(world.said(referral).await, said);
    }

    /// An answer that was lost is asked for again: the same decision, and nothing more happens.
    async fn a_repetition_changes_nothing(database: TestDatabase) {
        let world = World::new(database).await;
        let (referral, decision) = routed(&world).await;
        let first = world.correct(decision, "terrorism", &["cyber"]).await.unwrap();
        let second = world.correct(decision, "terrorism", &["cyber"]).await.unwrap();
        assert_eq!(second.id, first.id);
        assert_eq!(world.count("decision").await, 2);
        assert_eq!(world.count("correction").await, 1);
        assert_eq!(world.told(referral).await.len(), 4);

        // Anything else about the same decision comes too late.
        let other = Actor { officer: "another".into(), ..duty_officer() };
        for (by, lead, supporting) in [
            (&other, "terrorism", &["cyber"][..]),
            (&duty_officer(), "terrorism", &[]),
            (&duty_officer(), "narcotics-organized-crime", &["cyber"]),
        ] {
            let late = world.correct_as(by, decision, lead, supporting).await.unwrap_err();
            assert_eq!((late.kind(), late.reason()), (ErrorKind::Aborted, Reason::StaleEtag));
        }
        assert_eq!(world.count("decision").await, 2);
    }

    /// Each mistake has its own reason, and changes nothing.
    async fn what_may_not_be_corrected(database: TestDatabase) {
        let world = World::new(database).await;
        let excluding = |units: &[&str]| Markings {
            excluded_units: units.iter().map(ToString::to_string).collect(),
            ..Markings::default()
        };
        let markings = excluding(&["terrorism"]);
        let referral = world.admit_as(coded("0903"), |sent| sent.markings = Some(markings)).await;
        world.work().await;
        let decision = world.latest(referral).await.id;
        let refused = async |decision, lead: &str, supporting: &[&str]| {
            world.correct(decision, lead, supporting).await.unwrap_err().reason()
        };
        let unknown = DecisionId::from_uuid(referral.uuid());
        assert_eq!(refused(unknown, "cyber", &[]).await, Reason::NotFound);
        assert_eq!(refused(decision, "traffic", &[]).await, Reason::UnknownUnit);
        assert_eq!(refused(decision, "none", &[]).await, Reason::UnknownUnit);
        assert_eq!(refused(decision, "terrorism", &[]).await, Reason::UnitExcluded);
        assert_eq!(refused(decision, "cyber", &["terrorism"]).await, Reason::UnitExcluded);
        let supporting: Vec<String> =
            world.latest(referral).await.supporting.iter().map(ToString::to_string).collect();
        let supporting: Vec<&str> = supporting.iter().map(String::as_str).collect();
        assert_eq!(refused(decision, "cyber", &supporting).await, Reason::InvalidArgument, "nothing changes");
        assert_eq!((world.count("decision").await, world.count("correction").await), (1, 0));
        assert_eq!(world.decided().await, [
            "classification.correct_decision route REFUSE LEAD unit/terrorism",
            "classification.correct_decision route REFUSE SUPPORTING unit/terrorism",
        ]);

        // What waits at the desk is decided there.
        let referral = world.admit(vague()).await;
        world.work().await;
        let proposal = world.latest(referral).await.id;
        assert_eq!(refused(proposal, "terrorism", &[]).await, Reason::IllegalState);
        world.rule(referral, "terrorism", &[]).await.unwrap();
        assert_eq!(refused(proposal, "cyber", &[]).await, Reason::StaleEtag);
    }

    /// Two officers at the same moment: one corrects, the other is told that it is no longer as it was read.
    async fn two_officers_correct_once(database: TestDatabase) {
        let world = World::new(database).await;
        let (referral, decision) = routed(&world).await;
        let other = Actor { officer: "another".into(), ..duty_officer() };
        let (one, other) = tokio::join!(
            world.correct(decision, "terrorism", &[]),
            world.correct_as(&other, decision, "children-trafficking", &[]),
        );
        let ((Ok(_), Err(failed)) | (Err(failed), Ok(_))) = (one, other) else {
            panic!("exactly one");
        };
        assert_eq!(failed.reason(), Reason::StaleEtag);
        assert_eq!(world.told(referral).await.len(), 4);
        assert_eq!(world.count("correction").await, 1);
    }

    /// A unit gives it back while the desk corrects it: whichever comes first, it is never lost and never
    /// decided twice.
    async fn a_correction_and_a_return_cross(database: TestDatabase) {
        let world = World::new(database).await;
        let (corrected, decision) = routed(&world).await;
        let back = world.came_back(corrected, 1, TriageCause::WrongUnit, &["cyber"]);
        world.correct(decision, "terrorism", &[]).await.unwrap();
        world.environment.advance(Duration::from_secs(1));
        world.deliver("routing", vec![back]).await;
        assert_eq!(world.state(corrected).await, "ROUTED");
        assert_eq!(world.told(corrected).await.len(), 4, "the return is out of date");
        // What the unit said is kept, with what stands already.
        let said = ["CORRECTION cyber terrorism", "WRONG_UNIT cyber terrorism"];
        assert_eq!(world.said(corrected).await, said);

        let (returned, decision) = routed(&world).await;
        let back = world.came_back(returned, 1, TriageCause::WrongUnit, &["cyber"]);
        world.deliver("routing", vec![back]).await;
        let late = world.correct(decision, "terrorism", &[]).await.unwrap_err();
        assert_eq!(late.reason(), Reason::IllegalState);
        assert_eq!(world.state(returned).await, "TRIAGE");
    }

    /// The corrected decision can come back like any other.
    async fn a_correction_can_come_back(database: TestDatabase) {
        let world = World::new(database).await;
        let (referral, decision) = routed(&world).await;
        world.correct(decision, "terrorism", &[]).await.unwrap();
        let back = world.came_back(referral, 2, TriageCause::WrongUnit, &["terrorism"]);
        world.deliver("routing", vec![back]).await;
        assert_eq!(world.state(referral).await, "TRIAGE");
        let decided = world.rule(referral, "narcotics-organized-crime", &[]).await.unwrap();
        assert_eq!(decided.revision, 3);
        let said = ["CORRECTION cyber terrorism", "WRONG_UNIT terrorism narcotics-organized-crime"];
        assert_eq!(world.said(referral).await, said);
    }
}
