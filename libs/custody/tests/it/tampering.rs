//! Bundles that were forged, replayed, reordered, cut off or added to.

use liaison_custody::{Bundle, Warning, check, receipt};
use liaison_types::Timestamp;

use crate::support::{LIFE, bundle, closed, key, keys, lines, receipts, rechain, referral, wrong};

fn tampered(change: impl FnOnce(&mut Bundle)) -> Vec<(&'static str, Option<i64>)> {
    let mut bundle = bundle(LIFE);
    change(&mut bundle);
    wrong(&bundle)
}

#[test]
fn untouched_it_is_sound() {
    assert_eq!(tampered(|_| {}), []);
}

#[test]
fn altered() {
    let found = tampered(|bundle| bundle.receipts[6].officer = "nobody".to_owned());
    assert_eq!(found, [("ALTERED", Some(7))]);
    // An unsigned one: the next signature speaks for its digest.
    let found = tampered(|bundle| bundle.receipts[0].content = Some([1; 32]));
    assert_eq!(found, [("ALTERED", Some(1))]);
    let found = tampered(|bundle| {
        bundle.receipts[6].officer = "nobody".to_owned();
        rechain(&mut bundle.receipts[..7], 6);
    });
    assert_eq!(found, [("BAD_SIGNATURE", Some(7)), ("UNLINKED", Some(8))]);
    let found = tampered(|bundle| bundle.receipts[6].digest[0] ^= 1);
    assert_eq!(
        found,
        [
            ("BAD_SIGNATURE", Some(7)),
            ("UNPROVED", Some(7)),
            ("UNLINKED", Some(8))
        ]
    );
}

#[test]
fn forged_by_somebody_else() {
    let stranger = key(2);
    let forged = closed(receipts(referral(7), &lines(LIFE), &stranger), &stranger);
    let found = wrong(&forged);
    assert_eq!(found[0], ("STATEMENT_UNKNOWN_KEY", None));
    assert_eq!(found.len(), 10, "one for each signature: {found:?}");
    // Under the name of the real key.
    let mut named = forged;
    named.statement.signature.key = key(1).id();
    for receipt in &mut named.receipts {
        if let Some(signature) = &mut receipt.signature {
            signature.key = key(1).id();
        }
    }
    let found = wrong(&named);
    assert_eq!(found.len(), 10);
    assert_eq!(found[0], ("STATEMENT_BAD_SIGNATURE", None));
    assert!(found[1..].iter().all(|(code, _)| *code == "BAD_SIGNATURE"));
}

#[test]
fn replayed_from_another_referral() {
    let other = receipts(referral(8), &lines(LIFE), &key(1));
    let found = tampered(|bundle| bundle.receipts[6] = other[6].clone());
    assert_eq!(found, [("FOREIGN", Some(7)), ("MISSING", Some(7))]);
    // Everything of the other one under this one's heading.
    let found = tampered(|bundle| bundle.receipts = other);
    assert_eq!(found[0], ("EMPTY", None));
    assert_eq!(
        found.iter().filter(|(code, _)| *code == "FOREIGN").count(),
        11
    );
}

#[test]
fn reordered() {
    let found = tampered(|bundle| bundle.receipts.swap(3, 6));
    assert_eq!(
        found,
        [
            ("MISPLACED", Some(4)),
            ("MISPLACED", Some(5)),
            ("MISPLACED", Some(6))
        ]
    );
    let found = tampered(|bundle| {
        bundle.receipts.swap(3, 6);
        bundle.receipts[3].position = 4;
        bundle.receipts[6].position = 7;
    });
    assert!(found.contains(&("ALTERED", Some(4))), "{found:?}");
}

#[test]
fn cut_off() {
    let found = tampered(|bundle| bundle.receipts.truncate(9));
    assert_eq!(found, [("CUT_OFF", Some(9))]);
    let found = tampered(|bundle| bundle.receipts.truncate(5));
    assert_eq!(found, [("CUT_OFF", Some(5)), ("UNSIGNED", Some(5))]);
    // With the statement moved to the new end, which nobody but the suite can sign.
    let found = tampered(|bundle| {
        bundle.receipts.truncate(9);
        bundle.statement.position = 9;
        bundle.statement.digest = bundle.receipts[8].digest;
    });
    assert_eq!(found, [("STATEMENT_BAD_SIGNATURE", None)]);
    let found = tampered(|bundle| bundle.receipts.clear());
    assert_eq!(found, [("EMPTY", None)]);
    let found = tampered(|bundle| drop(bundle.receipts.drain(..2)));
    assert_eq!(found, [("MISSING", Some(1))]);
}

#[test]
fn added_to() {
    let mut long = lines(LIFE);
    long.extend(lines("60 | CONTENT_PURGED | PURGED | service/intake"));
    // Even one that the suite signed: this bundle was closed before it.
    let found = tampered(|bundle| {
        bundle.receipts = receipts(referral(7), &long, &key(1));
    });
    assert_eq!(found, [("EXTENDED", Some(12))]);
    let found = tampered(|bundle| {
        let mut added = bundle.receipts[10].clone();
        added.position = 12;
        bundle.receipts.push(added);
        rechain(&mut bundle.receipts, 11);
    });
    assert_eq!(found, [("BAD_SIGNATURE", Some(12)), ("EXTENDED", Some(12))]);
}

#[test]
fn another_heading() {
    let later = Timestamp::from_seconds(1_900_000_000);
    let changes: [fn(&mut Bundle, Timestamp); 3] = [
        |bundle, _| bundle.reference = "2026-FR-000124".to_owned(),
        |bundle, _| bundle.owner = "bureau/NB-ES".parse().unwrap(),
        |bundle, later| bundle.issued_at = later,
    ];
    for change in changes {
        let found = tampered(|bundle| change(bundle, later));
        assert_eq!(found, [("STATEMENT_BAD_SIGNATURE", None)]);
    }
    let found = tampered(|bundle| bundle.statement.digest[0] ^= 1);
    assert_eq!(
        found,
        [
            ("STATEMENT_BAD_SIGNATURE", None),
            ("STATEMENT_DIGEST", Some(11))
        ]
    );
}

#[test]
fn a_signature_of_one_kind_is_none_of_another() {
    // The statement's signature under the last receipt, and the other way round.
    let found = tampered(|bundle| {
        bundle.receipts[10].signature = Some(bundle.statement.signature);
    });
    assert_eq!(found, [("BAD_SIGNATURE", Some(11))]);
    let found = tampered(|bundle| {
        bundle.statement.signature = receipt::sign(&bundle.statement.digest, &key(1));
    });
    assert_eq!(found, [("STATEMENT_BAD_SIGNATURE", None)]);
}

#[test]
fn every_signature_is_needed_at_the_end_only() {
    for index in 0..11 {
        let found = tampered(|bundle| bundle.receipts[index].signature = None);
        match index {
            10 => assert_eq!(found, [("UNSIGNED", Some(11))]),
            _ => assert_eq!(found, [], "that of position {}", index + 1),
        }
    }
}

#[test]
fn issued_before_its_end() {
    let mut early = lines(LIFE);
    early[10].after = -60;
    let mut bundle = closed(receipts(referral(7), &early, &key(1)), &key(1));
    let heading = liaison_custody::bundle::Heading {
        referral: bundle.referral,
        reference: bundle.reference.clone(),
        owner: bundle.owner.clone(),
        issued_at: Timestamp::from_seconds(1),
    };
    bundle = Bundle::issue(heading, bundle.receipts, &key(1)).unwrap();
    let report = check(bundle.to_text().as_bytes(), &keys());
    assert!(report.is_sound(), "{report}");
    let codes: Vec<_> = report.warnings.iter().map(Warning::code).collect();
    assert_eq!(codes, ["TIME_BACKWARDS", "ISSUED_EARLY"]);
}
