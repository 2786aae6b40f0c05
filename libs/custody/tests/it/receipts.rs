//! The rule of signatures, and what is found in receipts that were tampered with.

use liaison_custody::signature::Invalid;
use liaison_custody::{Problem, Warning, receipt};
use proptest::prelude::*;

use crate::support::{LIFE, START, key, keys, lines, receipts, rechain, referral};

#[test]
fn a_transaction_needs_one_signature_and_a_chain_ends_with_one() {
    let good = receipts(referral(7), &lines(LIFE), &key(1));
    assert_eq!(good[0].signature, None);
    assert_eq!(receipt::verify(&good, referral(7), &keys()), Ok(()));
    for end in 1..good.len() {
        let verdict = receipt::verify(&good[..end], referral(7), &keys());
        match good[end - 1].signature {
            Some(_) => assert_eq!(verdict, Ok(())),
            None => {
                let position = good[end - 1].position;
                assert_eq!(verdict, Err(vec![Problem::Unsigned { position }]));
            }
        }
    }
    let verdict = receipt::verify(&[], referral(7), &keys());
    assert_eq!(verdict, Err(vec![Problem::Empty]));
}

#[test]
fn a_key_that_is_not_given_is_named() {
    let stranger = key(2);
    let mut mixed = receipts(referral(7), &lines(LIFE), &key(1));
    mixed[3].signature = Some(receipt::sign(&mixed[3].digest, &stranger));
    let unknown = Problem::Signature {
        position: 4,
        invalid: Invalid::UnknownKey(stranger.id()),
    };
    // The later signatures speak for it as well, and yet somebody unknown signed.
    assert_eq!(
        receipt::verify(&mixed, referral(7), &keys()),
        Err(vec![unknown])
    );
    let mut both = keys();
    both.insert(stranger.public_key()).unwrap();
    assert_eq!(receipt::verify(&mixed, referral(7), &both), Ok(()));
}

#[test]
fn time_that_runs_backwards_is_strange_and_no_more() {
    let mut lines = lines(LIFE);
    lines[4].after = -30;
    let receipts = receipts(referral(7), &lines, &key(1));
    assert_eq!(receipt::verify(&receipts, referral(7), &keys()), Ok(()));
    let warnings = receipt::warnings(&receipts);
    let positions: Vec<_> = warnings.iter().map(Warning::position).collect();
    assert_eq!(positions, [5]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_tampering_is_found_where_it_is(at: prop::sample::Index, to: prop::sample::Index) {
        let good = receipts(referral(7), &lines(LIFE), &key(1));
        let (at, to) = (at.index(good.len()), to.index(good.len()));
        let position = good[at].position;
        let found = |receipts: &[_]| receipt::verify(receipts, referral(7), &keys()).err();

        let mut altered = good.clone();
        altered[at].detail.push('x');
        // Where no signature speaks for the one before, it may have been that one.
        let certain = at == 0 || good[at].signature.is_none() || good[at - 1].signature.is_some();
        let expected = match certain {
            true => Problem::Altered { position },
            false => Problem::Unlinked { position },
        };
        prop_assert_eq!(found(&altered), Some(vec![expected]));

        // Whoever makes the digests anew cannot sign them.
        rechain(&mut altered, at);
        let forged = found(&altered).unwrap();
        let first = (at..good.len()).find(|index| good[*index].signature.is_some()).unwrap();
        prop_assert_eq!(&forged[0], &Problem::Signature {
            position: good[first].position, invalid: Invalid::Forged,
        });

        let mut removed = good.clone();
        removed.remove(at);
        let missing = Problem::Missing { from: position, to: position };
        let last = at + 1 == good.len();
        prop_assert_eq!(found(&removed), (!last).then(|| vec![missing]));

        let mut repeated = good.clone();
        repeated.insert(to, good[at].clone());
        let duplicate = Problem::Duplicate { position };
        prop_assert!(found(&repeated).unwrap().contains(&duplicate));

        let mut moved = good.clone();
        let taken = moved.remove(at);
        moved.insert(to, taken);
        let misplaced = found(&moved);
        prop_assert_eq!(misplaced.is_some(), at != to);
        for problem in misplaced.into_iter().flatten() {
            prop_assert_eq!(problem.code(), "MISPLACED");
        }

        let other = receipts(referral(8), &lines(LIFE), &key(1));
        let mut replayed = good.clone();
        replayed[at] = other[at].clone();
        let foreign = Problem::Foreign { position, referral: referral(8) };
        prop_assert!(found(&replayed).unwrap().contains(&foreign));
        // With the referral's name changed it is an alteration.
        replayed[at].referral = referral(7);
        let codes: Vec<_> = found(&replayed).unwrap().iter().map(Problem::code).collect();
        prop_assert!(codes.iter().any(|code| ["ALTERED", "UNPROVED", "UNLINKED"].contains(code)), "{:?}", codes);
    }
}

#[test]
fn positions_that_cannot_be_do_no_harm() {
    let good = receipts(referral(7), &lines(LIFE), &key(1));
    for position in [i64::MIN, -1, 0, i64::MAX] {
        let mut bent = good.clone();
        bent[2].position = position;
        bent[2].at = START;
        assert!(receipt::verify(&bent, referral(7), &keys()).is_err());
    }
}
