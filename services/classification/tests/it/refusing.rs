//! The triage desk finds that a case is no unit's business.

use std::time::Duration;

use liaison_classification::case::{Actor, Course};
use liaison_classification::convert::{decision, label, labels_request, listed, week};
use liaison_classification::desk::Finding;
use liaison_proto::classification::{CorrectionCause, DecisionOutcome, ListLabelsRequest};
use liaison_proto::common;
use liaison_proto::event::event::Data;
use liaison_proto::event::{CaseClassified, TriageCause};
use liaison_testkit::both_backends;
use liaison_types::referral::RefusalGround;
use liaison_types::{ErrorKind, Reason, ReferralId};

use crate::kit::{World, coded, duty_officer, vague};

/// What was last told about it.
async fn told_last(world: &World, referral: ReferralId) -> CaseClassified {
    let subject = liaison_grpc::wire::resource(referral);
    let outbox = world.outbox().await;
    let last = outbox
        .into_iter()
        .rfind(|(_, event)| event.subject == subject);
    match last.and_then(|(_, event)| event.data) {
        Some(Data::CaseClassified(classified)) => classified,
        other => panic!("another kind: {other:?}"),
    }
}

/// Cause and lead of each label, the oldest first.
async fn labels(world: &World) -> Vec<(CorrectionCause, String)> {
    let request = labels_request(&duty_officer().party, &ListLabelsRequest::default()).unwrap();
    let (labels, _) = world.ops.list_labels(&request).await.unwrap();
    let labels = labels.iter().map(label);
    labels.map(|label| (label.cause(), label.lead)).collect()
}

async fn changed(world: &World) -> i64 {
    let figures = world.ops.get_drift_figures(1).await.unwrap();
    figures.iter().map(|figures| week(figures).changed).sum()
}

both_backends! {
    /// Routing and intake are told the ground and who decided; the machine, which proposed it, was right.
    async fn what_the_machine_proposes_as_nobodys_is_refused_by_people(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit(vague()).await;
        world.work().await;
        let proposal = world.latest(referral).await;
        assert_eq!((proposal.lead.as_ref(), proposal.course), (None, Course::Review), "never by itself");
        let decided = world.refuse(referral, RefusalGround::NotAnOffence).await.unwrap();
        assert_eq!((decided.revision, decided.course), (2, Course::Refuse(RefusalGround::NotAnOffence)));
        assert_eq!(world.state(referral).await, "REFUSED");
        assert_eq!(world.latest(referral).await, decided, "read as it was kept");

        let told = world.told(referral).await;
        let kind = "case_classified";
        assert_eq!(told[2..], [(2, "intake".into(), kind), (2, "routing".into(), kind)]);
        let fact = told_last(&world, referral).await;
        assert_eq!((fact.lead.as_str(), fact.supporting.len(), fact.revision), ("", 0, 2));
        assert_eq!(fact.refusal_ground(), common::RefusalGround::NotAnOffence);
        assert_eq!((fact.by_person, fact.actor.unwrap().officer.as_str()), (true, "d.officer"));

        let shown = decision(&decided);
        assert_eq!((shown.lead.as_str(), shown.outcome()), ("none", DecisionOutcome::Refuse));
        assert_eq!(shown.refusal_ground(), common::RefusalGround::NotAnOffence);
        assert_eq!(listed(&decided).note, "");
        assert_eq!(world.said(referral).await, ["CONFIRMED none none"]);
        assert_eq!(labels(&world).await, [(CorrectionCause::Confirmed, "none".into())]);
        assert_eq!(changed(&world).await, 0, "the machine was right");
        let audited = "audit WHERE action = 'classification.decide_triage' AND officer = 'd.officer' \
            AND purpose = 'NOT_AN_OFFENCE'";
        assert_eq!(world.count(audited).await, 1);

        // And wrong where people rule otherwise.
        let other = world.admit(vague()).await;
        world.work().await;
        world.rule(other, "cyber", &[]).await.unwrap();
        assert_eq!(world.said(other).await, ["RULING none cyber"]);
        assert_eq!(changed(&world).await, 1);

        let again = world.refuse(referral, RefusalGround::NotAnOffence).await.unwrap_err();
        assert_eq!((again.kind(), again.reason()), (ErrorKind::FailedPrecondition, Reason::IllegalState));
        let late = world.rule(referral, "cyber", &[]).await.unwrap_err();
        assert_eq!(late.reason(), Reason::IllegalState);
    }

    /// Where the machine proposed a unit, it was wrong; and what was refused can be somebody's after all.
    async fn a_refusal_is_corrected_like_any_decision(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit(coded("0903")).await;
        world.work().await;
        let machine = world.latest(referral).await.id;
        let desk = duty_officer();
        let none = |ground| Finding::NoUnit(ground);
        let correct = async |decision, ground| world.correct_to(&desk, decision, none(ground)).await;
        let refused = correct(machine, RefusalGround::BelowThreshold).await.unwrap();
        assert_eq!(world.state(referral).await, "REFUSED");
        assert_eq!(changed(&world).await, 1, "the machine was wrong");
        // The answer was lost.
        let again = correct(machine, RefusalGround::BelowThreshold).await.unwrap();
        assert_eq!(again.id, refused.id);
        let other = correct(machine, RefusalGround::Purpose).await.unwrap_err();
        assert_eq!(other.reason(), Reason::StaleEtag);
        let same = correct(refused.id, RefusalGround::BelowThreshold).await.unwrap_err();
        assert_eq!(same.reason(), Reason::InvalidArgument, "nothing changes");

        let ground = correct(refused.id, RefusalGround::Purpose).await.unwrap();
        assert_eq!((ground.revision, ground.course), (3, Course::Refuse(RefusalGround::Purpose)));
        assert_eq!(told_last(&world, referral).await.refusal_ground(), common::RefusalGround::Purpose);
        let given = world.correct(ground.id, "cyber", &[]).await.unwrap();
        assert_eq!((world.state(referral).await.as_str(), given.course), ("ROUTED", Course::Route));
        let fact = told_last(&world, referral).await;
        assert_eq!((fact.lead.as_str(), fact.refusal_ground, fact.revision), ("cyber", 0, 4));
        assert_eq!(world.said(referral).await, [
            "CORRECTION cyber none", "CORRECTION none none", "CORRECTION none cyber",
        ]);
        assert_eq!(labels(&world).await, [(CorrectionCause::Correction, "cyber".into())]);
        assert_eq!(changed(&world).await, 0, "it was right after all");
        // Whoever comes with the same finding under another name comes too late.
        let another = Actor { officer: "another".into(), ..duty_officer() };
        let late = world.correct_to(&another, refused.id, none(RefusalGround::Purpose)).await;
        assert_eq!(late.unwrap_err().reason(), Reason::StaleEtag);
    }

    /// A unit said that it is the wrong one, and people find that all are.
    async fn a_case_that_came_back_may_be_nobodys(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit(coded("0903")).await;
        world.work().await;
        let back = world.came_back(referral, 1, TriageCause::WrongUnit, &["cyber"]);
        world.deliver("routing", vec![back]).await;
        world.refuse(referral, RefusalGround::NotAnOffence).await.unwrap();
        assert_eq!(world.said(referral).await, ["WRONG_UNIT cyber none"]);
        assert_eq!(labels(&world).await, [(CorrectionCause::WrongUnit, "none".into())]);
        assert_eq!(changed(&world).await, 1);

        // Nobody has room, and it is no offence either.
        let referral = world.admit(coded("0903")).await;
        world.work().await;
        let back = world.came_back(referral, 1, TriageCause::Declined, &["cyber"]);
        world.deliver("routing", vec![back]).await;
        world.refuse(referral, RefusalGround::NotAnOffence).await.unwrap();
        assert_eq!(world.said(referral).await, ["RULING cyber none"]);
        assert_eq!((labels(&world).await.len(), changed(&world).await), (2, 2));

        // Nobody could have it, which says nothing of what it is.
        let referral = world.admit(coded("0903")).await;
        world.work().await;
        let back = world.came_back(referral, 1, TriageCause::Declined, &["cyber"]);
        world.deliver("routing", vec![back]).await;
        world.refuse(referral, RefusalGround::NotAvailable).await.unwrap();
        assert_eq!(world.said(referral).await, ["REASSIGNED cyber none"]);
        assert_eq!(labels(&world).await.len(), 2);
    }

    /// Who learns from it knows the ground, and nothing can be given to a unit once its content is gone.
    async fn what_was_refused_and_purged_stays_refused(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit(vague()).await;
        world.work().await;
        let refused = world.refuse(referral, RefusalGround::NotAvailable).await.unwrap();
        let request = labels_request(&duty_officer().party, &ListLabelsRequest::default()).unwrap();
        let (found, _) = world.ops.list_labels(&request).await.unwrap();
        assert_eq!(label(&found[0]).refusal_ground(), common::RefusalGround::NotAvailable);
        assert!(label(&found[0]).machine.is_some());
        world.deliver("intake", vec![world.purged(referral)]).await;
        let late = world.correct(refused.id, "cyber", &[]).await.unwrap_err();
        assert_eq!((late.kind(), late.reason()), (ErrorKind::FailedPrecondition, Reason::ContentPurged));
        assert_eq!(world.told(referral).await.len(), 4);
    }

    /// A unit gives it back while the desk refuses it: it stays refused, and what the unit said is kept.
    async fn a_refusal_and_a_return_cross(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = world.admit(coded("0903")).await;
        world.work().await;
        let machine = world.latest(referral).await.id;
        let back = world.came_back(referral, 1, TriageCause::WrongUnit, &["cyber"]);
        let none = Finding::NoUnit(RefusalGround::NotAnOffence);
        world.correct_to(&duty_officer(), machine, none).await.unwrap();
        world.environment.advance(Duration::from_secs(1));
        world.deliver("routing", vec![back]).await;
        assert_eq!(world.state(referral).await, "REFUSED");
        assert_eq!(world.told(referral).await.len(), 4, "the return is out of date");
        assert_eq!(world.said(referral).await, ["CORRECTION cyber none", "WRONG_UNIT cyber none"]);
        assert_eq!(labels(&world).await, [(CorrectionCause::WrongUnit, "none".into())]);
    }
}
