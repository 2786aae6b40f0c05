//! Sessions are resumed, and never past what the certificate allows.

use liaison_identity::{Existing, HandshakeError, Identity, Refusal, Reload};
use liaison_types::Clock as _;
use rustls::HandshakeKind;

use crate::world::{Accepted, Connected, DAY, HOUR, World, greet, meet, party};

fn kinds(accepted: &Accepted, connected: &Connected) -> Option<HandshakeKind> {
    let server = accepted
        .as_ref()
        .ok()
        .and_then(|(stream, _)| stream.get_ref().1.handshake_kind());
    let client = connected
        .as_ref()
        .ok()
        .and_then(|stream| stream.get_ref().1.handshake_kind());
    if let (Some(server), Some(client)) = (server, client) {
        assert_eq!(server, client);
    }
    server.or(client)
}

struct Pair {
    world: World,
    server: Identity,
    client: Identity,
}

impl Pair {
    fn new(server_valid: std::time::Duration, client_valid: std::time::Duration) -> Self {
        let world = World::new();
        let server = world.identity_with("service/intake", &[], server_valid);
        let client = world.identity_with("bureau/NB-FR", &[], client_valid);
        Self {
            world,
            server,
            client,
        }
    }
}

#[tokio::test]
async fn a_resumed_session_is_the_same_party() {
    let pair = Pair::new(DAY, DAY);
    let (acceptor, connector) = (
        pair.server.acceptor(),
        pair.client.connector(party("service/intake")),
    );
    for expected in [
        HandshakeKind::Full,
        HandshakeKind::Resumed,
        HandshakeKind::Resumed,
    ] {
        // Clones share the sessions.
        let (accepted, connected) = meet(&acceptor, &connector.clone(), "localhost").await;
        assert_eq!(kinds(&accepted, &connected), Some(expected));
        let ((mut served, peer), mut stream) = (accepted.unwrap(), connected.unwrap());
        assert_eq!(peer.party, party("bureau/NB-FR"));
        assert_eq!(peer.serial, pair.client.serial());
        greet(&mut served, &mut stream).await;
    }
    // Another connector, even of the same identity, brings no session.
    let other = pair.client.connector(party("service/intake"));
    let (accepted, connected) = meet(&acceptor, &other, "localhost").await;
    assert_eq!(kinds(&accepted, &connected), Some(HandshakeKind::Full));
}

async fn meet_once(
    pair: &Pair,
) -> (
    liaison_identity::TlsAcceptor,
    liaison_identity::TlsConnector,
) {
    let (acceptor, connector) = (
        pair.server.acceptor(),
        pair.client.connector(party("service/intake")),
    );
    let (accepted, connected) = meet(&acceptor, &connector, "localhost").await;
    let ((mut served, _), mut stream) = (accepted.unwrap(), connected.unwrap());
    greet(&mut served, &mut stream).await;
    (acceptor, connector)
}

#[tokio::test]
async fn a_session_does_not_outlive_the_clients_certificate() {
    let pair = Pair::new(DAY, HOUR);
    let (acceptor, connector) = meet_once(&pair).await;
    pair.world.clock.advance(2 * HOUR);
    let (accepted, connected) = meet(&acceptor, &connector, "localhost").await;
    // TLS itself resumed; it was our check that refused.
    assert_eq!(kinds(&accepted, &connected), Some(HandshakeKind::Resumed));
    let Err(HandshakeError::Refused(Refusal::Expired)) = accepted else {
        panic!()
    };
}

#[tokio::test]
async fn a_session_does_not_outlive_the_servers_certificate() {
    let pair = Pair::new(HOUR, DAY);
    let (acceptor, connector) = meet_once(&pair).await;
    pair.world.clock.advance(2 * HOUR);
    let (accepted, connected) = meet(&acceptor, &connector, "localhost").await;
    assert_eq!(kinds(&accepted, &connected), Some(HandshakeKind::Resumed));
    let Err(HandshakeError::Refused(Refusal::Expired)) = connected else {
        panic!()
    };
}

#[tokio::test]
async fn a_reload_forgets_sessions_on_the_side_that_reloads() {
    let pair = Pair::new(DAY, DAY);
    let (acceptor, connector) = meet_once(&pair).await;
    pair.world
        .authority
        .revoke(&pair.client.serial(), pair.world.clock.now())
        .unwrap();
    assert_eq!(pair.server.reload().unwrap(), Reload::Swapped);
    let (accepted, connected) = meet(&acceptor, &connector, "localhost").await;
    assert_eq!(kinds(&accepted, &connected), Some(HandshakeKind::Full));
    let Err(HandshakeError::Refused(Refusal::Revoked)) = accepted else {
        panic!()
    };

    let pair = Pair::new(DAY, DAY);
    let (acceptor, connector) = meet_once(&pair).await;
    let fresh = pair.world.issue("bureau/NB-FR", &[], DAY);
    fresh
        .write(pair.world.folder.path(), Existing::Replace)
        .unwrap();
    assert_eq!(pair.client.reload().unwrap(), Reload::Swapped);
    let (accepted, connected) = meet(&acceptor, &connector, "localhost").await;
    assert_eq!(kinds(&accepted, &connected), Some(HandshakeKind::Full));
    assert_eq!(accepted.unwrap().1.serial, fresh.serial);
}
