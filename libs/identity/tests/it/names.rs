//! Which names a certificate may carry, and which one counts.

use std::sync::Arc;

use liaison_identity::{
    HandshakeError, Identity, IdentityError, IdentitySettings, Refusal, TlsConnector, WarnBefore,
};
use liaison_types::Clock as _;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType};
use rustls::version::TLS13;
use tokio::net::TcpListener;

use crate::world::{At, RawCertificate, World, meet, meet_foreign, party, provider};

#[tokio::test]
async fn a_client_must_name_exactly_one_party() {
    let world = World::new();
    let acceptor = world.identity("service/intake").acceptor();
    for (uris, refusal) in [
        (&[][..], Refusal::NoParty),
        (
            &["liaison://bureau/NB-FR", "liaison://service/intake"],
            Refusal::SeveralParties,
        ),
        (&["liaison://service/*"], Refusal::UriWildcard),
        (&["liaison://bureau/nb-fr"], Refusal::MalformedParty),
    ] {
        let own = world.with_uris(uris);
        let client = world.foreign_client(Some(&own), &TLS13, &[b"h2"]);
        let (accepted, _) = meet_foreign(&acceptor, &client).await;
        match accepted.map(drop) {
            Err(HandshakeError::Refused(found)) => assert_eq!(found, refusal, "{uris:?}"),
            other => panic!("{uris:?}: {other:?}"),
        }
    }
}

#[test]
fn such_a_certificate_is_not_loaded_as_the_own_one_either() {
    let world = World::new();
    let own = world.with_uris(&["liaison://unit/cyber", "liaison://unit/terrorism"]);
    let settings = IdentitySettings {
        certificate: world.path("odd.pem"),
        key: world.path("odd-key.pem"),
        authority: world.path("ca.pem"),
        revocations: None,
        warn_before: WarnBefore::default(),
    };
    std::fs::write(&settings.certificate, &own.pem).unwrap();
    std::fs::write(&settings.key, &own.key_pem).unwrap();
    let error = Identity::load(&settings, world.clock.clone()).unwrap_err();
    let IdentityError::Unusable {
        source: Refusal::SeveralParties,
        ..
    } = error
    else {
        panic!("{error:?}")
    };
}

/// Dials a server of somebody else's making that shows `own`.
async fn dial_odd_server(
    world: &World,
    own: &RawCertificate,
    connector: &TlsConnector,
) -> Result<(), HandshakeError> {
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(own.chain(), own.key())
        .unwrap();
    config.time_provider = Arc::new(At(world.clock.now()));
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let accept = async {
        let (stream, _) = listener.accept().await.unwrap();
        acceptor.accept(stream).await
    };
    let (_, connected) = tokio::join!(accept, connector.connect("127.0.0.1", port));
    connected.map(drop)
}

#[tokio::test]
async fn a_server_must_name_exactly_the_expected_party() {
    let world = World::new();
    let connector = world
        .identity("bureau/NB-FR")
        .connector(party("service/intake"));
    let right = "liaison://service/intake";
    for (uris, refusal) in [
        (&[][..], Refusal::NoParty),
        (
            &[right, "liaison://service/routing"],
            Refusal::SeveralParties,
        ),
        (&[right, right], Refusal::SeveralParties),
        (&["liaison://service/*"], Refusal::UriWildcard),
        (&["liaison://service/routing"], Refusal::WrongParty),
        (&["liaison://operator/intake"], Refusal::WrongParty),
    ] {
        match dial_odd_server(&world, &world.with_uris(uris), &connector).await {
            Err(HandshakeError::Refused(found)) => assert_eq!(found, refusal, "{uris:?}"),
            other => panic!("{uris:?}: {other:?}"),
        }
    }
    dial_odd_server(&world, &world.with_uris(&[right]), &connector)
        .await
        .unwrap();
}

#[tokio::test]
async fn the_wrong_service_is_told_so() {
    let world = World::new();
    let server = world.identity("service/intake");
    let connector = world
        .identity("bureau/NB-FR")
        .connector(party("service/routing"));
    let (accepted, connected) = meet(&server.acceptor(), &connector, "localhost").await;
    let error = connected.map(drop).unwrap_err();
    assert_eq!(error.as_str(), "wrong_party");
    assert!(!error.is_retryable());
    assert!(matches!(accepted, Err(HandshakeError::RefusedByPeer(_))));
}

#[tokio::test]
async fn parties_are_compared_and_dns_names_are_not() {
    let world = World::new();
    let server = world.identity_with("service/intake", &["elsewhere.example"], crate::world::DAY);
    let client = world.identity("bureau/NB-FR");
    let connector = client.connector(party("service/intake"));
    let (accepted, connected) = meet(&server.acceptor(), &connector, "localhost").await;
    accepted.unwrap();
    connected.unwrap();
}

#[tokio::test]
async fn host_names_are_compared_where_that_is_wanted() {
    let world = World::new();
    let client = world.identity("bureau/NB-FR");
    let connector = client.host_name_connector();
    let server = world.identity_with("service/intake", &["localhost"], crate::world::DAY);
    let (accepted, connected) = meet(&server.acceptor(), &connector, "localhost").await;
    accepted.unwrap();
    connected.unwrap();
    let (_, connected) = meet(&server.acceptor(), &connector, "127.0.0.1").await;
    assert_eq!(connected.map(drop).unwrap_err().as_str(), "wrong_host");
    // Brackets are how URIs write addresses; a name that is none does not get as far as dialling.
    let (held, _) = tokio::io::duplex(64);
    let error = connector
        .handshake("no such host", held)
        .await
        .map(drop)
        .unwrap_err();
    assert!(matches!(error, HandshakeError::HostName), "{error:?}");
}

#[tokio::test]
async fn intermediate_authorities_work_and_need_lists_of_their_own() {
    let world = World::new();
    // An authority as an organisation would run it: a root, an issuer below it, then parties.
    let authority = |params: &mut CertificateParams, name: &str| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
    };
    let mut root = CertificateParams::default();
    authority(&mut root, "root");
    let root_key = KeyPair::generate().unwrap();
    let root_certificate = root.self_signed(&root_key).unwrap();
    let root = Issuer::new(root, root_key);
    let mut middle = CertificateParams::default();
    authority(&mut middle, "middle");
    let middle_key = KeyPair::generate().unwrap();
    let middle_certificate = middle.signed_by(&middle_key, &root).unwrap();
    let middle = Issuer::new(middle, middle_key);
    let list = |issuer: &Issuer<'_, KeyPair>| {
        rcgen::CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2026, 1, 1),
            next_update: rcgen::date_time_ymd(2027, 1, 1),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        }
        .signed_by(issuer)
        .unwrap()
        .pem()
        .unwrap()
    };
    std::fs::write(world.path("root.pem"), root_certificate.pem()).unwrap();
    let load = |party: &str, lists: Option<String>| {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI(
            format!("liaison://{party}").try_into().unwrap(),
        )];
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &middle).unwrap();
        let name = party.replace('/', "-");
        let settings = IdentitySettings {
            certificate: world.path(&format!("{name}-chain.pem")),
            key: world.path(&format!("{name}-chain-key.pem")),
            authority: world.path("root.pem"),
            revocations: lists.as_ref().map(|_| world.path("lists.pem")),
            warn_before: WarnBefore::default(),
        };
        std::fs::write(
            &settings.certificate,
            leaf.pem() + &middle_certificate.pem(),
        )
        .unwrap();
        std::fs::write(&settings.key, key.serialize_pem()).unwrap();
        if let Some(lists) = lists {
            std::fs::write(world.path("lists.pem"), lists).unwrap();
        }
        Identity::load(&settings, world.clock.clone())
    };

    let (both, one) = (list(&root) + &list(&middle), list(&middle));
    for lists in [None, Some(both)] {
        let server = load("service/intake", lists.clone()).unwrap();
        let client = load("bureau/NB-FR", lists).unwrap();
        let connector = client.connector(server.party());
        let (accepted, connected) = meet(&server.acceptor(), &connector, "localhost").await;
        assert_eq!(accepted.unwrap().1.party, party("bureau/NB-FR"));
        connected.unwrap();
    }
    let error = load("service/intake", Some(one)).unwrap_err();
    let IdentityError::Unusable {
        source: Refusal::RevocationUnknown,
        ..
    } = error
    else {
        panic!("{error:?}")
    };
}
