//! What the authority writes, and that it writes nothing twice.

use std::fs;

use liaison_identity::{
    CertificateAuthority, CertificateSummary, Existing, IdentityError, IdentitySettings,
};
use liaison_types::{Clock as _, SeededRandom};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, ParsedExtension, X509Certificate};

use crate::world::{DAY, HOUR, World, party, read};

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

#[test]
fn an_authority_is_made_once_and_loaded_after_that() {
    let world = World::new();
    let folder = world.folder.path();
    let before = read(world.path("ca-key.pem"));
    let now = world.clock.now();
    let again = CertificateAuthority::create(folder, DAY, now, &world.random);
    assert!(
        matches!(again, Err(IdentityError::Exists { .. })),
        "{again:?}"
    );
    assert_eq!(read(world.path("ca-key.pem")), before);

    let loaded = CertificateAuthority::load_or_create(folder, DAY, now, &world.random).unwrap();
    assert_eq!(loaded.certificate_pem(), world.authority.certificate_pem());
    assert_eq!(loaded.not_after(), now + 365 * DAY);
    let issued = loaded
        .issue(&party("unit/cyber"), &[], DAY, now, &world.random)
        .unwrap();
    assert!(!format!("{loaded:?}{issued:?}").contains("PRIVATE"));
    let elsewhere = world.path("a/b");
    CertificateAuthority::load_or_create(&elsewhere, DAY, now, &world.random).unwrap();
    assert!(elsewhere.join("ca.pem").exists());

    // Half an authority is neither loaded nor completed.
    fs::remove_file(world.path("ca.pem")).unwrap();
    let half = CertificateAuthority::load_or_create(folder, DAY, now, &world.random);
    assert!(
        matches!(half, Err(IdentityError::Exists { .. })),
        "{half:?}"
    );
}

#[test]
fn parts_that_do_not_belong_together_are_noticed() {
    let (world, other) = (World::new(), World::seeded(2));
    fs::copy(other.path("ca-key.pem"), world.path("ca-key.pem")).unwrap();
    let error = CertificateAuthority::load(world.folder.path()).unwrap_err();
    assert!(
        matches!(error, IdentityError::KeyMismatch { .. }),
        "{error:?}"
    );
    // A party's certificate is no authority's.
    let issued = other.issue("unit/cyber", &[], DAY);
    fs::write(world.path("ca.pem"), issued.certificate_pem()).unwrap();
    fs::write(world.path("ca-key.pem"), issued.key_pem()).unwrap();
    let error = CertificateAuthority::load(world.folder.path()).unwrap_err();
    assert!(matches!(error, IdentityError::Content { .. }), "{error:?}");
}

#[test]
fn certificates_are_written_once_unless_told_otherwise() {
    let world = World::new();
    let folder = world.path("fr");
    let first = world.issue("bureau/NB-FR", &[], DAY);
    let settings = first.write(&folder, Existing::Refuse).unwrap();
    assert_eq!(
        settings,
        IdentitySettings::in_folder(&folder, &party("bureau/NB-FR"))
    );
    assert_eq!(
        settings.revocations, None,
        "only the authority's folder has the list"
    );
    assert_eq!(
        read(folder.join("ca.pem")),
        world.authority.certificate_pem()
    );

    let second = world.issue("bureau/NB-FR", &[], DAY);
    let error = second.write(&folder, Existing::Refuse).unwrap_err();
    assert!(matches!(error, IdentityError::Exists { .. }), "{error:?}");
    assert_eq!(read(settings.certificate.clone()), first.certificate_pem());
    assert_eq!(read(settings.key.clone()), first.key_pem());
    second.write(&folder, Existing::Replace).unwrap();
    assert_eq!(read(settings.certificate), second.certificate_pem());

    // Another authority's certificates do not get mixed in, whatever was asked for.
    let foreign = World::seeded(2).issue("bureau/NB-FR", &[], DAY);
    let error = foreign.write(&folder, Existing::Replace).unwrap_err();
    assert!(matches!(error, IdentityError::Exists { .. }), "{error:?}");
    assert_eq!(read(settings.key), second.key_pem());
}

#[cfg(unix)]
#[test]
fn every_file_is_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    world.identity("service/intake");
    world
        .authority
        .revoke(&"ab12".parse().unwrap(), world.clock.now())
        .unwrap();
    let mut names = Vec::new();
    for entry in fs::read_dir(world.folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600
        );
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    let expected = [
        "ca-key.pem",
        "ca.pem",
        "crl.pem",
        "service-intake-key.pem",
        "service-intake.pem",
    ];
    assert_eq!(names, expected);
}

#[test]
fn validity_and_serials_come_from_outside() {
    let world = World::new();
    let now = world.clock.now();
    let summary = |pem: &str| {
        fs::write(world.path("one.pem"), pem).unwrap();
        CertificateSummary::read(&world.path("one.pem")).unwrap()
    };
    let issued = world.issue(
        "service/intake",
        &["intake.example", "::1", "10.0.0.7"],
        HOUR,
    );
    let read = summary(issued.certificate_pem());
    assert_eq!(read.party, party("service/intake"));
    assert_eq!(read.serial, issued.serial);
    assert_eq!(read.not_after, now + HOUR);
    assert_eq!(read.not_before, now - std::time::Duration::from_secs(300));
    let hosts: Vec<_> = read.hosts.iter().map(ToString::to_string).collect();
    assert_eq!(hosts, ["intake.example", "::1", "10.0.0.7"]);

    // The same random numbers give the same serial, and never the same key.
    let again = |seed| {
        let random = SeededRandom::new(seed);
        world
            .authority
            .issue(&party("unit/cyber"), &[], DAY, now, &random)
            .unwrap()
    };
    assert_eq!(again(4).serial, again(4).serial);
    assert_ne!(again(4).serial, again(5).serial);
    assert_ne!(again(4).key_pem(), again(4).key_pem());
    assert_eq!(again(4).serial.to_string().len(), 32);

    // Nothing outlives its authority, and an authority that has ended issues nothing.
    let long = world.issue("unit/cyber", &[], 4000 * DAY);
    assert_eq!(long.not_after, world.authority.not_after());
    world.clock.advance(365 * DAY);
    let late = world.clock.now();
    let error = world
        .authority
        .issue(&party("unit/cyber"), &[], DAY, late, &world.random);
    assert!(matches!(error, Err(IdentityError::AuthorityExpired { .. })));
    let error = world.authority.revoke(&issued.serial, late);
    assert!(matches!(error, Err(IdentityError::AuthorityExpired { .. })));
    let forever = std::time::Duration::from_secs(u64::MAX);
    let error = CertificateAuthority::create(&world.path("x"), forever, now, &world.random);
    assert!(matches!(error, Err(IdentityError::Validity)), "{error:?}");
    assert!(!world.path("x").exists());
}

#[test]
fn the_shape_is_what_other_libraries_want() {
    let world = World::new();
    let authority = der(world.authority.certificate_pem());
    let (_, authority) = X509Certificate::from_der(&authority).unwrap();
    let usage = authority.key_usage().unwrap().unwrap();
    assert!(usage.critical && usage.value.key_cert_sign() && usage.value.crl_sign());
    let basic = authority.basic_constraints().unwrap().unwrap();
    assert!(basic.critical && basic.value.ca);
    assert_eq!(basic.value.path_len_constraint, Some(0));
    let subject_key = |certificate: &X509Certificate<'_>| {
        certificate
            .iter_extensions()
            .find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
                _ => None,
            })
    };
    let authority_key = |certificate: &X509Certificate<'_>| {
        certificate
            .iter_extensions()
            .find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::AuthorityKeyIdentifier(id) => {
                    id.key_identifier.as_ref().map(|id| id.0.to_vec())
                }
                _ => None,
            })
    };
    assert!(subject_key(&authority).is_some());

    for (name, hosts, serves) in [
        ("service/intake", &[][..], true),
        ("service/intake", &["localhost"], true),
        ("bureau/NB-FR", &[], false),
        ("partner/customs", &["hooks.example"], true),
    ] {
        let leaf = der(world.issue(name, hosts, DAY).certificate_pem());
        let (_, leaf) = X509Certificate::from_der(&leaf).unwrap();
        assert_eq!(leaf.version(), x509_parser::x509::X509Version::V3);
        let basic = leaf.basic_constraints().unwrap().unwrap();
        assert!(basic.critical && !basic.value.ca);
        let usage = leaf.key_usage().unwrap().unwrap();
        assert!(usage.critical && usage.value.digital_signature());
        assert!(!usage.value.key_cert_sign());
        let purpose = leaf.extended_key_usage().unwrap().unwrap().value;
        assert!(purpose.client_auth && !purpose.any, "{name}");
        assert_eq!(purpose.server_auth, serves, "{name}");
        assert_eq!(authority_key(&leaf), subject_key(&authority));
        assert!(subject_key(&leaf).is_some());
        assert_eq!(leaf.issuer(), authority.subject());
    }
}

#[test]
fn revocations_add_up() {
    let world = World::new();
    let serials: Vec<_> = (0..8)
        .map(|_| world.issue("unit/cyber", &[], DAY).serial)
        .collect();
    // All at once, from handles of their own: none is lost.
    std::thread::scope(|scope| {
        for serial in &serials {
            scope.spawn(|| {
                let authority = CertificateAuthority::load(world.folder.path()).unwrap();
                authority.revoke(serial, world.clock.now()).unwrap();
            });
        }
    });
    let number_and_serials = || {
        let pem = read(world.path("crl.pem"));
        let der = rustls::pki_types::CertificateRevocationListDer::from_pem_slice(pem.as_bytes())
            .unwrap();
        let (_, list) =
            x509_parser::revocation_list::CertificateRevocationList::from_der(&der).unwrap();
        let mut found: Vec<String> = list
            .iter_revoked_certificates()
            .map(|entry| entry.raw_serial_as_string().replace(':', ""))
            .collect();
        found.sort();
        (list.crl_number().unwrap().to_string(), found)
    };
    let mut expected: Vec<_> = serials.iter().map(ToString::to_string).collect();
    expected.sort();
    assert_eq!(number_and_serials(), ("9".to_owned(), expected.clone()));
    world
        .authority
        .revoke(&serials[3], world.clock.now())
        .unwrap();
    assert_eq!(
        number_and_serials(),
        ("9".to_owned(), expected),
        "twice is once"
    );
}
