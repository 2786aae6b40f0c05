//! How long one decision of the policy takes.
//!
//! ```text
//! cargo bench --package e2e --bench policy
//! ```
//!
//! Measured is the whole question as a service asks it: comparing parties and markings, deciding, and
//! the answer with its rule ids; and beside it the decision alone, on facts that are ready. One thread,
//! no database. A round is a batch of decisions, timed as one; what is shown is the median of the rounds.

#![expect(clippy::unwrap_used, reason = "a measurement fails by panicking")]

use std::hint::black_box;
use std::time::Instant;

use liaison_policy::attribute::{Grant, ItemClass, Mandate, PurposeLimitation, Standing};
use liaison_policy::rule_set::BUILT_IN;
use liaison_policy::{Passing, RouteFacts, RuleSet, ShareFacts, ViewFacts};
use liaison_types::{Handling, Markings, Party, Tlp, UnitCode};

const ROUNDS: usize = 201;
const BATCH: u32 = 10_000;

fn main() {
    // `cargo bench` says so. Whoever runs this otherwise looks for tests, and there are none.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let rules = RuleSet::built_in();
    let unit: UnitCode = "cyber".parse().unwrap();
    let (lead, owner): (Party, Party) =
        (Party::Unit(unit.clone()), "bureau/NB-FR".parse().unwrap());
    let other: Party = "bureau/NB-DE".parse().unwrap();
    let markings = Markings {
        handling: vec![Handling::H0, Handling::H2],
        excluded_countries: vec!["GB".parse().unwrap()],
        excluded_units: vec!["terrorism".parse().unwrap()],
        ..Markings::default()
    };
    let red = Markings {
        tlp: Tlp::Red,
        ..markings.clone()
    };

    let view = ViewFacts::new(&lead, &owner, Grant::Lead, &markings);
    let (dossier, share) = (view.dossier(), share(&lead, &owner, &other, &markings));
    let (shared, refused) = (share.facts(), self::share(&lead, &owner, &other, &red));
    let route = RouteFacts::new(&unit, true, &[], &markings);

    measure("may_view_dossier, allowed", || {
        rules.may_view_dossier(black_box(&view))
    });
    measure("  decide alone", || rules.decide(black_box(&dossier)));
    measure("may_route, allowed", || rules.may_route(black_box(&route)));
    measure("may_share, consent missing", || {
        rules.may_share(black_box(&share))
    });
    measure("  decide alone", || rules.decide(black_box(&shared)));
    measure("may_share, denied", || rules.may_share(black_box(&refused)));
    measure("  explain", || rules.explain(black_box(&shared)));

    let begun = Instant::now();
    black_box(RuleSet::load(black_box(BUILT_IN)).unwrap());
    println!("loading the rule set of this build: {:?}", begun.elapsed());
}

fn share<'a>(
    lead: &'a Party,
    owner: &'a Party,
    other: &'a Party,
    markings: &'a Markings,
) -> ShareFacts<'a> {
    let mut passing = Passing::new(lead, owner, other, markings);
    passing.grant = Grant::Lead;
    passing.standing = Standing::Involved;
    passing.intent.purpose = PurposeLimitation::Same;
    ShareFacts {
        passing,
        officer: Some("b.second"),
        submitting_officer: Some("a.first"),
        mandate: Mandate::Within,
        item: ItemClass::Dossier,
    }
}

/// Shows the median of one call, in nanoseconds, and how far the rounds lie apart.
fn measure<T>(name: &str, mut call: impl FnMut() -> T) {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            for _ in 0..BATCH {
                black_box(call());
            }
            begun.elapsed().as_secs_f64() * 1e9 / f64::from(BATCH)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    let (median, slow) = (rounds[ROUNDS / 2], rounds[ROUNDS * 99 / 100]);
    println!("{name:30} {median:7.0} ns  (99 of 100 rounds under {slow:.0} ns)");
}
