//! Measures, on one core: `cargo run --release -p liaison-custody --example receipts`.
//!
//! The goals: signing a receipt under 30 µs, verifying 1,000 receipts with a signature each under 50 ms.

use std::hint::black_box;
use std::time::{Duration, Instant};

use liaison_custody::bundle::Heading;
use liaison_custody::{Bundle, PublicKeys, Receipt, SigningKey, Step, check, digest, receipt};
use liaison_types::{ReferralId, SeededRandom, Timestamp};

const RECEIPTS: i64 = 1_000;

fn main() {
    let random = SeededRandom::new(1);
    let key = SigningKey::generate(&random);
    let keys = PublicKeys::from(key.public_key());
    let at = Timestamp::from_seconds(1_772_352_000);
    let referral = ReferralId::new(at, &random);
    let mut receipts: Vec<Receipt> = Vec::new();
    for position in 1..=RECEIPTS {
        let step = Step {
            referral,
            position,
            at,
            step: "DOSSIER_OPENED",
            state: "IN_PROGRESS",
            party: "unit/children-trafficking",
            officer: "a.martin",
            unit: "children-trafficking",
            detail: "NTK-02",
            content: None,
        };
        let made = digest(receipts.last().map(|last| &last.digest), &step);
        receipts.push(Receipt::new(&step, made, Some(receipt::sign(&made, &key))));
    }
    let heading = Heading {
        referral,
        reference: "2026-FR-000123".to_owned(),
        owner: "bureau/NB-FR".parse().expect("a bureau"),
        issued_at: at,
    };
    let bundle = Bundle::issue(heading, receipts.clone(), &key).expect("it fits");
    let text = bundle.to_text();

    report("signing one receipt", 5_000, || {
        black_box(receipt::sign(&receipts[0].digest, &key));
    });
    report("verifying 1,000 receipts", 100, || {
        assert_eq!(receipt::verify(&receipts, referral, &keys), Ok(()));
    });
    report("checking a bundle of 1,000", 100, || {
        assert!(check(text.as_bytes(), &keys).is_sound());
    });
    report("  of which reading it", 100, || {
        black_box(Bundle::parse(text.as_bytes()).expect("it is one"));
    });
    println!("the bundle has {} bytes", text.len());
}

/// Least and median: on a shared machine the least says what the code takes.
fn report(what: &str, times: usize, mut work: impl FnMut()) {
    let mut taken: Vec<Duration> = (0..times)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    taken.sort_unstable();
    println!(
        "{what:<28} least {:>10.1?}  median {:>10.1?}",
        taken[0],
        taken[times / 2]
    );
}
