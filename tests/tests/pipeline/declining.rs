//! A unit may say no, with a reason, and is not asked again.

use e2e::refusal::{invalid, refused};
use e2e::{Suite, dossier, history, unit};
use liaison_proto::common::{
    AssignmentRole, AssignmentState, DeclineReason, OffenceTag, Outcome, ReferralState,
};
use liaison_proto::event::{ReferralStep as S, TriageCause};
use liaison_proto::routing::DeclineAssignmentRequest;
use liaison_types::Reason;
use tonic::Code;

use crate::triage::{decide, decision, item};

e2e::both_backends! {
    async fn the_wrong_unit_sends_it_back_to_the_desk(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let cyber = suite.client("unit/cyber");
        let desk = suite.client("desk/triage").officer("t.duty");
        let referral = bureau.submit(dossier::plain()).await.unwrap();
        let (assignment, token) = unit::pull_one(&cyber).await;
        for (reason, note) in [(0, "why"), (99, "why"), (1, ""), (1, &"x".repeat(2_001))] {
            let request = DeclineAssignmentRequest {
                name: assignment.name.clone(),
                lease_token: token.clone(),
                reason,
                note: note.to_owned(),
            };
            invalid(cyber.routing().decline_assignment(request).await);
        }
        let declined =
            unit::decline(&cyber, &assignment.name, &token, DeclineReason::WrongUnit).await;
        assert_eq!(declined.unwrap().state(), AssignmentState::Declined);

        let item = item(&desk, &referral.name).await;
        assert_eq!(item.cause(), TriageCause::WrongUnit);
        assert_eq!(item.excluded_units, ["cyber"]);
        suite.drained().await;
        let waiting = bureau.referral(&referral.name).await.unwrap();
        assert!(waiting.lead_unit.is_empty(), "{waiting:?}");
        refused(
            decide(&desk, decision(&item, "cyber")).await,
            Code::FailedPrecondition,
            Reason::UnitExcluded,
        );
        decide(&desk, decision(&item, "terrorism")).await.unwrap();
        let terrorism = suite.client("unit/terrorism");
        let (second, token) = unit::pull_one(&terrorism).await;
        assert_eq!(
            (second.referral.as_str(), second.role()),
            (referral.name.as_str(), AssignmentRole::Lead)
        );
        assert!(unit::pull(&cyber, 1, 0).await.unwrap().is_empty());
        unit::accept(&terrorism, &second.name, &token)
            .await
            .unwrap();
        unit::complete(&terrorism, &second.name, Outcome::NoTrace)
            .await
            .unwrap();
        let done = bureau
            .reaches(&referral.name, ReferralState::Completed)
            .await;
        assert_eq!(done.lead_unit, "terrorism");
        suite.drained().await;
        let steps = history::read(&bureau, &referral.name).await;
        history::in_order(
            &steps,
            &[
                S::Routed,
                S::Declined,
                S::TriageRequested,
                S::Routed,
                S::Accepted,
                S::Completed,
            ],
        );
        let declined = steps
            .iter()
            .find(|entry| entry.step() == S::Declined)
            .unwrap();
        assert_eq!(
            (declined.unit.as_str(), declined.detail.as_str()),
            ("cyber", "WRONG_UNIT")
        );
    }

    async fn a_supporting_unit_takes_over(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let (children, cyber) = (
            suite.client("unit/children-trafficking"),
            suite.client("unit/cyber"),
        );
        let sent = dossier::coded("03022", &[OffenceTag::Minor, OffenceTag::Cyber]);
        let referral = bureau.submit(sent).await.unwrap();
        let (lead, token) = unit::pull_one(&children).await;
        unit::decline(&children, &lead.name, &token, DeclineReason::NoCapacity)
            .await
            .unwrap();
        suite.drained().await;
        let after = bureau.referral(&referral.name).await.unwrap();
        assert_eq!(
            (after.lead_unit.as_str(), after.state()),
            ("cyber", ReferralState::Routed)
        );
        let (promoted, token) = unit::pull_one(&cyber).await;
        assert_eq!(
            (promoted.referral.as_str(), promoted.role()),
            (referral.name.as_str(), AssignmentRole::Lead)
        );
        unit::accept(&cyber, &promoted.name, &token).await.unwrap();
        bureau
            .reaches(&referral.name, ReferralState::Accepted)
            .await;
        refused(
            unit::open(&children, &referral.name).await,
            Code::NotFound,
            Reason::NotFound,
        );
        assert!(
            unit::assignments(&suite.client("desk/triage"), &[AssignmentState::Queued])
                .await
                .is_empty()
        );
        history::read(&bureau, &referral.name).await;
    }

    async fn nobody_left_means_the_desk(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let cyber = suite.client("unit/cyber");
        let desk = suite.client("desk/triage").officer("t.duty");
        let referral = bureau.submit(dossier::plain()).await.unwrap();
        let (assignment, token) = unit::pull_one(&cyber).await;
        unit::decline(
            &cyber,
            &assignment.name,
            &token,
            DeclineReason::ConflictOfInterest,
        )
        .await
        .unwrap();
        let item = item(&desk, &referral.name).await;
        assert_eq!(
            (item.cause(), item.excluded_units.as_slice()),
            (TriageCause::Declined, &["cyber".to_owned()][..])
        );
        // Declined is the end of that assignment.
        for answer in [
            unit::accept(&cyber, &assignment.name, &token).await,
            unit::complete(&cyber, &assignment.name, Outcome::NoTrace).await,
        ] {
            let code = answer.unwrap_err().code();
            assert_eq!(code, Code::FailedPrecondition);
        }
    }
}
