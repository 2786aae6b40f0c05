//! The power fails again and again, at any moment, under load: what was acknowledged is there, and
//! happens once, and what waits for a unit can be pulled by it.
//!
//! `E2E_CRASH_ROUNDS` says how often it fails (20 unless set), `E2E_CRASH_SEED` repeats a run.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ledger;
mod load;

use std::time::Duration;

use e2e::{Layout, Suite};
use liaison_types::{Random as _, SeededRandom, SystemRandom};

use ledger::Ledger;
use load::Load;

/// The suite lives at least, and at most, this long under load, in milliseconds.
const LIFE: (u64, u64) = (20, 1_500);

/// What a dead process had claimed is free again after this long, so that the rounds are short.
const LEASES: [(&str, &str); 3] = [
    ("RELAY__LEASE", "2s"),
    ("RELAY__DELIVER_TIMEOUT", "1s"),
    ("CLASSIFICATION__LEASE", "5s"),
];

/// After so many rounds everything is brought to its end. In the others the next failure meets the
/// recovery from the one before.
const SETTLES: u64 = 4;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is a number, and not {text}")),
    )
}

e2e::both_backends! {
    async fn nothing_is_lost_and_nothing_happens_twice(backend: Backend) {
        let rounds = number("E2E_CRASH_ROUNDS").unwrap_or(20);
        let seed = number("E2E_CRASH_SEED").unwrap_or_else(|| SystemRandom.next_u64() >> 16);
        println!("{rounds} rounds on {backend}, E2E_CRASH_SEED={seed}");
        let random = SeededRandom::new(seed);
        let ledger = Ledger::default();
        let mut suite = Suite::start(backend, Layout::Together, &LEASES).await;
        for round in 1..=rounds {
            let life = Duration::from_millis(LIFE.0 + random.next_u64() % (LIFE.1 - LIFE.0));
            let load = Load::start(&suite, &ledger, seed ^ round);
            // The moment is the point of the test: any will do that is not ours to choose.
            tokio::time::sleep(life).await;
            suite.kill();
            load.stop().await;
            println!("round {round}: killed after {life:?}; {}", ledger.told());
            suite.run().await;
            if round % SETTLES == 0 || round == rounds {
                ledger.settle(&suite).await;
            }
        }
        assert!(
            ledger.acknowledged() > 0,
            "nothing was ever acknowledged: the load is none"
        );
        ledger.check(&suite).await;
        ledger.hand_out(&suite).await;
        for process in suite.processes() {
            // The log goes on over all its lives.
            let log = process.whole_log();
            assert!(!log.contains("panicked"), "{log}");
        }
        println!("in the end: {}", ledger.told());
        suite.stop();
    }
}
