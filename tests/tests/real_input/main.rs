//! Every real case text goes its whole way, on both databases: to one unit's hands or to the triage
//! desk, with a complete history, none lost, none twice. How many the machine places, and how many
//! of those rightly, is printed.
//!
//! The texts are not part of the repository: `E2E_CASES` names the file, which lies beside a
//! checkout unless set. Where it is absent, the samples take its place.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cases;
mod score;
mod way;

use std::time::Instant;

use e2e::Suite;

use cases::Cases;
use score::Score;

/// Of the texts that belong to a unit, the machine places at least this share.
const COVERAGE: f64 = 0.5;
/// Of the texts that it places, at least this share is placed rightly.
const PRECISION: f64 = 0.90;

e2e::both_backends! {
    async fn every_text_comes_to_its_end(backend: Backend) {
        let cases = Cases::read();
        println!("{} on {backend}", cases.told());
        let begun = Instant::now();
        let suite = Suite::up(backend).await;
        let referrals = way::submit(&suite, &cases).await;
        let submitted = begun.elapsed();
        let placed = way::pull(&suite, &referrals).await;
        let settled = begun.elapsed();
        way::check(&suite, &referrals, &placed).await;
        let score = Score::of(&cases, &referrals, &placed);
        println!("{score}");
        println!(
            "{} texts submitted in {:.1} s, all at their end after {:.1} s, checked after {:.1} s",
            referrals.len(),
            submitted.as_secs_f64(),
            settled.as_secs_f64(),
            begun.elapsed().as_secs_f64(),
        );
        if cases.are_real() {
            assert!(score.coverage() >= COVERAGE, "{score}");
            assert!(score.precision() >= PRECISION, "{score}");
        }
    }
}
