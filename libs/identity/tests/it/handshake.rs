//! Who gets in and who does not.

use std::sync::Arc;
use std::time::Duration;

use liaison_identity::{HandshakeError, Identity, IdentityError, Refusal};
use liaison_types::{Clock as _, ManualClock};
use rustls::HandshakeKind;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::world::{Accepted, Connected, DAY, HOUR, World, alert, meet, meet_foreign, party};

fn refused<T>(result: Result<T, HandshakeError>) -> Refusal {
    match result {
        Err(HandshakeError::Refused(refusal)) => refusal,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("was accepted"),
    }
}

fn refused_by_peer<T>(result: Result<T, HandshakeError>) -> String {
    match result {
        Err(error @ HandshakeError::RefusedByPeer(_)) => error.to_string(),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("was accepted"),
    }
}

async fn pair(server: &Identity, client: &Identity) -> (Accepted, Connected) {
    let connector = client.connector(server.party());
    meet(&server.acceptor(), &connector, "127.0.0.1").await
}

#[tokio::test]
async fn a_good_pair_knows_each_other() {
    let world = World::new();
    let (server, client) = (
        world.identity("service/intake"),
        world.identity("bureau/NB-FR"),
    );
    let (accepted, connected) = pair(&server, &client).await;
    let (mut served, peer) = accepted.unwrap();
    let mut stream = connected.unwrap();

    assert_eq!(peer.party, party("bureau/NB-FR"));
    assert_eq!(peer.serial, client.serial());
    assert_eq!(peer.not_after, client.not_after());
    assert_eq!(client.not_after(), world.clock.now() + 30 * DAY);
    assert_eq!(client.remaining(), 30 * DAY);
    assert_eq!(server.check(&peer), Ok(()));
    let (_, tls) = stream.get_ref();
    assert_eq!(
        tls.protocol_version(),
        Some(rustls::ProtocolVersion::TLSv1_3)
    );
    assert_eq!(tls.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(tls.handshake_kind(), Some(HandshakeKind::Full));

    stream.write_all(b"ping").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut text = String::new();
    served.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "ping");
}

#[tokio::test]
async fn another_authority_is_not_trusted_on_either_side() {
    let (here, there) = (World::new(), World::seeded(2));
    let (accepted, connected) = pair(
        &here.identity("service/intake"),
        &there.identity("bureau/NB-FR"),
    )
    .await;
    assert_eq!(refused(connected), Refusal::UnknownIssuer);
    assert!(refused_by_peer(accepted).contains("UnknownCA"));

    // A client that trusts our authority but was issued its certificate elsewhere.
    let server = here.identity("service/intake");
    let settings = there.settings("bureau/NB-FR");
    let own = crate::world::RawCertificate {
        pem: crate::world::read(settings.certificate),
        key_pem: crate::world::read(settings.key),
    };
    let client = here.foreign_client(Some(&own), &TLS13, &[b"h2"]);
    let (accepted, _) = meet_foreign(&server.acceptor(), &client).await;
    assert_eq!(refused(accepted), Refusal::UnknownIssuer);
}

#[tokio::test]
async fn an_authority_of_the_same_name_with_another_key_is_not_trusted() {
    // The same seed gives the same serial and name; the keys differ.
    let (here, there) = (World::seeded(3), World::seeded(3));
    let server = here.identity("service/intake");
    let (_, connected) = pair(&server, &there.identity("bureau/NB-FR")).await;
    let refusal = refused(connected);
    assert!(
        matches!(refusal, Refusal::BadSignature | Refusal::UnknownIssuer),
        "{refusal:?}"
    );
}

#[tokio::test]
async fn validity_is_checked_on_both_sides() {
    let world = World::new();
    // The client and the server read different clocks.
    let later = Arc::new(ManualClock::new(world.clock.now() + 31 * DAY));
    let old_client = world.identity("bureau/NB-FR");
    let old_server = world.identity("service/intake");
    world.clock.set(later.now());
    let new_client = world.identity("bureau/NB-BE");
    let new_server = world.identity("service/routing");
    world.clock.set(later.now() - 31 * DAY);

    // Expired: each side is judged by the clock of the other. `old_*` run on the world's clock,
    // which stands before; `new_*` are loaded again on the later one.
    let on_later = |name: &str| Identity::load(&world.settings(name), later.clone()).unwrap();
    let (late_server, late_client) = (on_later("service/routing"), on_later("bureau/NB-BE"));

    let connector = old_client.connector(party("service/routing"));
    let (accepted, connected) = meet(&late_server.acceptor(), &connector, "localhost").await;
    // To the old client the new server is not valid yet, and says so first.
    assert_eq!(refused(connected), Refusal::NotYetValid);
    refused_by_peer(accepted);

    let connector = late_client.connector(party("service/intake"));
    let (_, connected) = meet(&old_server.acceptor(), &connector, "localhost").await;
    assert_eq!(refused(connected), Refusal::Expired);

    // Servers that judge clients: the server's certificate is good for both.
    let long = world.identity_with("service/notification", &[], 90 * DAY);
    let long_late = on_later("service/notification");
    let connector = old_client.connector(party("service/notification"));
    let (accepted, connected) = meet(&long_late.acceptor(), &connector, "localhost").await;
    assert_eq!(refused(accepted), Refusal::Expired);
    let text = alert(connected).await;
    assert!(text.contains("CertificateExpired"), "{text}");

    let connector = new_client.connector(party("service/notification"));
    let (accepted, _) = meet(&long.acceptor(), &connector, "localhost").await;
    assert_eq!(refused(accepted), Refusal::NotYetValid);
    drop(new_server);
}

#[tokio::test]
async fn a_clock_five_minutes_behind_is_forgiven() {
    let world = World::new();
    let behind = Arc::new(ManualClock::new(
        world.clock.now() - Duration::from_secs(299),
    ));
    let client = world.identity("bureau/NB-FR");
    world.identity("service/intake");
    let server = Identity::load(&world.settings("service/intake"), behind).unwrap();
    let (accepted, connected) = pair(&server, &client).await;
    accepted.unwrap();
    connected.unwrap();
}

#[tokio::test]
async fn without_a_client_certificate_nobody_gets_in() {
    let world = World::new();
    let server = world.identity("service/intake");
    let client = world.foreign_client(None, &TLS13, &[b"h2"]);
    let (accepted, connected) = meet_foreign(&server.acceptor(), &client).await;
    assert_eq!(refused(accepted), Refusal::NoCertificate);
    let text = connected.unwrap().read_u8().await.unwrap_err().to_string();
    assert!(text.contains("CertificateRequired"), "{text}");
}

#[tokio::test]
async fn tls_12_is_refused() {
    let world = World::new();
    let server = world.identity("service/intake");
    let client = world.foreign_client(None, &TLS12, &[b"h2"]);
    let (accepted, connected) = meet_foreign(&server.acceptor(), &client).await;
    let error = accepted.map(drop).unwrap_err();
    assert!(matches!(error, HandshakeError::Protocol(_)), "{error:?}");
    assert!(
        connected
            .unwrap_err()
            .to_string()
            .contains("ProtocolVersion")
    );
}

#[tokio::test]
async fn only_http2_is_spoken() {
    let world = World::new();
    let server = world.identity("service/intake");
    let own = world.with_uris(&["liaison://bureau/NB-FR"]);
    for protocols in [&[&b"http/1.1"[..]][..], &[]] {
        let client = world.foreign_client(Some(&own), &TLS13, protocols);
        let (accepted, _) = meet_foreign(&server.acceptor(), &client).await;
        let error = accepted.map(drop).unwrap_err();
        assert!(
            matches!(error, HandshakeError::NoHttp2),
            "{protocols:?}: {error:?}"
        );
    }
    let client = world.foreign_client(Some(&own), &TLS13, &[b"http/1.1", b"h2"]);
    let (accepted, _) = meet_foreign(&server.acceptor(), &client).await;
    assert_eq!(accepted.unwrap().1.party, party("bureau/NB-FR"));
}

#[tokio::test]
async fn a_party_that_does_not_serve_cannot_pose_as_a_server() {
    let world = World::new();
    let posing = world.identity_with("bureau/NB-FR", &[], DAY);
    let client = world.identity("bureau/NB-BE");
    let (_, connected) = pair(&posing, &client).await;
    assert_eq!(refused(connected), Refusal::WrongPurpose);
}

#[tokio::test]
async fn silence_ends_in_a_timeout_on_both_sides() {
    let world = World::new();
    let identity = world.identity("service/intake");
    let soon = Duration::from_millis(20);
    let (_held, silent) = tokio::io::duplex(64);
    let error = identity
        .acceptor()
        .with_handshake_timeout(soon)
        .accept(silent)
        .await;
    assert!(matches!(error, Err(HandshakeError::Timeout)));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connector = identity
        .connector(party("service/routing"))
        .with_handshake_timeout(soon);
    let error = connector.connect("127.0.0.1", port).await;
    assert!(matches!(error, Err(HandshakeError::Timeout)));
    drop(listener);
    let error = connector
        .connect("127.0.0.1", port)
        .await
        .map(drop)
        .unwrap_err();
    assert!(matches!(error, HandshakeError::Unreachable(_)), "{error:?}");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn noise_and_early_ends_are_told_apart() {
    let world = World::new();
    let acceptor = world.identity("service/intake").acceptor();
    let (mut noisy, end) = tokio::io::duplex(1024);
    noisy
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .unwrap();
    let error = acceptor.accept(end).await.map(drop).unwrap_err();
    assert!(matches!(error, HandshakeError::Protocol(_)), "{error:?}");

    let (gone, end) = tokio::io::duplex(64);
    drop(gone);
    let error = acceptor.accept(end).await.map(drop).unwrap_err();
    assert!(matches!(error, HandshakeError::Broken(_)), "{error:?}");
}

#[tokio::test]
async fn an_expired_certificate_is_not_even_loaded() {
    let world = World::new();
    world.identity_with("service/intake", &[], HOUR);
    world.clock.advance(2 * HOUR);
    let error = Identity::load(&world.settings("service/intake"), world.clock.clone());
    let error = error.unwrap_err();
    let IdentityError::Unusable {
        source: Refusal::Expired,
        ..
    } = error
    else {
        panic!("{error:?}")
    };
    let text = liaison_types::Error::from(error).chain();
    assert!(text.ends_with("the certificate has expired"), "{text}");
}
