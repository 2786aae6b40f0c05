//! What is no unit's business is refused by people, the bureau is told why, and it is not the last word.

use e2e::refusal::{invalid, refused};
use e2e::{Client, PATIENCE, Suite, dossier, eventually, history, unit};
use liaison_proto::classification::{
    CorrectDecisionRequest, CorrectionCause, DecideTriageRequest, Decision, DecisionOutcome,
};
use liaison_proto::common::{AssignmentState, Outcome, ReferralState, RefusalGround};
use liaison_proto::event::ReferralStep as S;
use liaison_proto::event::event::Data;
use liaison_types::Reason;
use tonic::{Code, Status};

use crate::correcting::{labels, opened};
use crate::triage::{decide, decision, item};

/// The ruling that `referral`, which waits at the desk, is nobody's.
async fn none(desk: &Client, referral: &str) -> DecideTriageRequest {
    DecideTriageRequest {
        refusal_ground: RefusalGround::NotAnOffence.into(),
        ..decision(&item(desk, referral).await, "none")
    }
}

/// Says of the latest decision on `referral` that it is nobody's, or `lead`'s.
async fn correct(desk: &Client, referral: &str, lead: &str) -> Result<Decision, Status> {
    let ground = match lead {
        "none" => RefusalGround::BelowThreshold,
        _ => RefusalGround::Unspecified,
    };
    let request = CorrectDecisionRequest {
        name: opened(desk, referral).await.decisions[0].name.clone(),
        lead: lead.to_owned(),
        reason: "Read again with the annex.".to_owned(),
        refusal_ground: ground.into(),
        ..CorrectDecisionRequest::default()
    };
    let answer = desk.classification().correct_decision(request).await?;
    Ok(answer.into_inner().decision.unwrap())
}

e2e::both_backends! {
    async fn the_desk_finds_that_it_is_nobodys(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let desk = suite.client("desk/triage").officer("t.duty");
        let referral = bureau.submit(dossier::unclear()).await.unwrap().name;
        let ruling = none(&desk, &referral).await;
        for party in ["bureau/NB-FR", "unit/cyber", "operator/local"] {
            let other = suite.client(party).officer("x.first");
            refused(decide(&other, ruling.clone()).await, Code::PermissionDenied, Reason::CallerNotAllowed);
        }
        refused(decide(&desk.nobody(), ruling.clone()).await, Code::PermissionDenied, Reason::OfficerRequired);
        let decided = decide(&desk, ruling.clone()).await.unwrap();
        assert_eq!((decided.lead.as_str(), decided.outcome()), ("none", DecisionOutcome::Refuse));
        refused(decide(&desk, ruling).await, Code::FailedPrecondition, Reason::IllegalState);

        let over = bureau.reaches(&referral, ReferralState::Refused).await;
        assert_eq!(over.refusal_ground(), RefusalGround::NotAnOffence);
        assert_eq!(over.lead_unit, "");
        suite.drained().await;
        let steps = history::read(&bureau, &referral).await;
        history::in_order(&steps, &[S::Submitted, S::Admitted, S::TriageRequested, S::Refused]);
        let last = steps.iter().rfind(|entry| entry.step() == S::Refused).unwrap();
        assert_eq!(last.detail, "NOT_AN_OFFENCE");
        assert_eq!(last.actor.as_ref().unwrap().party, "desk/triage");
        // The bureau is told, and not in the desk's words.
        let told = history::notifications(&bureau).await;
        let told: Vec<_> = told.into_iter().filter_map(|note| note.event.and_then(|event| event.data)).collect();
        let refusal = told.iter().find_map(|data| match data {
            Data::ReferralChanged(changed) if changed.step() == S::Refused => Some(changed),
            _ => None,
        });
        assert_eq!(refusal.unwrap().detail, "NOT_AN_OFFENCE");
        assert!(!format!("{told:?}{steps:?}").contains("Known to this unit"));
        // No unit ever had it, and the machine learns from it.
        assert!(unit::assignments(&desk, &[]).await.is_empty());
        let learned = labels(&desk).await;
        let proposed = &learned[0].machine.as_ref().unwrap().lead;
        let cause = if proposed == "none" { CorrectionCause::Confirmed } else { CorrectionCause::Ruling };
        assert_eq!((learned[0].cause(), learned[0].lead.as_str()), (cause, "none"));
    }

    /// A unit has not accepted: it loses it. The bureau asks, the desk reads again, and the right unit works it.
    async fn a_refusal_is_not_the_last_word(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let desk = suite.client("desk/triage").officer("t.duty");
        let cyber = suite.client("unit/cyber");
        let referral = bureau.submit(dossier::plain()).await.unwrap().name;
        let (pulled, token) = unit::pull_one(&cyber).await;
        correct(&desk, &referral, "none").await.unwrap();
        let over = bureau.reaches(&referral, ReferralState::Refused).await;
        assert_eq!(over.refusal_ground(), RefusalGround::BelowThreshold);
        invalid(correct(&desk, &referral, "none").await);
        eventually(PATIENCE, || async {
            let taken = unit::assignments(&desk, &[AssignmentState::Revoked]).await;
            (taken.len() == 1).then_some(())
        })
        .await;
        let late = unit::accept(&cyber, &pulled.name, &token).await;
        assert_eq!(late.unwrap_err().code(), Code::FailedPrecondition);
        suite.drained().await;
        refused(unit::open(&cyber, &referral).await, Code::NotFound, Reason::NotFound);
        assert_eq!(bureau.referral(&referral).await.unwrap().lead_unit, "");

        correct(&desk, &referral, "terrorism").await.unwrap();
        let terrorism = suite.client("unit/terrorism");
        let (theirs, token) = unit::pull_one(&terrorism).await;
        assert_eq!(theirs.referral, referral);
        unit::accept(&terrorism, &theirs.name, &token).await.unwrap();
        let taken = bureau.reaches(&referral, ReferralState::Accepted).await;
        assert_eq!(taken.refusal_ground, 0);

        // Who has committed itself works it to its end, whatever the desk finds now.
        correct(&desk, &referral, "none").await.unwrap();
        suite.drained().await;
        assert_eq!(bureau.referral(&referral).await.unwrap().state(), ReferralState::Accepted);
        unit::complete(&terrorism, &theirs.name, Outcome::Unfounded).await.unwrap();
        let done = bureau.reaches(&referral, ReferralState::Completed).await;
        assert_eq!((done.outcome(), done.refusal_ground), (Outcome::Unfounded, 0));
        suite.drained().await;
        let steps = history::read(&bureau, &referral).await;
        assert_eq!(history::count(&steps, S::Refused), 1, "it was refused once");
        history::in_order(&steps, &[S::Routed, S::Refused, S::Classified, S::Routed, S::Accepted, S::Classified, S::Completed]);
    }
}
