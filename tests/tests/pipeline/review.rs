//! What is flagged waits for a second pair of eyes.

use e2e::refusal::{fields, invalid, refused};
use e2e::{Client, Suite, dossier, history, unit};
use liaison_proto::common::{ReferralState, RefusalGround};
use liaison_proto::event::ReferralStep as S;
use liaison_proto::event::event::Data;
use liaison_proto::intake::{
    DecideReviewRequest, Dossier, ListReferralsRequest, Referral, ReviewVerdict,
};
use liaison_types::Reason;
use tonic::{Code, Status};

/// Flagged because a suspect is a minor; once admitted it is `cyber`'s.
fn flagged() -> Dossier {
    let mut dossier = dossier::plain();
    dossier.persons[0].minor = true;
    dossier
}

fn admit(referral: &Referral) -> DecideReviewRequest {
    DecideReviewRequest {
        name: referral.name.clone(),
        verdict: ReviewVerdict::Compliant.into(),
        reason: "The measures for minors are named.".to_owned(),
        etag: referral.etag.clone(),
        ..DecideReviewRequest::default()
    }
}

async fn decide(client: &Client, request: DecideReviewRequest) -> Result<Referral, Status> {
    let answer = client.intake().decide_review(request).await?.into_inner();
    Ok(answer.referral.unwrap())
}

e2e::both_backends! {
    async fn what_is_flagged_is_admitted_by_another_officer(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let referral = bureau.submit(flagged()).await.unwrap();
        assert_eq!(referral.state(), ReferralState::UnderReview);
        assert_eq!(referral.rules, ["screen.care.minor-suspected"]);
        suite.drained().await;
        assert!(
            unit::pull(&suite.client("unit/cyber"), 1, 0)
                .await
                .unwrap()
                .is_empty()
        );

        let desk = suite.client("desk/compliance").officer("c.reviewer");
        let waiting = ListReferralsRequest {
            states: vec![ReferralState::UnderReview.into()],
            ..ListReferralsRequest::default()
        };
        let list = desk
            .intake()
            .list_referrals(waiting)
            .await
            .unwrap()
            .into_inner()
            .referrals;
        assert_eq!(
            list.iter().map(|r| &r.name).collect::<Vec<_>>(),
            [&referral.name]
        );
        let told = history::notifications(&desk).await;
        assert_eq!(
            history::told(&told, &referral.name).len(),
            1,
            "the desk was told"
        );

        // Neither nobody, nor the submitting officer, nor somebody else's desk.
        refused(
            decide(&desk.nobody(), admit(&referral)).await,
            Code::PermissionDenied,
            Reason::OfficerRequired,
        );
        for name in ["a.first", "A.First"] {
            refused(
                decide(&desk.officer(name), admit(&referral)).await,
                Code::PermissionDenied,
                Reason::SeparationOfDuties,
            );
        }
        let triage = suite.client("desk/triage").officer("t.duty");
        assert_eq!(
            decide(&triage, admit(&referral)).await.unwrap_err().code(),
            Code::PermissionDenied
        );
        for party in ["bureau/NB-FR", "unit/cyber", "operator/local"] {
            refused(
                decide(&suite.client(party), admit(&referral)).await,
                Code::PermissionDenied,
                Reason::CallerNotAllowed,
            );
        }
        let stale = DecideReviewRequest {
            etag: "older".to_owned(),
            ..admit(&referral)
        };
        refused(decide(&desk, stale).await, Code::Aborted, Reason::StaleEtag);

        let admitted = decide(&desk, admit(&referral)).await.unwrap();
        assert_eq!(admitted.state(), ReferralState::Admitted);
        let again = DecideReviewRequest {
            etag: String::new(),
            ..admit(&referral)
        };
        refused(
            decide(&desk, again).await,
            Code::FailedPrecondition,
            Reason::IllegalState,
        );
        let (assignment, _) = unit::pull_one(&suite.client("unit/cyber")).await;
        assert_eq!(assignment.referral, referral.name);
        let steps = history::read(&bureau, &referral.name).await;
        history::in_order(
            &steps,
            &[S::Submitted, S::ReviewRequested, S::Admitted, S::Routed],
        );
        let decision = steps
            .iter()
            .find(|entry| entry.step() == S::Admitted)
            .unwrap();
        let actor = decision.actor.as_ref().unwrap();
        assert_eq!(
            (actor.party.as_str(), actor.officer.as_str()),
            ("desk/compliance", "c.reviewer")
        );
    }

    async fn a_refusal_names_its_ground(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let desk = suite.client("desk/compliance").officer("c.reviewer");
        let referral = bureau.submit(dossier::flagged()).await.unwrap();
        assert_eq!(referral.rules, ["screen.article-3.beliefs"]);
        let refuse = DecideReviewRequest {
            verdict: ReviewVerdict::NonCompliant.into(),
            ..admit(&referral)
        };
        let failure = invalid(decide(&desk, refuse.clone()).await);
        assert_eq!(fields(&failure), ["ground"]);
        for wrong in [
            DecideReviewRequest {
                verdict: 0,
                ..refuse.clone()
            },
            DecideReviewRequest {
                verdict: 99,
                ..refuse.clone()
            },
            DecideReviewRequest {
                ground: 99,
                ..refuse.clone()
            },
            DecideReviewRequest {
                reason: String::new(),
                ..refuse.clone()
            },
            DecideReviewRequest {
                reason: "x".repeat(2_001),
                ..refuse.clone()
            },
        ] {
            invalid(decide(&desk, wrong).await);
        }
        let refuse = DecideReviewRequest {
            ground: RefusalGround::Article3.into(),
            ..refuse
        };
        let refused_now = decide(&desk, refuse).await.unwrap();
        assert_eq!(refused_now.state(), ReferralState::Refused);
        assert_eq!(refused_now.refusal_ground(), RefusalGround::Article3);
        suite.drained().await;
        let steps = history::read(&bureau, &referral.name).await;
        assert_eq!(
            history::steps(&steps),
            [S::Submitted, S::ReviewRequested, S::Refused]
        );
        assert_eq!(steps[2].detail, "ARTICLE_3");
        let told = history::notifications(&bureau).await;
        let last = told
            .last()
            .and_then(|told| told.event.as_ref())
            .and_then(|event| event.data.clone());
        assert!(
            matches!(last, Some(Data::ReferralChanged(changed)) if changed.step() == S::Refused)
        );
        for unit in unit::UNITS {
            assert!(
                unit::assignments(&suite.client(&format!("unit/{unit}")), &[])
                    .await
                    .is_empty()
            );
        }
    }
}
