//! From submission to outcome, and the bureau sees every step as it happens.

use e2e::{Client, PATIENCE, Suite, dossier, eventually, history, unit};
use liaison_grpc::wire;
use liaison_proto::common::{
    AssignmentRole, AssignmentState, OffenceTag, Outcome, ReferralKind, ReferralState, Urgency,
};
use liaison_proto::event::event::Data;
use liaison_proto::event::{AssignmentStep, ReferralStep as S};
use liaison_proto::intake::Referral;
use liaison_proto::notification::StreamNotificationsRequest;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The unit's side, from pulling to the outcome.
async fn handle(unit: &Client, outcome: Outcome) -> String {
    let (assignment, token) = unit::pull_one(unit).await;
    unit::open(unit, &assignment.referral).await.unwrap();
    unit::accept(unit, &assignment.name, &token).await.unwrap();
    unit::work(unit, &assignment.name).await.unwrap();
    unit::complete(unit, &assignment.name, outcome)
        .await
        .unwrap();
    assignment.name
}

/// Follows the bureau's stream until `referral` is completed; position and step as they come.
fn follow(bureau: &Client, referral: String) -> JoinHandle<Vec<(i64, S)>> {
    let mut client = bureau.notification();
    tokio::spawn(async move {
        let request = StreamNotificationsRequest::default();
        let mut stream = client
            .stream_notifications(request)
            .await
            .unwrap()
            .into_inner();
        let mut seen = Vec::new();
        while let Some(element) = stream.message().await.unwrap() {
            let Some(event) = element.notification.and_then(|told| told.event) else {
                continue;
            };
            let Some(Data::ReferralChanged(changed)) = event.data else {
                continue;
            };
            if changed.referral == referral {
                seen.push((event.sequence, changed.step()));
                if changed.state() == ReferralState::Completed {
                    break;
                }
            }
        }
        seen
    })
}

fn hours(referral: &Referral) -> Option<i64> {
    let clock = referral.completion.as_ref()?;
    let (from, to) = (clock.started_at.as_ref()?, clock.due_at.as_ref()?);
    assert_eq!(
        clock.started_at, referral.received_at,
        "clocks run from receipt"
    );
    Some((to.seconds - from.seconds) / 3_600)
}

e2e::both_backends! {
    async fn a_referral_is_worked_to_its_outcome(backend: Backend) {
        let mut suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let cyber = suite.client("unit/cyber");
        let sent = dossier::plain();
        let referral = bureau.submit(sent.clone()).await.unwrap();
        let name = referral.name.as_str();
        assert_eq!(referral.state(), ReferralState::Admitted);
        assert_eq!(referral.owner, "bureau/NB-FR");
        assert_eq!(referral.bureau_reference, sent.bureau_reference);
        assert!(
            referral.reference.contains("-FR-"),
            "{}",
            referral.reference
        );
        assert_eq!(referral.rules, ["screen.complete-and-unflagged"]);
        assert_eq!(hours(&referral), Some(7 * 24));
        let stream = follow(&bureau, referral.name.clone());

        let (assignment, token) = unit::pull_one(&cyber).await;
        assert_eq!(
            (assignment.referral.as_str(), assignment.role()),
            (name, AssignmentRole::Lead)
        );
        assert_eq!(
            (assignment.unit.as_str(), assignment.state()),
            ("cyber", AssignmentState::Leased)
        );
        assert_eq!(
            (assignment.bureau.as_str(), assignment.delivery_attempt),
            ("NB-FR", 1)
        );
        assert_eq!(assignment.reference, referral.reference);
        assert!(assignment.lease_until.is_some() && !assignment.rules.is_empty());
        assert!(
            unit::pull(&cyber, 10, 0).await.unwrap().is_empty(),
            "it is pulled once"
        );
        assert_eq!(unit::open(&cyber, name).await.unwrap(), sent);
        unit::accept(&cyber, &assignment.name, &token)
            .await
            .unwrap();
        assert_eq!(
            bureau
                .reaches(name, ReferralState::Accepted)
                .await
                .lead_unit,
            "cyber"
        );
        unit::work(&cyber, &assignment.name).await.unwrap();
        bureau.reaches(name, ReferralState::InProgress).await;
        unit::complete(&cyber, &assignment.name, Outcome::SuspectIdentified)
            .await
            .unwrap();
        let done = bureau.reaches(name, ReferralState::Completed).await;
        assert_eq!(done.outcome(), Outcome::SuspectIdentified);
        assert_ne!(done.etag, referral.etag);

        let seen = timeout(PATIENCE, stream)
            .await
            .expect("the stream tells the end")
            .unwrap();
        let steps = history::read(&bureau, name).await;
        let expected = [
            S::Submitted,
            S::Admitted,
            S::Routed,
            S::DossierOpened,
            S::Accepted,
            S::WorkStarted,
            S::Completed,
        ];
        history::in_order(&steps, &expected);
        for step in expected.into_iter().chain([S::Classified]) {
            assert_eq!(
                history::count(&steps, step),
                1,
                "{step:?} in {:?}",
                history::steps(&steps)
            );
        }
        let kept: Vec<_> = steps
            .iter()
            .map(|entry| (entry.position, entry.step()))
            .collect();
        assert_eq!(seen, kept, "the bureau was told every step in order");
        let opened = steps
            .iter()
            .find(|entry| entry.step() == S::DossierOpened)
            .unwrap();
        let actor = opened.actor.as_ref().unwrap();
        assert_eq!(
            (actor.party.as_str(), actor.officer.as_str()),
            ("unit/cyber", "a.first")
        );
        assert_eq!(
            history::read(&cyber, name).await,
            steps,
            "its unit sees the same history"
        );

        suite.drained().await;
        let told = history::notifications(&bureau).await;
        assert_eq!(history::told(&told, name), kept);
        let heard: Vec<_> = history::notifications(&cyber)
            .await
            .into_iter()
            .filter_map(|told| match told.event.unwrap().data {
                Some(Data::AssignmentChanged(changed)) => Some(changed.step()),
                _ => None,
            })
            .collect();
        assert_eq!(
            heard,
            [
                AssignmentStep::Queued,
                AssignmentStep::Leased,
                AssignmentStep::Accepted,
                AssignmentStep::WorkStarted,
                AssignmentStep::Completed,
            ]
        );
        suite.stop();
    }

    async fn two_units_share_a_case(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let sent = dossier::coded("03022", &[OffenceTag::Minor, OffenceTag::Cyber]);
        let referral = bureau.submit(sent).await.unwrap();
        let (children, cyber) = (
            suite.client("unit/children-trafficking"),
            suite.client("unit/cyber"),
        );
        // The supporting unit's outcome is not the referral's.
        let supporting = handle(&cyber, Outcome::InformationProvided).await;
        bureau.reaches(&referral.name, ReferralState::Routed).await;
        let lead = handle(&children, Outcome::VictimSafeguarded).await;
        let done = bureau
            .reaches(&referral.name, ReferralState::Completed)
            .await;
        assert_eq!(done.lead_unit, "children-trafficking");
        assert_eq!(done.supporting_units, ["cyber"]);
        assert_eq!(done.outcome(), Outcome::VictimSafeguarded);
        assert_ne!(lead, supporting);
        suite.drained().await;
        let steps = history::read(&bureau, &referral.name).await;
        for (step, count) in [
            (S::Routed, 1),
            (S::Granted, 1),
            (S::Accepted, 2),
            (S::Completed, 2),
        ] {
            assert_eq!(history::count(&steps, step), count, "{step:?}");
        }
        for (unit, role) in [
            (&children, AssignmentRole::Lead),
            (&cyber, AssignmentRole::Supporting),
        ] {
            let own = unit::assignments(unit, &[]).await;
            assert_eq!(own.len(), 1);
            assert_eq!(
                (own[0].role(), own[0].state()),
                (role, AssignmentState::Completed)
            );
        }
    }

    async fn what_is_urgent_comes_first(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let cyber = suite.client("unit/cyber");
        let routine = bureau.submit(dossier::plain()).await.unwrap();
        let urgent = bureau
            .submit(dossier::urgent(dossier::plain()))
            .await
            .unwrap();
        assert_eq!(urgent.urgency(), Urgency::Urgent);
        assert_eq!(hours(&urgent), Some(8));
        assert_eq!(
            urgent.completion.as_ref().unwrap().rule,
            "completion.urgent.direct"
        );
        let mut unasked = dossier::plain();
        unasked.kind = ReferralKind::SpontaneousInformation.into();
        assert_eq!(hours(&bureau.submit(unasked).await.unwrap()), None);
        eventually(PATIENCE, || async {
            unit::assignments(&cyber, &[AssignmentState::Queued])
                .await
                .len()
                == 3
        })
        .await;
        suite.drained().await;
        let pulled = unit::pull(&cyber, 2, 0).await.unwrap();
        let order: Vec<&str> = pulled
            .iter()
            .map(|(share, _)| share.referral.as_str())
            .collect();
        assert_eq!(order, [urgent.name.as_str(), routine.name.as_str()]);
        let due = pulled[0]
            .0
            .completion
            .as_ref()
            .and_then(|clock| clock.due_at.as_ref());
        let shown = urgent
            .completion
            .as_ref()
            .and_then(|clock| clock.due_at.as_ref());
        assert_eq!(
            due.and_then(wire::instant),
            shown.and_then(wire::instant),
            "shown to the unit too"
        );
    }

    async fn training_traffic_stays_apart(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let cyber = suite.client("unit/cyber");
        let mut exercise = dossier::plain();
        exercise.exercise = true;
        let referral = bureau.submit(exercise).await.unwrap();
        assert!(referral.exercise);
        let (assignment, _) = unit::pull_one(&cyber).await;
        assert!(assignment.exercise, "the same way, visibly marked");
        suite.drained().await;
        let list = |include_exercises| {
            let bureau = bureau.clone();
            async move {
                let request = liaison_proto::intake::ListReferralsRequest {
                    include_exercises,
                    ..Default::default()
                };
                bureau
                    .intake()
                    .list_referrals(request)
                    .await
                    .unwrap()
                    .into_inner()
                    .referrals
                    .len()
            }
        };
        assert_eq!((list(false).await, list(true).await), (0, 1));
        let told = history::notifications(&bureau).await;
        assert!(!history::told(&told, &referral.name).is_empty());
        let request = liaison_proto::notification::ListNotificationsRequest::default();
        let real = bureau
            .notification()
            .list_notifications(request)
            .await
            .unwrap()
            .into_inner();
        assert!(real.notifications.is_empty());
    }
}
