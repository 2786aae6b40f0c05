//! Who one is decides what one may; who is nobody gets no connection.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use e2e::refusal::refused;
use e2e::{Backend, Client, Suite, dossier, raw};
use liaison_grpc::Failure;
use liaison_identity::{CertificateAuthority, Existing, IdentitySettings};
use liaison_policy::access;
use liaison_proto::intake::BatchGetClassificationInputsRequest;
use liaison_types::{Clock as _, ManualClock, Party, Reason, SystemClock, SystemRandom};
use tonic::Code;

const HOUR: Duration = Duration::from_hours(1);

fn bureau() -> Party {
    "bureau/NB-FR".parse().unwrap()
}

/// A certificate of NB-FR by the authority in `authority`, issued two hours ago for `life`, whose
/// owner trusts the authorities in `trusted`.
fn issued(to: &Path, authority: &Path, trusted: &[&Path], life: Duration) -> IdentitySettings {
    let then = SystemClock.now() - 2 * HOUR;
    let mut settings = CertificateAuthority::load(authority)
        .unwrap()
        .issue(&bureau(), &[], life, then, &SystemRandom)
        .unwrap()
        .write(to, Existing::Replace)
        .unwrap();
    let read = |folder: &&Path| std::fs::read_to_string(folder.join("ca.pem")).unwrap();
    let both: String = trusted.iter().map(read).collect();
    settings.authority = to.join("trusted.pem");
    settings.revocations = None;
    std::fs::write(&settings.authority, both).unwrap();
    settings
}

/// Expects that a service refuses the certificate of `client` with this alert. A connection may break
/// before the alert was read, which nobody can tell from a service that has gone: then once more.
async fn rejected(client: &Client, alert: &str) {
    let failure = e2e::eventually(e2e::PATIENCE, || async {
        let failure = Failure::read(&client.submit(dossier::plain()).await.unwrap_err());
        assert_eq!(failure.code, Code::Unavailable, "{failure:?}");
        (failure.reason() == Some(Reason::CertificateRejected)).then_some(failure)
    })
    .await;
    let (_, cause) = &failure.metadata[0];
    assert!(cause.contains(alert), "{cause}");
}

#[test]
fn expired_and_foreign_certificates_get_no_connection() {
    e2e::run(async {
        let mut suite = Suite::up(Backend::Sqlite).await;
        let ours = suite.certificates();
        let folder = tempfile::tempdir().unwrap();
        let (expired, foreign) = (folder.path().join("expired"), folder.path().join("foreign"));

        let settings = issued(&expired, &ours, &[&ours], HOUR);
        // It was valid when its owner started.
        let clock = Arc::new(ManualClock::new(SystemClock.now() - 2 * HOUR + HOUR / 2));
        let late = Client::at(&settings, suite.addresses(), clock.clone());
        clock.set(SystemClock.now());
        rejected(&late, "CertificateExpired").await;

        let then = SystemClock.now() - 2 * HOUR;
        let life = CertificateAuthority::VALIDITY;
        CertificateAuthority::create(&foreign, life, then, &SystemRandom).unwrap();
        let shown = folder.path().join("shown");
        let settings = issued(&shown, &foreign, &[&ours, &foreign], 3 * HOUR);
        let stranger = Client::new(&settings, suite.addresses());
        rejected(&stranger, "UnknownCA").await;

        // And a client of ours does not talk to a server of theirs.
        let settings = issued(
            &folder.path().join("misled"),
            &ours,
            &[&foreign, &ours],
            3 * HOUR,
        );
        Client::new(&settings, suite.addresses())
            .submit(dossier::plain())
            .await
            .unwrap();
        for process in suite.processes() {
            assert!(process.is_running());
            assert!(!process.whole_log().contains("panicked"));
        }
    });
}

#[test]
fn a_revoked_certificate_gets_no_connection() {
    e2e::run(async {
        let suite = Suite::up(Backend::Sqlite).await;
        let ours = suite.certificates();
        let folder = tempfile::tempdir().unwrap();
        let settings = issued(folder.path(), &ours, &[&ours], 3 * HOUR);
        let client = Client::new(&settings, suite.addresses());
        client.submit(dossier::plain()).await.unwrap();
        let authority = CertificateAuthority::load(&ours).unwrap();
        let summary = liaison_identity::CertificateSummary::read(&settings.certificate).unwrap();
        authority
            .revoke(&summary.serial, SystemClock.now())
            .unwrap();
        // The services read the list again every few seconds, and then also end what is open.
        let end = e2e::eventually(e2e::PATIENCE, || async {
            client.submit(dossier::plain()).await.err()
        })
        .await;
        assert!(
            matches!(end.code(), Code::Unauthenticated | Code::Unavailable),
            "{end:?}"
        );
        suite
            .client("bureau/NB-FR")
            .submit(dossier::plain())
            .await
            .unwrap();
    });
}

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
