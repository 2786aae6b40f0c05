//! Who one is decides what one may.

use e2e::refusal::refused;
use e2e::{Backend, Client, Suite, dossier, raw};
use liaison_policy::access;
use liaison_proto::intake::BatchGetClassificationInputsRequest;
use liaison_types::Reason;
use tonic::Code;

/// Sends to `path` at `service` what is no message. Authorised before validated: who may call is
/// told that it is none, and who may not is told nothing about it.
async fn denied(client: &Client, service: &str, path: &str) {
    let answer = raw::call(client.channel(service), path, raw::frame(&[0xff])).await;
    let failure = refused(answer, Code::PermissionDenied, Reason::CallerNotAllowed);
    assert!(
        failure.violations.is_empty(),
        "{} {path}: {failure:?}",
        client.party()
    );
}

#[test]
fn every_method_refuses_every_other_party() {
    e2e::run(async {
        let suite = Suite::up(Backend::Sqlite).await;
        let parties = [
            "bureau/NB-FR",
            "unit/cyber",
            "desk/triage",
            "desk/compliance",
            "desk/other",
            "partner/customs",
            "service/intake",
            "service/classification",
            "service/routing",
            "service/notification",
            "operator/local",
            "auditor/court",
        ];
        for party in parties {
            let client = suite.client(party);
            for method in raw::methods() {
                if !access::may_call(client.party(), &method.path) {
                    denied(&client, &method.service, &method.path).await;
                }
            }
        }
    });
}

#[test]
fn a_party_of_the_right_kind_and_another_name_is_refused_before_anything_is_read() {
    e2e::run(async {
        let suite = Suite::up(Backend::Sqlite).await;
        let inbox = "/liaison.event.v1.EventInboxService/DeliverEvents";
        for (party, service, path) in [
            (
                "desk/triage",
                "intake",
                "/liaison.intake.v1.IntakeService/DecideReview",
            ),
            (
                "desk/compliance",
                "classification",
                "/liaison.classification.v1.ClassificationService/DecideTriage",
            ),
            (
                "desk/other",
                "intake",
                "/liaison.intake.v1.IntakeService/ListReferrals",
            ),
            (
                "service/routing",
                "intake",
                "/liaison.intake.v1.IntakeService/BatchGetClassificationInputs",
            ),
            ("service/notification", "intake", inbox),
            ("service/notification", "classification", inbox),
            ("service/notification", "routing", inbox),
            ("service/notification", "notification", inbox),
        ] {
            denied(&suite.client(party), service, path).await;
        }
    });
}

#[test]
fn a_service_may_only_what_is_its_business() {
    e2e::run(async {
        let suite = Suite::up(Backend::Sqlite).await;
        let referral = suite
            .client("bureau/NB-FR")
            .submit(dossier::plain())
            .await
            .unwrap()
            .name;
        let request = BatchGetClassificationInputsRequest {
            names: vec![referral],
        };
        for service in ["routing", "notification", "intake"] {
            let client = suite.client(&format!("service/{service}"));
            let answer = client
                .intake()
                .batch_get_classification_inputs(request.clone())
                .await;
            assert_eq!(
                answer.unwrap_err().code(),
                Code::PermissionDenied,
                "{service}"
            );
        }
        let client = suite.client("service/classification");
        let answer = client
            .intake()
            .batch_get_classification_inputs(request)
            .await
            .unwrap();
        assert_eq!(answer.into_inner().inputs.len(), 1);
    });
}
