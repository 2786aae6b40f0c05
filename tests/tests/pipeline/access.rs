//! Nobody sees what is not theirs, and what is hidden looks like what does not exist.

use e2e::refusal::refused;
use e2e::{Suite, dossier, unit};
use liaison_proto::common::{DeclineReason, Markings, OffenceTag, ReferralState, Tlp};
use liaison_proto::intake::{EvidenceEntry, GetReferralHistoryRequest, GetReferralRequest};
use liaison_proto::routing::{
    ClaimTaskRequest, CompleteAssignmentRequest, CreateTaskRequest, GetAssignmentRequest,
    ListTasksRequest,
};
use liaison_types::Reason;
use tonic::Code;

const NOBODYS: &str = "0198c0de-0000-7000-8000-000000000001";

e2e::both_backends! {
    async fn a_dossier_is_open_while_the_grant_lasts(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let (cyber, terrorism) = (suite.client("unit/cyber"), suite.client("unit/terrorism"));
        // Not before: it is flagged, and no unit has a grant.
        let mut sent = dossier::plain();
        sent.persons[0].minor = true;
        let flagged = bureau.submit(sent).await.unwrap();
        assert_eq!(flagged.state(), ReferralState::UnderReview);
        refused(
            unit::open(&cyber, &flagged.name).await,
            Code::NotFound,
            Reason::NotFound,
        );
        // While it lasts, and for nobody else.
        let referral = bureau.submit(dossier::plain()).await.unwrap();
        let (assignment, token) = unit::pull_one(&cyber).await;
        assert_eq!(assignment.referral, referral.name);
        unit::open(&cyber, &referral.name).await.unwrap();
        refused(
            unit::open(&terrorism, &referral.name).await,
            Code::NotFound,
            Reason::NotFound,
        );
        refused(
            terrorism.referral(&referral.name).await,
            Code::NotFound,
            Reason::NotFound,
        );
        // Not after.
        unit::decline(&cyber, &assignment.name, &token, DeclineReason::WrongUnit)
            .await
            .unwrap();
        suite.drained().await;
        refused(
            unit::open(&cyber, &referral.name).await,
            Code::NotFound,
            Reason::NotFound,
        );
        refused(
            cyber.referral(&referral.name).await,
            Code::NotFound,
            Reason::NotFound,
        );
        assert_eq!(
            unit::open(&bureau, &referral.name).await.unwrap(),
            dossier::plain()
        );
    }

    async fn a_piece_of_evidence_goes_no_further_than_its_own_markings(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let mut sent = dossier::coded("03022", &[OffenceTag::Minor, OffenceTag::Cyber]);
        let piece = |label: &str, markings| EvidenceEntry {
            label: label.to_owned(),
            sha256: vec![7; 32],
            markings,
            ..EvidenceEntry::default()
        };
        let red = Markings {
            tlp: Tlp::Red.into(),
            ..Markings::default()
        };
        sent.evidence = vec![piece("for all", None), piece("for the lead", Some(red))];
        let referral = bureau.submit(sent.clone()).await.unwrap().name;
        let (children, cyber) = (
            suite.client("unit/children-trafficking"),
            suite.client("unit/cyber"),
        );
        // Both have pulled it: the one leads it, and the other supports.
        unit::pull_one(&children).await;
        unit::pull_one(&cyber).await;
        assert_eq!(unit::open(&bureau, &referral).await.unwrap(), sent);
        assert_eq!(unit::open(&children, &referral).await.unwrap(), sent);
        let (part, withheld) = unit::open_part(&cyber, &referral).await.unwrap();
        assert_eq!(part.evidence, sent.evidence[..1]);
        assert_eq!(withheld.len(), 1);
        assert_eq!(withheld[0].rules, ["markings.tlp-red.lead-only"]);
    }

    async fn hidden_and_nonexistent_are_answered_alike(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let cyber = suite.client("unit/cyber");
        let referral = bureau.submit(dossier::plain()).await.unwrap().name;
        let (assignment, token) = unit::pull_one(&cyber).await;
        unit::accept(&cyber, &assignment.name, &token)
            .await
            .unwrap();
        let task = unit::work(&cyber, &assignment.name).await.unwrap();
        let nobodys = format!("referrals/{NOBODYS}");
        for party in [
            "bureau/NB-DE",
            "bureau/NB-FR-LYON",
            "partner/nb-fr",
            "unit/terrorism",
        ] {
            let client = suite.client(party);
            for name in [&referral, &nobodys] {
                let mut intake = client.intake();
                let answers = [
                    intake
                        .get_referral(GetReferralRequest { name: name.clone() })
                        .await
                        .map(drop),
                    intake
                        .get_referral_history(GetReferralHistoryRequest { name: name.clone() })
                        .await
                        .map(drop),
                    unit::open(&client, name).await.map(drop),
                ];
                let failures =
                    answers.map(|answer| refused(answer, Code::NotFound, Reason::NotFound));
                assert!(failures.iter().all(|failure| failure.violations.is_empty()));
                assert_eq!(failures[0].message, failures[1].message);
            }
        }
        let other = suite.client("unit/terrorism");
        let hidden = [assignment.name.clone(), task.name.clone()];
        let absent = [format!("assignments/{NOBODYS}"), format!("tasks/{NOBODYS}")];
        let mut told = Vec::new();
        for [assignment, task] in [hidden, absent] {
            let mut routing = other.routing();
            let answers = [
                routing
                    .get_assignment(GetAssignmentRequest {
                        name: assignment.clone(),
                    })
                    .await
                    .map(drop),
                routing
                    .list_tasks(ListTasksRequest {
                        assignment: assignment.clone(),
                    })
                    .await
                    .map(drop),
                routing
                    .claim_task(ClaimTaskRequest { name: task })
                    .await
                    .map(drop),
                unit::accept(&other, &assignment, "token").await.map(drop),
                unit::decline(&other, &assignment, "token", DeclineReason::NoCapacity)
                    .await
                    .map(drop),
                routing
                    .complete_assignment(CompleteAssignmentRequest {
                        name: assignment.clone(),
                        outcome: 3,
                        note: String::new(),
                    })
                    .await
                    .map(drop),
                routing
                    .create_task(CreateTaskRequest {
                        assignment,
                        title: "A task".to_owned(),
                        due_at: None,
                        request_id: e2e::request_id(),
                    })
                    .await
                    .map(drop),
            ];
            told.push(answers.map(|answer| refused(answer, Code::NotFound, Reason::NotFound)));
        }
        assert_eq!(told[0], told[1]);
        assert!(unit::assignments(&other, &[]).await.is_empty());
        assert_eq!(
            unit::assignments(&suite.client("desk/triage"), &[])
                .await
                .len(),
            1
        );
    }
}
