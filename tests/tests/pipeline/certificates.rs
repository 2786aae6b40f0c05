//! Who one is decides what one may; who is nobody gets no connection.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use e2e::refusal::refused;
use e2e::{Backend, Client, Suite, dossier};
use liaison_identity::{CertificateAuthority, Existing, IdentitySettings};
use liaison_policy::access;
use liaison_proto::intake::BatchGetClassificationInputsRequest;
use liaison_types::{Clock as _, ManualClock, Party, PartyKind, Reason, SystemClock, SystemRandom};
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
        refused(
            late.submit(dossier::plain()).await,
            Code::Unavailable,
            Reason::Unavailable,
        );

        let then = SystemClock.now() - 2 * HOUR;
        let life = CertificateAuthority::VALIDITY;
        CertificateAuthority::create(&foreign, life, then, &SystemRandom).unwrap();
        let shown = folder.path().join("shown");
        let settings = issued(&shown, &foreign, &[&ours, &foreign], 3 * HOUR);
        let stranger = Client::new(&settings, suite.addresses());
        refused(
            stranger.submit(dossier::plain()).await,
            Code::Unavailable,
            Reason::Unavailable,
        );

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

#[test]
fn every_method_refuses_every_other_kind_of_party() {
    e2e::run(async {
        let suite = Suite::up(Backend::Sqlite).await;
        let parties = [
            "bureau/NB-FR",
            "unit/cyber",
            "desk/triage",
            "partner/customs",
            "service/routing",
            "operator/local",
            "auditor/court",
        ];
        for party in parties {
            let client = suite.client(party);
            let kind: PartyKind = client.party().kind();
            for method in e2e::raw::methods() {
                if access::may_call(kind, &method.path) {
                    continue;
                }
                // Authorised before validated: no message at all would be a different refusal.
                let answer = e2e::raw::call(
                    client.channel(&method.service),
                    &method.path,
                    e2e::raw::frame(&[0xff]),
                )
                .await;
                let failure = refused(answer, Code::PermissionDenied, Reason::CallerNotAllowed);
                assert!(failure.violations.is_empty(), "{party} {}", method.path);
            }
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
