//! An authority that is replaced, step by step, and what ends when.

use std::fs;

use liaison_identity::{
    CertificateAuthority, Identity, IdentityError, Inventory, Refusal, Reload, RotationStage,
    Standing, ValidityKind,
};
use liaison_types::Clock as _;

use crate::world::{DAY, World, greet, meet, party, read};

async fn works(server: &Identity, client: &Identity) {
    let connector = client.connector(server.party());
    let (accepted, connected) = meet(&server.acceptor(), &connector, "localhost").await;
    let ((mut served, peer), mut stream) = (accepted.unwrap(), connected.unwrap());
    greet(&mut served, &mut stream).await;
    assert_eq!(server.check(&peer), Ok(()));
}

fn stage(world: &World) -> RotationStage {
    CertificateAuthority::rotation(world.folder.path()).unwrap()
}

#[tokio::test]
async fn nobody_is_refused_while_the_authority_is_replaced_in_whichever_order_they_reload() {
    let world = World::new();
    let folder = world.folder.path();
    let now = world.clock.now();
    let (server, client) = (
        world.identity("service/intake"),
        world.identity("bureau/NB-FR"),
    );
    let everybody = [&server, &client];
    let old_certificate = read(world.path("bureau-NB-FR.pem"));
    let old_key = read(world.path("bureau-NB-FR-key.pem"));
    assert_eq!(stage(&world), RotationStage::Idle);

    let next = CertificateAuthority::begin_rotation(folder, 365 * DAY, now, &world.random).unwrap();
    assert_eq!(stage(&world), RotationStage::Begun);
    for one in everybody {
        assert_eq!(one.reload().unwrap(), Reload::Swapped);
        works(&server, &client).await;
    }
    // The old one still issues, and its list still counts.
    let issued = CertificateAuthority::load(folder).unwrap();
    assert_eq!(issued.certificate_pem(), world.authority.certificate_pem());

    let new = CertificateAuthority::switch_rotation(folder).unwrap();
    assert_eq!(stage(&world), RotationStage::Switched);
    assert_eq!(new.certificate_pem(), next.certificate_pem());
    let refused = CertificateAuthority::end_rotation(folder);
    assert!(
        matches!(refused, Err(IdentityError::InUse { .. })),
        "{refused:?}"
    );
    let renewed = new.renew(|_| true, DAY, now, &world.random).unwrap();
    assert_eq!(renewed.len(), 2);
    for one in everybody {
        assert_eq!(one.reload().unwrap(), Reload::Swapped);
        works(&server, &client).await;
    }

    // Somebody who was late is connected with what the old one issued.
    fs::write(world.path("late.pem"), &old_certificate).unwrap();
    fs::write(world.path("late-key.pem"), &old_key).unwrap();
    let mut settings = world.settings("bureau/NB-FR");
    settings.certificate = world.path("late.pem");
    settings.key = world.path("late-key.pem");
    let late = Identity::load(&settings, world.clock.clone()).unwrap();
    let connector = late.connector(server.party());
    let (accepted, _) = meet(&server.acceptor(), &connector, "localhost").await;
    let open = accepted.unwrap().1;
    assert_eq!(server.check(&open), Ok(()));
    fs::remove_file(world.path("late.pem")).unwrap();

    CertificateAuthority::end_rotation(folder).unwrap();
    assert_eq!(stage(&world), RotationStage::Idle);
    for one in everybody {
        assert_eq!(one.reload().unwrap(), Reload::Swapped);
        works(&server, &client).await;
    }
    assert_eq!(
        server.check(&open),
        Err(Refusal::UnknownIssuer),
        "also where it is connected"
    );
    let (accepted, _) = meet(&server.acceptor(), &connector, "localhost").await;
    let refused = accepted.map(drop).unwrap_err();
    assert_eq!(refused.as_str(), "unknown_issuer");
    let left: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|e| e.file_name())
        .collect();
    assert!(
        !left.iter().any(|name| name == "ca-previous-key.pem"),
        "{left:?}"
    );
}

#[tokio::test]
async fn each_authority_in_use_has_its_own_list() {
    let world = World::new();
    let folder = world.folder.path();
    let now = world.clock.now();
    let server = world.identity("service/intake");
    world.identity("bureau/NB-FR");
    fs::copy(world.path("bureau-NB-FR.pem"), world.path("old.pem")).unwrap();
    CertificateAuthority::begin_rotation(folder, 365 * DAY, now, &world.random).unwrap();
    let new = CertificateAuthority::switch_rotation(folder).unwrap();
    new.renew(
        |held| held.party == party("bureau/NB-FR"),
        DAY,
        now,
        &world.random,
    )
    .unwrap();
    fs::copy(world.path("bureau-NB-FR.pem"), world.path("new.pem")).unwrap();
    server.reload().unwrap();

    let standing = |name: &str| {
        let held = Inventory::read(folder).unwrap().certificates;
        let path = world.path(name);
        held.iter()
            .find(|held| held.path == path)
            .unwrap()
            .standing(now)
    };
    assert_eq!(
        (standing("old.pem"), standing("new.pem")),
        (Standing::Valid, Standing::Valid)
    );
    CertificateAuthority::revoke_file(folder, &world.path("old.pem"), now).unwrap();
    assert_eq!(
        (standing("old.pem"), standing("new.pem")),
        (Standing::Revoked, Standing::Valid)
    );
    CertificateAuthority::revoke_file(folder, &world.path("new.pem"), now).unwrap();
    assert_eq!(
        (standing("old.pem"), standing("new.pem")),
        (Standing::Revoked, Standing::Revoked)
    );
    let lists = Inventory::read(folder).unwrap().lists;
    assert_eq!(
        lists.iter().map(|list| list.revoked).collect::<Vec<_>>(),
        [1, 1]
    );

    assert_eq!(server.reload().unwrap(), Reload::Swapped);
    let client = Identity::load(&world.settings("bureau/NB-FR"), world.clock.clone()).unwrap();
    let connector = client.connector(server.party());
    let (accepted, _) = meet(&server.acceptor(), &connector, "localhost").await;
    assert_eq!(accepted.map(drop).unwrap_err().as_str(), "revoked");

    let stranger = World::seeded(8);
    stranger.identity("unit/cyber");
    let error = CertificateAuthority::revoke_file(folder, &stranger.path("unit-cyber.pem"), now);
    assert!(
        matches!(error, Err(IdentityError::UnknownAuthority { .. })),
        "{error:?}"
    );
}

#[test]
fn steps_out_of_turn_change_nothing_and_a_broken_off_step_can_be_repeated() {
    let world = World::new();
    let folder = world.folder.path();
    let now = world.clock.now();
    let wrong = |result: Result<CertificateAuthority, IdentityError>| {
        assert!(
            matches!(result, Err(IdentityError::Rotation { .. })),
            "{result:?}"
        );
    };
    wrong(CertificateAuthority::switch_rotation(folder));
    wrong(CertificateAuthority::end_rotation(folder));
    // A crash after the first file of the first step.
    fs::copy(
        World::seeded(7).path("ca-key.pem"),
        world.path("ca-next-key.pem"),
    )
    .unwrap();
    assert_eq!(stage(&world), RotationStage::Idle);
    let begin = || CertificateAuthority::begin_rotation(folder, 365 * DAY, now, &world.random);
    begin().unwrap();
    wrong(begin());
    wrong(CertificateAuthority::end_rotation(folder));
    // A crash between the two files of the second.
    fs::copy(world.path("ca-key.pem"), world.path("ca-previous-key.pem")).unwrap();
    assert_eq!(stage(&world), RotationStage::Begun);
    CertificateAuthority::switch_rotation(folder).unwrap();
    wrong(begin());
    wrong(CertificateAuthority::switch_rotation(folder));
    CertificateAuthority::end_rotation(folder).unwrap();
    let inventory = Inventory::read(folder).unwrap();
    assert_eq!((inventory.authorities.len(), inventory.lists.len()), (1, 1));
    assert!(inventory.authorities[0].issues);
    assert_eq!(inventory.authorities[0].name, inventory.lists[0].issuer);
}

#[test]
fn everything_that_ends_says_when() {
    let world = World::new();
    let now = world.clock.now();
    let server = world.identity_with("service/intake", &[], 30 * DAY);
    let ends = |server: &Identity| -> Vec<_> {
        let held = server.validities();
        held.into_iter().map(|v| (v.kind, v.until)).collect()
    };
    let year = world.authority.not_after();
    assert_eq!(
        ends(&server),
        [
            (ValidityKind::Own, now + 30 * DAY),
            (ValidityKind::Authority, year),
            (ValidityKind::RevocationList, year)
        ]
    );
    CertificateAuthority::begin_rotation(world.folder.path(), 700 * DAY, now, &world.random)
        .unwrap();
    server.reload().unwrap();
    let held = ends(&server);
    assert_eq!(held.len(), 5);
    assert!(
        held.contains(&(ValidityKind::Authority, now + 700 * DAY)),
        "{held:?}"
    );
    assert!(held.contains(&(ValidityKind::RevocationList, now + 700 * DAY)));
    let names: std::collections::HashSet<_> = server
        .validities()
        .into_iter()
        .map(|v| (v.kind, v.name))
        .collect();
    assert_eq!(names.len(), 5, "no two are called the same: {names:?}");
}

#[test]
fn an_inventory_tells_what_is_in_a_folder() {
    let world = World::new();
    let now = world.clock.now();
    world.identity("service/intake");
    let odd = world.with_uris(&["liaison://unit/cyber", "liaison://unit/terrorism"]);
    fs::write(world.path("odd.pem"), odd.pem).unwrap();
    fs::write(world.path("note.txt"), "not a certificate").unwrap();
    let foreign = World::seeded(3);
    let other = foreign.issue("unit/cyber", &[], DAY);
    fs::write(world.path("foreign.pem"), other.certificate_pem()).unwrap();

    let found = Inventory::read(world.folder.path()).unwrap();
    let told: Vec<_> = found
        .certificates
        .iter()
        .map(|held| (held.party.to_string(), held.standing(now)))
        .collect();
    assert_eq!(
        told,
        [
            ("unit/cyber".to_owned(), Standing::Untrusted),
            ("service/intake".to_owned(), Standing::Valid)
        ]
    );
    assert_eq!(
        found.certificates[1].standing(now + 31 * DAY),
        Standing::Expired
    );
    assert_eq!(
        found.certificates[1].standing(now - DAY),
        Standing::NotYetValid
    );
    assert_eq!(found.unusable.len(), 1);
    assert_eq!(found.unusable[0].refusal, Refusal::SeveralParties);
    let nowhere = Inventory::read(&world.path("nowhere"));
    assert!(
        matches!(nowhere, Err(IdentityError::Read { .. })),
        "{nowhere:?}"
    );
}
