//! Taking facts: once each, from those who may say so, whatever stands beside them.

use liaison_grpc::Failure;
use liaison_proto::event::event::Data;
use liaison_proto::event::{
    AssignmentStep, CaseReturned, DeliverEventsRequest, DeliveryStatus, ReferralPurged,
    ReferralStep, event_inbox_service_client::EventInboxServiceClient,
};
use liaison_testkit::both_backends;
use liaison_types::Reason;
use tonic::Code;

use crate::fixture::{
    Fixture, assignment_changed, events, many, positions, referral_changed, triage_requested,
};

both_backends! {
    async fn the_same_event_twice_is_told_once(database: TestDatabase) {
        let fixture = Fixture::new(database).await;
        let mut intake = fixture.sender("intake");
        let event = intake.event(
            "referrals/1",
            1,
            referral_changed("NB-FR", ReferralStep::Admitted, false),
        );
        // Within one batch, and again after it, from two replicas at once.
        intake.accepted(vec![event.clone(), event.clone()]).await;
        intake.accepted(vec![event.clone()]).await;
        let replica = fixture.replica().await;
        let mut other = fixture.sender_to("intake", &replica);
        let next = intake.event(
            "referrals/1",
            2,
            referral_changed("NB-FR", ReferralStep::Routed, false),
        );
        let batch = vec![event, next.clone()];
        tokio::join!(intake.accepted(batch.clone()), other.accepted(batch));
        let kept = fixture.kept("bureau/NB-FR").await;
        assert_eq!(positions(&kept), [1, 2]);
        assert_eq!(events(&kept)[1].id, next.id);
    }

    async fn a_bad_event_fails_none_of_its_neighbours(database: TestDatabase) {
        let fixture = Fixture::new(database).await;
        let mut intake = fixture.sender("intake");
        let good = |intake: &crate::fixture::Sender, subject: &str, sequence| {
            let data = referral_changed("NB-FR", ReferralStep::Admitted, false);
            intake.event(subject, sequence, data)
        };
        let mut not_an_id = good(&intake, "referrals/id", 1);
        not_an_id.id = "42".to_owned();
        let mut foreign = good(&intake, "referrals/source", 1);
        foreign.source = "liaison://service/routing".to_owned();
        let mut timeless = good(&intake, "referrals/time", 1);
        timeless.time = None;
        let mut empty = good(&intake, "referrals/data", 1);
        empty.data = None;
        let nobody = intake.event(
            "referrals/nobody",
            1,
            referral_changed("??", ReferralStep::Admitted, false),
        );
        let bad = [
            not_an_id,
            foreign,
            timeless,
            empty,
            good(&intake, "", 1),
            good(&intake, "referrals/seq", 0),
            nobody,
        ];
        let mut batch = vec![good(&intake, "referrals/first", 1)];
        batch.extend(bad.clone());
        // Behind a bad one of its own subject: not now.
        batch.push(good(&intake, "referrals/id", 2));
        batch.push(good(&intake, "referrals/last", 1));
        let results = intake.deliver(batch).await.unwrap();
        let statuses: Vec<_> = results
            .iter()
            .map(liaison_proto::event::DeliveryResult::status)
            .collect();
        assert_eq!(statuses[0], DeliveryStatus::Accepted);
        for (at, result) in results.iter().enumerate().skip(1).take(bad.len()) {
            assert_eq!(
                result.status(),
                DeliveryStatus::Rejected,
                "{at}: {result:?}"
            );
            assert!(result.reason.parse::<Reason>().is_ok(), "{at}: {result:?}");
        }
        assert_eq!(
            statuses[1 + bad.len()..],
            [DeliveryStatus::Retry, DeliveryStatus::Accepted]
        );
        let subjects: Vec<_> = events(&fixture.kept("bureau/NB-FR").await)
            .into_iter()
            .map(|event| event.subject)
            .collect();
        assert_eq!(subjects, ["referrals/first", "referrals/last"]);
    }

    async fn each_fact_comes_from_its_producer(database: TestDatabase) {
        let fixture = Fixture::new(database).await;
        let facts = [
            (
                "intake",
                referral_changed("NB-FR", ReferralStep::Admitted, false),
            ),
            (
                "routing",
                assignment_changed("cyber", AssignmentStep::Queued),
            ),
            ("classification", triage_requested()),
            ("nobody", Data::CaseReturned(CaseReturned::default())),
            ("nobody", Data::ReferralPurged(ReferralPurged::default())),
        ];
        for service in ["intake", "classification", "routing"] {
            let mut sender = fixture.sender(service);
            for (producer, data) in &facts {
                let event = sender.event(&format!("{service}/{producer}"), 1, data.clone());
                let results = sender.deliver(vec![event]).await.unwrap();
                let accepted = results[0].status() == DeliveryStatus::Accepted;
                assert_eq!(
                    accepted,
                    service == *producer,
                    "{service} tells what {producer} does"
                );
            }
        }
    }

    async fn only_services_deliver_and_no_more_than_fits(database: TestDatabase) {
        let fixture = Fixture::new(database).await;
        let mut intake = fixture.sender("intake");
        for count in [0, 257] {
            let events = many(&intake, "NB-FR", count);
            let failure = Failure::read(&intake.deliver(events).await.unwrap_err());
            assert_eq!(failure.reason(), Some(Reason::InvalidArgument), "{count}");
            assert_eq!(failure.violations[0].0, "events", "{count}");
        }
        for party in [
            "bureau/NB-FR",
            "unit/cyber",
            "desk/triage",
            "partner/intake",
            "operator/local",
        ] {
            let channel = fixture.channel(party, fixture.service());
            let events = many(&intake, "NB-FR", 1);
            let answer = EventInboxServiceClient::new(channel)
                .deliver_events(DeliverEventsRequest { events })
                .await;
            let failure = Failure::read(&answer.unwrap_err());
            assert_eq!(failure.code, Code::PermissionDenied, "{party}");
            assert_eq!(failure.reason(), Some(Reason::CallerNotAllowed), "{party}");
        }
        assert!(fixture.kept("bureau/NB-FR").await.is_empty());
    }
}
