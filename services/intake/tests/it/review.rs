//! Deciding on flagged referrals.

use liaison_proto::{common, intake};
use liaison_testkit::both_backends;

use crate::samples::{flagged, submission};
use crate::world::{World, at_once, fields, nowhere, reason};

async fn under_review(world: &World, number: u128) -> intake::Referral {
    world
        .submit("bureau/NB-FR a.first", submission(flagged(), number))
        .await
        .unwrap()
}

fn admit(name: &str) -> intake::DecideReviewRequest {
    intake::DecideReviewRequest {
        name: name.to_owned(),
        verdict: intake::ReviewVerdict::Compliant.into(),
        reason: "Nothing speaks against it.".into(),
        ..intake::DecideReviewRequest::default()
    }
}

fn refuse(name: &str) -> intake::DecideReviewRequest {
    intake::DecideReviewRequest {
        verdict: intake::ReviewVerdict::NonCompliant.into(),
        ground: common::RefusalGround::Article3.into(),
        ..admit(name)
    }
}

const REVIEWER: &str = "desk/compliance b.second";

both_backends! {
    async fn what_is_compliant_goes_on(database: TestDatabase) {
        let world = World::new(database).await;
        let name = under_review(&world, 1).await.name;
        let referral = world.review(REVIEWER, admit(&name)).await.unwrap();
        assert_eq!(referral.state(), common::ReferralState::Admitted);
        assert_eq!(world.steps(&name).await, ["SUBMITTED", "REVIEW_REQUESTED", "ADMITTED"]);
        let sent = world.outbox().await;
        let to: Vec<_> = sent.iter().map(|s| (s.destination.as_str(), s.event.sequence)).collect();
        assert_eq!(
            to,
            [("notification", 1), ("notification", 2), ("classification", 3), ("notification", 3)]
        );
        let history = world.history("bureau/NB-FR", &name).await.unwrap();
        let actor = history[2].actor.as_ref().unwrap();
        assert_eq!((&*actor.party, &*actor.officer), ("desk/compliance", "b.second"));
        assert_eq!(world.audit(&name).await.last().unwrap().entry.action, "intake.decide_review");
        // It can be decided once.
        assert_eq!(reason(world.review(REVIEWER, refuse(&name)).await), "ILLEGAL_STATE");
    }

    async fn what_is_not_ends_with_its_ground(database: TestDatabase) {
        let world = World::new(database).await;
        let name = under_review(&world, 1).await.name;
        let referral = world.review(REVIEWER, refuse(&name)).await.unwrap();
        assert_eq!(referral.state(), common::ReferralState::Refused);
        assert_eq!(referral.refusal_ground(), common::RefusalGround::Article3);
        let history = world.history("bureau/NB-FR", &name).await.unwrap();
        assert_eq!(history[2].detail, "ARTICLE_3");
        assert!(world.outbox().await.iter().all(|sent| sent.destination == "notification"));
        assert_eq!(world.inputs("service/classification", vec![name]).await.unwrap(), []);
    }

    /// Nobody could show to be another than somebody unknown.
    async fn what_is_flagged_names_its_submitter(database: TestDatabase) {
        let world = World::new(database).await;
        for validate_only in [true, false] {
            let request = intake::SubmitReferralRequest { validate_only, ..submission(flagged(), 1) };
            assert_eq!(reason(world.submit("bureau/NB-FR", request).await), "OFFICER_REQUIRED");
        }
        assert_eq!(world.count("referral").await, 0);
        world.submitted(2).await;
    }

    async fn four_eyes_decide(database: TestDatabase) {
        let world = World::new(database).await;
        let name = under_review(&world, 1).await.name;
        for same in ["desk/compliance a.first", "desk/compliance A.FIRST"] {
            let refused = world.review(same, admit(&name)).await;
            assert_eq!(reason(refused), "SEPARATION_OF_DUTIES");
        }
        let nameless = world.review("desk/compliance", admit(&name)).await;
        assert_eq!(reason(nameless), "OFFICER_REQUIRED");
        let desk = world.review("desk/triage b.second", admit(&name)).await;
        assert_eq!(reason(desk), "CALLER_NOT_ALLOWED");
        // Who may not is told so before anything is said about the request.
        let nonsense = intake::DecideReviewRequest::default();
        assert_eq!(reason(world.review("desk/triage b.second", nonsense.clone()).await), "CALLER_NOT_ALLOWED");
        assert_eq!(fields(world.review(REVIEWER, nonsense).await), ["name", "reason", "verdict"]);
        assert_eq!(reason(world.review(REVIEWER, admit(&nowhere(&world))).await), "NOT_FOUND");
        assert_eq!(
            world.get("bureau/NB-FR", &name).await.unwrap().state(),
            common::ReferralState::UnderReview
        );
        // Both refusals are kept.
        world.review(REVIEWER, admit(&name)).await.unwrap();
        let decided = world.decided().await;
        assert_eq!(decided, [
            "intake.decide_review review PERMIT",
            "intake.decide_review review REFUSE",
            "intake.decide_review review REFUSE",
            "intake.submit submit REVIEW",
        ]);
    }

    async fn a_decision_is_on_what_was_read(database: TestDatabase) {
        let world = World::new(database).await;
        let referral = under_review(&world, 1).await;
        // Reading the dossier is a step, but no change.
        world.dossier("desk/compliance b.second", &referral.name).await.unwrap();
        let stale = intake::DecideReviewRequest { etag: "v0".into(), ..admit(&referral.name) };
        assert_eq!(reason(world.review(REVIEWER, stale).await), "STALE_ETAG");
        let read = intake::DecideReviewRequest { etag: referral.etag, ..admit(&referral.name) };
        let referral = world.review(REVIEWER, read).await.unwrap();
        assert_eq!((referral.etag.as_str(), referral.last_position), ("v2", 4));
    }

    async fn one_of_two_reviewers_decides(database: TestDatabase) {
        let world = World::new(database).await;
        let name = under_review(&world, 1).await.name;
        let reviewers: Vec<String> =
            (0..8).map(|number| format!("desk/compliance r{number}")).collect();
        let calls = reviewers.iter().enumerate().map(|(number, reviewer)| {
            let request = if number % 2 == 0 { admit(&name) } else { refuse(&name) };
            world.review(reviewer, request)
        });
        let (done, refused): (Vec<_>, Vec<_>) =
            at_once(calls).await.into_iter().partition(Result::is_ok);
        assert_eq!(done.len(), 1);
        assert!(refused.into_iter().all(|refused| reason(refused) == "ILLEGAL_STATE"));
        assert_eq!(world.steps(&name).await.len(), 3);
    }
}
