//! Every certificate that must not get in, shown in a real handshake; each refused for its own rule.

use std::collections::HashSet;
use std::time::Duration;

use liaison_identity::{HandshakeError, Refusal};
use liaison_types::Clock as _;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, SanType};
use rustls::version::TLS13;
use time::OffsetDateTime;

use crate::world::{DAY, RawCertificate, World, meet_foreign, party};

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

/// What `world`'s server says to a client that shows `own`, and what the client hears.
async fn shown(world: &World, own: &RawCertificate) -> (Option<Refusal>, String) {
    let acceptor = world.identity("service/intake").acceptor();
    let client = world.foreign_client(Some(own), &TLS13, &[b"h2"]);
    let (accepted, connected) = meet_foreign(&acceptor, &client).await;
    let refusal = match accepted {
        Ok(_) => None,
        Err(HandshakeError::Refused(refusal)) => Some(refusal),
        Err(other) => panic!("{other:?}"),
    };
    let alert = match (refusal, connected) {
        (None, _) => String::new(),
        (Some(_), connected) => {
            crate::world::alert(connected.map_err(|_| HandshakeError::Timeout)).await
        }
    };
    (refusal, alert)
}

#[tokio::test]
async fn every_rule_about_the_uri_has_a_refusal_of_its_own() {
    let world = World::new();
    let long = format!("liaison://operator/{}", "a".repeat(50));
    let mut told = HashSet::new();
    for (uris, refusal) in [
        (&[][..], Refusal::NoParty),
        (
            &["liaison://bureau/NB-FR", "liaison://bureau/NB-ES"],
            Refusal::SeveralParties,
        ),
        (
            &["liaison://bureau/NB-FR", "https://example.org"],
            Refusal::SeveralParties,
        ),
        (&["liaison://bureau/*"], Refusal::UriWildcard),
        (&["spiffe://liaison/bureau/NB-FR"], Refusal::UriScheme),
        (&["LIAISON://bureau/NB-FR"], Refusal::UriScheme),
        (&["liaison://bureau/NB%2DFR"], Refusal::UriEscape),
        (&["liaison://bureau/NB-FR/"], Refusal::UriPath),
        (&["liaison://bureau/NB-FR?officer=x"], Refusal::UriPath),
        (&["liaison://bureau"], Refusal::UriPath),
        (&[long.as_str()], Refusal::UriTooLong),
        (&["liaison://minister/NB-FR"], Refusal::UnknownKind),
        (&["liaison://bureau/FR"], Refusal::MalformedParty),
    ] {
        let (found, alert) = shown(&world, &world.with_uris(uris)).await;
        assert_eq!(found, Some(refusal), "{uris:?}");
        assert!(alert.contains("alert"), "{uris:?}: {alert}");
        told.insert(refusal.to_string());
    }
    assert_eq!(told.len(), 9, "each rule says something else: {told:?}");
    let good = world.with_uris(&["liaison://bureau/NB-FR"]);
    assert_eq!(shown(&world, &good).await.0, None);
}

#[tokio::test]
async fn time_purpose_and_kind_of_certificate_are_told_apart() {
    let world = World::new();
    let now =
        OffsetDateTime::from_unix_timestamp(world.clock.now().to_seconds_and_nanos().0).unwrap();
    let day = time::Duration::DAY;
    let made = |change: &dyn Fn(&mut CertificateParams)| {
        world.odd(|params| {
            params.subject_alt_names = vec![uri("liaison://bureau/NB-FR")];
            change(params);
        })
    };
    for (what, own, refusal, heard) in [
        (
            "expired",
            made(&|params| {
                params.not_before = now - 2 * day;
                params.not_after = now - day;
            }),
            Refusal::Expired,
            "CertificateExpired",
        ),
        (
            "not yet valid",
            made(&|params| {
                params.not_before = now + day;
                params.not_after = now + 2 * day;
            }),
            Refusal::NotYetValid,
            "alert",
        ),
        (
            "an authority",
            made(&|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
            Refusal::Authority,
            "alert",
        ),
        (
            "for servers only",
            made(&|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]),
            Refusal::WrongPurpose,
            "alert",
        ),
        (
            "for mail",
            made(&|params| {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
            }),
            Refusal::WrongPurpose,
            "alert",
        ),
    ] {
        let (found, alert) = shown(&world, &own).await;
        assert_eq!(found, Some(refusal), "{what}");
        assert!(alert.contains(heard), "{what}: {alert}");
    }
}

#[tokio::test]
async fn nobody_else_becomes_the_party_that_somebody_poses_as() {
    // The common name, a DNS name and an e-mail address count for nothing beside the URI.
    let world = World::new();
    let own = world.odd(|params| {
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "liaison://service/intake");
        params.subject_alt_names = vec![
            SanType::DnsName("service.intake".try_into().unwrap()),
            SanType::Rfc822Name("service@intake".try_into().unwrap()),
            uri("liaison://bureau/NB-FR"),
        ];
    });
    let acceptor = world.identity("service/intake").acceptor();
    let client = world.foreign_client(Some(&own), &TLS13, &[b"h2"]);
    let (accepted, _) = meet_foreign(&acceptor, &client).await;
    let (_, peer) = accepted.unwrap();
    assert_eq!(peer.party, party("bureau/NB-FR"));
    assert!(peer.not_after.since(world.clock.now()) > DAY * 30);
    assert_ne!(peer.not_after.since(world.clock.now()), Duration::ZERO);
}
