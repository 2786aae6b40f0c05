//! What the machine cannot place, people decide.

use e2e::refusal::{fields, invalid, refused};
use e2e::{Client, PATIENCE, Suite, dossier, eventually, history, unit};
use liaison_proto::classification::{
    DecideTriageRequest, Decision, ListDecisionsRequest, ListTriageItemsRequest, TriageItem,
};
use liaison_proto::common::{AssignmentRole, ReferralState, RefusalGround};
use liaison_proto::event::{ReferralStep as S, TriageCause};
use liaison_types::Reason;
use tonic::{Code, Status};

use crate::correcting::opened;

/// The item of `referral`, once it is at the desk.
pub(crate) async fn item(desk: &Client, referral: &str) -> TriageItem {
    eventually(PATIENCE, || async {
        let request = ListTriageItemsRequest::default();
        let list = desk
            .classification()
            .list_triage_items(request)
            .await
            .unwrap()
            .into_inner();
        list.items
            .into_iter()
            .find(|item| item.referral == referral)
    })
    .await
}

pub(crate) fn decision(item: &TriageItem, lead: &str) -> DecideTriageRequest {
    DecideTriageRequest {
        name: item.name.clone(),
        lead: lead.to_owned(),
        supporting: Vec::new(),
        reason: "Known to this unit from an earlier case.".to_owned(),
        ..DecideTriageRequest::default()
    }
}

pub(crate) async fn decide(
    desk: &Client,
    request: DecideTriageRequest,
) -> Result<Decision, Status> {
    let answer = desk
        .classification()
        .decide_triage(request)
        .await?
        .into_inner();
    Ok(answer.decision.unwrap())
}

e2e::both_backends! {
    async fn the_duty_desk_decides(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let desk = suite.client("desk/triage").officer("t.duty");
        let referral = bureau.submit(dossier::unclear()).await.unwrap();
        let item = item(&desk, &referral.name).await;
        assert_eq!(item.reference, referral.reference);
        assert!(matches!(
            item.cause(),
            TriageCause::Uncertain | TriageCause::NoUnit
        ));
        assert_eq!(
            bureau.referral(&referral.name).await.unwrap().state(),
            ReferralState::Admitted
        );
        eventually(PATIENCE, || async {
            history::notifications(&desk).await.len() == 1
        })
        .await;

        // Neither others, nor nobody, nor for a unit that is none.
        for party in ["bureau/NB-FR", "unit/terrorism", "operator/local"] {
            refused(
                decide(&suite.client(party), decision(&item, "terrorism")).await,
                Code::PermissionDenied,
                Reason::CallerNotAllowed,
            );
        }
        let compliance = suite.client("desk/compliance").officer("c.reviewer");
        let answer = decide(&compliance, decision(&item, "terrorism")).await;
        assert_eq!(answer.unwrap_err().code(), Code::PermissionDenied);
        refused(
            decide(&desk.nobody(), decision(&item, "terrorism")).await,
            Code::PermissionDenied,
            Reason::OfficerRequired,
        );
        for lead in ["vice", "triage"] {
            refused(
                decide(&desk, decision(&item, lead)).await,
                Code::InvalidArgument,
                Reason::UnknownUnit,
            );
        }
        // Nobody leads only on a ground that the duty desk may name.
        for (lead, ground) in [
            ("none", RefusalGround::Unspecified),
            ("none", RefusalGround::Article3),
            ("cyber", RefusalGround::NotAnOffence),
        ] {
            let wrong = DecideTriageRequest {
                refusal_ground: ground.into(),
                ..decision(&item, lead)
            };
            let failure = invalid(decide(&desk, wrong).await);
            assert_eq!(fields(&failure), ["refusal_ground"]);
        }
        let unknown = DecideTriageRequest {
            supporting: vec!["vice".to_owned()],
            ..decision(&item, "cyber")
        };
        refused(
            decide(&desk, unknown).await,
            Code::InvalidArgument,
            Reason::UnknownUnit,
        );
        let failure = invalid(
            decide(
                &desk,
                DecideTriageRequest {
                    reason: String::new(),
                    ..decision(&item, "terrorism")
                },
            )
            .await,
        );
        assert_eq!(fields(&failure), ["reason"]);

        let decided = decide(
            &desk,
            DecideTriageRequest {
                supporting: vec!["cyber".to_owned()],
                ..decision(&item, "terrorism")
            },
        )
        .await
        .unwrap();
        assert_eq!(
            (decided.lead.as_str(), decided.supporting.as_slice()),
            ("terrorism", &["cyber".to_owned()][..])
        );
        assert_eq!(
            decided.decided_by.as_ref().map(|by| by.officer.as_str()),
            Some("t.duty")
        );
        refused(
            decide(&desk, decision(&item, "cyber")).await,
            Code::FailedPrecondition,
            Reason::IllegalState,
        );
        for (unit, role) in [
            ("terrorism", AssignmentRole::Lead),
            ("cyber", AssignmentRole::Supporting),
        ] {
            let (assignment, _) = unit::pull_one(&suite.client(&format!("unit/{unit}"))).await;
            assert_eq!(
                (assignment.referral.as_str(), assignment.role()),
                (referral.name.as_str(), role)
            );
        }
        suite.drained().await;
        let steps = history::read(&bureau, &referral.name).await;
        history::in_order(
            &steps,
            &[S::Submitted, S::Admitted, S::TriageRequested, S::Routed],
        );
        let request = ListDecisionsRequest {
            referral: referral.name.clone(),
        };
        let decisions = desk
            .classification()
            .list_decisions(request)
            .await
            .unwrap()
            .into_inner()
            .decisions;
        let opened = opened(&desk, &referral.name).await;
        assert_eq!(
            opened.decisions[0].note,
            "Known to this unit from an earlier case."
        );
        // What people wrote is read where opening is asked of policy and kept.
        let listed = Decision {
            note: String::new(),
            ..opened.decisions[0].clone()
        };
        assert_eq!(decisions, [listed, opened.decisions[1].clone()]);
    }

    async fn the_source_excludes_a_unit(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let desk = suite.client("desk/triage").officer("t.duty");
        let mut sent = dossier::plain();
        sent.markings.get_or_insert_default().excluded_units = vec!["cyber".to_owned()];
        let referral = bureau.submit(sent).await.unwrap();
        let item = item(&desk, &referral.name).await;
        assert_eq!(item.cause(), TriageCause::NotPermitted);
        refused(
            decide(&desk, decision(&item, "cyber")).await,
            Code::FailedPrecondition,
            Reason::UnitExcluded,
        );
        decide(&desk, decision(&item, "narcotics-organized-crime"))
            .await
            .unwrap();
        let (assignment, _) = unit::pull_one(&suite.client("unit/narcotics-organized-crime")).await;
        assert_eq!(assignment.referral, referral.name);
        assert!(
            unit::assignments(&suite.client("unit/cyber"), &[])
                .await
                .is_empty()
        );
    }
}
