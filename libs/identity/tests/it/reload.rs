//! Files that change under a running process.

use std::fs;

use liaison_identity::{
    CertificateAuthority, Existing, HandshakeError, Identity, IdentityError, Refusal, Reload,
};
use liaison_types::Clock as _;

use crate::world::{Connected, DAY, World, alert, greet, meet, party, read};

#[tokio::test]
async fn acceptors_and_connectors_follow_a_new_certificate() {
    let world = World::new();
    let (server, client) = (
        world.identity("service/intake"),
        world.identity("bureau/NB-FR"),
    );
    let (acceptor, connector) = (server.acceptor(), client.connector(server.party()));
    let (accepted, _) = meet(&acceptor, &connector, "localhost").await;
    assert_eq!(accepted.unwrap().1.serial, client.serial());
    assert_eq!(client.reload().unwrap(), Reload::Unchanged);

    let (old_client, old_server) = (client.serial(), server.serial());
    for name in ["service/intake", "bureau/NB-FR"] {
        world
            .issue(name, &[], 60 * DAY)
            .write(world.folder.path(), Existing::Replace)
            .unwrap();
    }
    assert_eq!(
        client.serial(),
        old_client,
        "nothing changes before it is told to"
    );
    assert_eq!(client.reload().unwrap(), Reload::Swapped);
    assert_eq!(server.reload().unwrap(), Reload::Swapped);
    assert_ne!(client.serial(), old_client);
    assert_ne!(server.serial(), old_server);
    assert_eq!(client.remaining(), 60 * DAY);
    let (accepted, connected) = meet(&acceptor, &connector, "localhost").await;
    assert_eq!(accepted.unwrap().1.serial, client.serial());
    connected.unwrap();
}

#[tokio::test]
async fn a_change_that_cannot_be_loaded_keeps_the_old_state() {
    let world = World::new();
    let (server, client) = (
        world.identity("service/intake"),
        world.identity("bureau/NB-FR"),
    );
    let (acceptor, connector) = (server.acceptor(), client.connector(server.party()));
    let settings = world.settings("service/intake");
    let old = server.serial();
    let (certificate, key) = (
        read(settings.certificate.clone()),
        read(settings.key.clone()),
    );
    let fresh = world.issue("service/intake", &[], DAY);

    // Half a renewal: the two files do not belong together.
    fs::write(&settings.certificate, fresh.certificate_pem()).unwrap();
    let error = server.reload().unwrap_err();
    assert!(
        matches!(error, IdentityError::KeyMismatch { .. }),
        "{error:?}"
    );
    // Damaged, empty and missing files.
    for damaged in [&certificate[..certificate.len() / 2], "", "not PEM"] {
        fs::write(&settings.certificate, damaged).unwrap();
        let error = server.reload().unwrap_err();
        assert!(
            matches!(error, IdentityError::Content { .. }),
            "{damaged:?}: {error:?}"
        );
    }
    fs::write(&settings.certificate, &certificate).unwrap();
    fs::remove_file(&settings.key).unwrap();
    let error = server.reload().unwrap_err();
    assert!(matches!(error, IdentityError::Read { .. }), "{error:?}");
    fs::write(&settings.key, &key).unwrap();
    fs::write(settings.revocations.as_ref().unwrap(), "no list").unwrap();
    let error = server.reload().unwrap_err();
    assert!(matches!(error, IdentityError::Content { .. }), "{error:?}");

    assert_eq!(server.serial(), old);
    let (accepted, connected) = meet(&acceptor, &connector, "localhost").await;
    accepted.unwrap();
    connected.unwrap();

    // And once the renewal is whole, it counts.
    world.authority.revoke(&old, world.clock.now()).unwrap_err();
    fs::remove_file(settings.revocations.as_ref().unwrap()).unwrap();
    let error = server.reload().unwrap_err();
    assert!(
        matches!(error, IdentityError::Read { .. }),
        "a list that vanished is no empty list"
    );
}

#[tokio::test]
async fn a_new_authority_is_phased_in_and_the_old_one_out() {
    let world = World::new();
    let next = World::seeded(9);
    let (server, client) = (
        world.identity("service/intake"),
        world.identity("bureau/NB-FR"),
    );
    let (acceptor, connector) = (server.acceptor(), client.connector(server.party()));
    let settings = world.settings("service/intake");
    let lists = settings.revocations.clone().unwrap();
    let both = |name: &str| read(world.path(name)) + &read(next.path(name));

    // 1. Everybody trusts both. 2. Certificates are renewed one by one. 3. The old one goes.
    fs::write(&settings.authority, both("ca.pem")).unwrap();
    fs::write(&lists, both("crl.pem")).unwrap();
    assert_eq!(server.reload().unwrap(), Reload::Swapped);
    assert_eq!(client.reload().unwrap(), Reload::Swapped);
    let fresh = next.issue("service/intake", &[], DAY);
    fs::write(&settings.certificate, fresh.certificate_pem()).unwrap();
    fs::write(&settings.key, fresh.key_pem()).unwrap();
    assert_eq!(server.reload().unwrap(), Reload::Swapped);
    let (accepted, connected) = meet(&acceptor, &connector, "localhost").await;
    accepted.unwrap();
    connected.unwrap();

    fs::write(&settings.authority, read(next.path("ca.pem"))).unwrap();
    fs::write(&lists, read(next.path("crl.pem"))).unwrap();
    assert_eq!(server.reload().unwrap(), Reload::Swapped);
    let (accepted, _) = meet(&acceptor, &connector, "localhost").await;
    let Err(HandshakeError::Refused(Refusal::UnknownIssuer)) = accepted else {
        panic!()
    };
}

#[tokio::test]
async fn the_revoked_are_refused_and_nobody_else() {
    let world = World::new();
    let server = world.identity("service/intake");
    let (thief, honest) = (
        world.identity("bureau/NB-FR"),
        world.identity("bureau/NB-BE"),
    );
    let acceptor = server.acceptor();
    let dial = |who: &Identity| who.connector(party("service/intake"));
    let (accepted, connected) = meet(&acceptor, &dial(&thief), "localhost").await;
    let ((mut served, open), mut stream) = (accepted.unwrap(), connected.unwrap());

    world
        .authority
        .revoke(&thief.serial(), world.clock.now())
        .unwrap();
    assert_eq!(server.check(&open), Ok(()), "not before the list is loaded");
    assert_eq!(server.reload().unwrap(), Reload::Swapped);

    let (accepted, connected) = meet(&acceptor, &dial(&thief), "localhost").await;
    let Err(HandshakeError::Refused(Refusal::Revoked)) = accepted else {
        panic!()
    };
    let text = alert(connected).await;
    assert!(text.contains("CertificateRevoked"), "{text}");
    let (accepted, _) = meet(&acceptor, &dial(&honest), "localhost").await;
    let honest = accepted.unwrap().1;

    // The connection from before still carries bytes; whoever asks knows better.
    greet(&mut served, &mut stream).await;
    assert_eq!(server.check(&open), Err(Refusal::Revoked));
    assert_eq!(server.check(&honest), Ok(()));
    world.clock.advance(31 * DAY);
    assert_eq!(server.check(&honest), Err(Refusal::Expired));
}

#[tokio::test]
async fn a_revoked_server_is_refused() {
    let world = World::new();
    let (server, client) = (
        world.identity("service/intake"),
        world.identity("bureau/NB-FR"),
    );
    world
        .authority
        .revoke(&server.serial(), world.clock.now())
        .unwrap();
    // Its own list does not stop it from loading: the list matters for everybody else on it.
    assert_eq!(server.reload().unwrap(), Reload::Swapped);
    assert_eq!(client.reload().unwrap(), Reload::Swapped);
    let connector = client.connector(server.party());
    let (_, connected): (_, Connected) = meet(&server.acceptor(), &connector, "localhost").await;
    let Err(HandshakeError::Refused(Refusal::Revoked)) = connected else {
        panic!()
    };
}

#[tokio::test]
async fn lists_of_another_authority_cover_nobody() {
    let (world, other) = (World::new(), World::seeded(5));
    let settings = world.issue("service/intake", &[], DAY);
    let settings = settings
        .write(world.folder.path(), Existing::Refuse)
        .unwrap();
    fs::write(
        settings.revocations.as_ref().unwrap(),
        read(other.path("crl.pem")),
    )
    .unwrap();
    let error = Identity::load(&settings, world.clock.clone()).unwrap_err();
    let IdentityError::Unusable {
        source: Refusal::RevocationUnknown,
        ..
    } = error
    else {
        panic!("{error:?}")
    };
    // The same name but another key: the list's signature is wrong.
    let (world, forged) = (World::seeded(6), World::seeded(6));
    let settings = world.issue("service/intake", &[], DAY);
    let settings = settings
        .write(world.folder.path(), Existing::Refuse)
        .unwrap();
    fs::write(
        settings.revocations.as_ref().unwrap(),
        read(forged.path("crl.pem")),
    )
    .unwrap();
    let error = Identity::load(&settings, world.clock.clone()).unwrap_err();
    let IdentityError::Unusable {
        source: Refusal::RevocationUnknown,
        ..
    } = error
    else {
        panic!("{error:?}")
    };
}

#[tokio::test]
async fn watching_picks_changes_up() {
    let world = World::new();
    let server = world.identity("service/intake");
    let old = server.serial();
    let watching = tokio::spawn(server.clone().watch(std::time::Duration::from_millis(1)));
    world
        .issue("service/intake", &[], DAY)
        .write(world.folder.path(), Existing::Replace)
        .unwrap();
    let swapped = async {
        while server.serial() == old {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), swapped)
        .await
        .unwrap();
    watching.abort();
}

#[test]
fn the_list_says_when_it_is_due() {
    let world = World::new();
    let server = world.identity("service/intake");
    let authority = CertificateAuthority::load(world.folder.path()).unwrap();
    assert_eq!(server.revocations_due(), Some(authority.not_after()));
}
