//! Who is told what.

use liaison_grpc::Failure;
use liaison_proto::event::event::Data;
use liaison_proto::event::{AssignmentStep, ReferralStep};
use liaison_testkit::both_backends;
use liaison_types::Reason;
use tonic::Code;

use crate::fixture::{
    Fixture, assignment_changed, events, list, referral_changed, task_changed, triage_requested,
};

both_backends! {
    async fn everybody_is_told_of_their_own_business(database: TestDatabase) {
        let fixture = Fixture::new(database).await;
        let mut intake = fixture.sender("intake");
        let subject = "referrals/0198c0de-0000-7000-8000-000000000001";
        let steps = [
            ReferralStep::Submitted,
            ReferralStep::ReviewRequested,
            ReferralStep::Admitted,
        ];
        let told: Vec<_> = (1..)
            .zip(steps)
            .map(|(at, step)| intake.event(subject, at, referral_changed("NB-FR", step, false)))
            .collect();
        intake.accepted(told).await;
        let partner = referral_changed("partner/customs", ReferralStep::Submitted, false);
        intake
            .accepted(vec![intake.event("referrals/2", 1, partner)])
            .await;

        let mut routing = fixture.sender("routing");
        let steps = [
            AssignmentStep::Created,
            AssignmentStep::Queued,
            AssignmentStep::Leased,
        ];
        let mut told: Vec<_> = (1..)
            .zip(steps)
            .map(|(at, step)| routing.event("assignments/1", at, assignment_changed("cyber", step)))
            .collect();
        told.push(routing.event("tasks/1", 1, task_changed("terrorism")));
        routing.accepted(told).await;

        let mut classification = fixture.sender("classification");
        let event = classification.event("referrals/1", 1, triage_requested());
        classification.accepted(vec![event]).await;

        for (party, expected) in [
            ("bureau/NB-FR", 3),
            ("desk/compliance", 1),
            ("partner/customs", 1),
            // Not of the creation: it could not pull it yet.
            ("unit/cyber", 2),
            ("unit/terrorism", 1),
            ("desk/triage", 1),
            ("bureau/NB-DE", 0),
            ("unit/narcotics-organized-crime", 0),
            ("partner/cyber", 0),
        ] {
            assert_eq!(fixture.kept(party).await.len(), expected, "{party}");
        }
    }

    async fn what_is_told_is_the_event_without_its_trace(database: TestDatabase) {
        let fixture = Fixture::new(database).await;
        let mut intake = fixture.sender("intake");
        let sent = intake.event(
            "referrals/1",
            7,
            referral_changed("NB-FR", ReferralStep::Routed, true),
        );
        intake.accepted(vec![sent.clone()]).await;
        let kept = events(&fixture.kept("bureau/NB-FR").await);
        assert_eq!(kept.len(), 1);
        assert!(kept[0].traceparent.is_empty());
        assert_eq!(
            (&kept[0].id, kept[0].sequence, &kept[0].data),
            (&sent.id, 7, &sent.data)
        );
        assert!(matches!(kept[0].data, Some(Data::ReferralChanged(_))));
    }

    async fn others_may_not_even_ask(database: TestDatabase) {
        let fixture = Fixture::new(database).await;
        for party in ["operator/local", "auditor/court", "service/intake"] {
            let answer = list(&mut fixture.reader(party), "", 0, false).await;
            let failure = Failure::read(&answer.unwrap_err());
            assert_eq!(failure.code, Code::PermissionDenied, "{party}");
            assert_eq!(failure.reason(), Some(Reason::CallerNotAllowed), "{party}");
        }
    }
}
