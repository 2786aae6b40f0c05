//! Who may name an acting officer, and how one is named, at every service.

use e2e::refusal::{fields, invalid, refused};
use e2e::{Backend, SERVICES, Suite, dossier};
use liaison_proto::event::DeliverEventsRequest;
use liaison_proto::intake::{ListReferralsRequest, SubmitReferralRequest};
use liaison_types::Reason;
use tonic::{Code, Request};

const OFFICER: &str = "liaison-officer";

#[test]
fn a_service_vouches_for_nobody() {
    e2e::run(async {
        let suite = Suite::up(Backend::Sqlite).await;
        // Each receives from that one, so that all but the officer is in order.
        for (to, from) in
            SERVICES
                .into_iter()
                .zip(["routing", "intake", "classification", "intake"])
        {
            let service = suite.client(&format!("service/{from}"));
            let deliver = DeliverEventsRequest::default;
            let plain = service.inbox(to).deliver_events(deliver()).await;
            assert_ne!(
                plain.as_ref().map_err(tonic::Status::code).err(),
                Some(Code::PermissionDenied),
                "{plain:?}"
            );
            let named = service
                .officer("a.first")
                .inbox(to)
                .deliver_events(deliver())
                .await;
            let failure = refused(named, Code::PermissionDenied, Reason::CallerNotAllowed);
            assert!(
                failure.message.contains("vouches for no officer"),
                "{to}: {failure:?}"
            );
        }
        // May it: the same officer in the mouth of a bureau.
        let bureau = suite.client("bureau/NB-FR").officer("a.first");
        bureau
            .intake()
            .list_referrals(ListReferralsRequest::default())
            .await
            .unwrap();
    });
}

#[test]
fn an_officer_is_one_plain_name() {
    e2e::run(async {
        let suite = Suite::up(Backend::Sqlite).await;
        let bureau = suite.client("bureau/NB-FR").nobody();
        let submit = |officers: &[&str]| {
            let mut request = Request::new(SubmitReferralRequest {
                dossier: Some(dossier::plain()),
                request_id: e2e::request_id(),
                validate_only: false,
            });
            for officer in officers {
                request
                    .metadata_mut()
                    .append(OFFICER, officer.parse().unwrap());
            }
            let mut intake = bureau.intake();
            async move { intake.submit_referral(request).await }
        };
        let longest = "x".repeat(64);
        submit(&["j.doe@nb-fr"]).await.unwrap();
        submit(&[&longest]).await.unwrap();
        for wrong in [
            &["two words"][..],
            &[""],
            &["a,b"],
            &[&"x".repeat(65)],
            &["a.first", "b.second"],
            &["a.first", "a.first"],
        ] {
            let failure = invalid(submit(wrong).await);
            assert_eq!(fields(&failure), [OFFICER], "{wrong:?}");
        }
        // None at all is for each method to decide; submitting does not need one.
        submit(&[]).await.unwrap();
    });
}
