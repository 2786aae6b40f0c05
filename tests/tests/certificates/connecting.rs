//! Who is nobody gets no connection.

use std::path::Path;
use std::sync::Arc;

use e2e::{Backend, Client, Layout, PATIENCE, Suite, dossier, eventually};
use liaison_identity::{CertificateAuthority, IdentitySettings};
use liaison_types::{Clock as _, ManualClock, Party, SystemClock, SystemRandom};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tonic::Code;

use crate::{HOUR, certs, issued, rejected, reloaded};

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

/// Signs what the authority in `folder` itself never would.
fn odd(folder: &Path, uris: &[&str], change: fn(&mut CertificateParams)) -> (String, KeyPair) {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let key = KeyPair::from_pem(&read("ca-key.pem")).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&read("ca.pem"), key).unwrap();
    let mut params = CertificateParams::default();
    params.subject_alt_names = uris
        .iter()
        .map(|uri| SanType::URI((*uri).try_into().unwrap()))
        .collect();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, &issuer).unwrap().pem(), key)
}

/// Shows a certificate to the server at `address` and says what came back: the first byte, or the error.
async fn shown(folder: &Path, address: std::net::SocketAddr, own: &(String, KeyPair)) -> String {
    let mut roots = rustls::RootCertStore::empty();
    let ca = std::fs::read(folder.join("ca.pem")).unwrap();
    roots
        .add(CertificateDer::from_pem_slice(&ca).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![CertificateDer::from_pem_slice(own.0.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(own.1.serialize_pem().as_bytes()).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut stream = connector.connect(name, stream).await.unwrap();
    match stream.read_u8().await {
        Ok(byte) => format!("{byte}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn each_certificate_that_breaks_a_rule_is_refused_for_that_rule() {
    e2e::run(async {
        // Whoever reaches the port can cause these: they are logged for those who ask for it.
        let log = [("TELEMETRY__LOG", "info,liaison_grpc=debug")];
        let mut suite = Suite::start(Backend::Sqlite, Layout::Apart, &log).await;
        let folder = suite.certificates();
        let intake = suite.addresses().of("intake");
        let long = format!("liaison://operator/{}", "a".repeat(50));
        let as_it_is: fn(&mut CertificateParams) = |_| {};
        let one: &[&str] = &["liaison://bureau/NB-FR"];
        type Change = fn(&mut CertificateParams);
        let bad: [(&[&str], Change, &str); 14] = [
            (&[], as_it_is, "names no party"),
            (
                &["liaison://bureau/NB-FR", "liaison://unit/cyber"],
                as_it_is,
                "names more than one party",
            ),
            (&["liaison://bureau/*"], as_it_is, "holds a wildcard"),
            (
                &["https://bureau/NB-FR"],
                as_it_is,
                "does not begin with liaison://",
            ),
            (
                &["Liaison://bureau/NB-FR"],
                as_it_is,
                "does not begin with liaison://",
            ),
            (
                &["liaison://bureau/NB%2DFR"],
                as_it_is,
                "holds percent-encoding",
            ),
            (
                &["liaison://bureau/NB-FR/"],
                as_it_is,
                "nothing before or after",
            ),
            (&[&long], as_it_is, "longer than 64 characters"),
            (
                &["liaison://minister/NB-FR"],
                as_it_is,
                "no known kind of party",
            ),
            (
                &["liaison://bureau/FRANCE"],
                as_it_is,
                "is not valid for its kind",
            ),
            (
                one,
                |params| params.not_after = rcgen::date_time_ymd(2020, 1, 1),
                "has expired",
            ),
            (
                one,
                |params| params.not_before = rcgen::date_time_ymd(4000, 1, 1),
                "not valid yet",
            ),
            (
                one,
                |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
                "is an authority's and not a party's",
            ),
            (
                one,
                |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth],
                "extended key usage",
            ),
        ];
        for (uris, change, rule) in bad {
            let own = odd(&folder, uris, change);
            let said = shown(&folder, intake, &own).await;
            assert!(said.contains("alert"), "{uris:?}: {said}");
            let process = &suite.processes()[0];
            eventually(PATIENCE, || async { process.whole_log().contains(rule) }).await;
        }
        // The shape is right otherwise: with one good URI it is let in, and the server speaks first.
        let good = odd(&folder, one, as_it_is);
        assert_eq!(
            shown(&folder, intake, &good).await,
            "0",
            "the beginning of HTTP/2 settings"
        );
        suite
            .client("bureau/NB-FR")
            .submit(dossier::plain())
            .await
            .unwrap();
    });
}

#[test]
fn a_revoked_certificate_gets_no_connection_and_loses_the_one_it_has() {
    e2e::run(async {
        let mut suite = Suite::start(Backend::Sqlite, Layout::Apart, &[]).await;
        let ours = suite.certificates();
        let folder = tempfile::tempdir().unwrap();
        let settings = issued(folder.path(), &ours, &[&ours], 3 * HOUR);
        let client = Client::new(&settings, suite.addresses());
        client.submit(dossier::plain()).await.unwrap();
        let file = settings.certificate.display().to_string();
        let said = certs(&ours, &["revoke", "--file", &file]);
        assert_eq!(said["revoked"][0], file);
        reloaded(&mut suite).await;

        let end = client.submit(dossier::plain()).await.unwrap_err();
        assert_eq!(end.code(), Code::Unauthenticated, "{end:?}");
        assert!(end.message().contains("revoked"), "{end:?}");
        rejected(
            &Client::new(&settings, suite.addresses()),
            "CertificateRevoked",
        )
        .await;
        suite
            .client("bureau/NB-FR")
            .submit(dossier::plain())
            .await
            .unwrap();
    });
}

/// `liaison up` reads the list by itself, without being told to.
#[test]
fn a_revocation_reaches_a_running_suite_by_itself() {
    e2e::run(async {
        let suite = Suite::up(Backend::Sqlite).await;
        let client = suite.client("bureau/NB-FR");
        client.submit(dossier::plain()).await.unwrap();
        certs(&suite.certificates(), &["revoke", "bureau/NB-FR"]);
        let end = eventually(PATIENCE, || async {
            client.submit(dossier::plain()).await.err()
        })
        .await;
        assert_eq!(end.code(), Code::Unauthenticated, "{end:?}");
        let party: Party = "bureau/NB-FR".parse().unwrap();
        certs(&suite.certificates(), &["renew", "bureau/NB-FR"]);
        let renewed = IdentitySettings::in_folder(&suite.certificates(), &party);
        Client::new(&renewed, suite.addresses())
            .submit(dossier::plain())
            .await
            .unwrap();
    });
}
