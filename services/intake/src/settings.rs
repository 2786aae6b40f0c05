//! The section `[intake]`.

use liaison_runtime::{Problems, Section};
use serde::{Deserialize, Serialize};

/// What only intake has to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntakeSettings {
    /// At most this many submissions share a transaction, 1 to 1024.
    pub submit_batch: usize,
    /// At most this many such transactions at once, 1 to 64; one on SQLite.
    pub submit_concurrency: usize,
}

impl Section for IntakeSettings {
    const NAME: &'static str = "intake";

    fn check(&self, problems: &mut Problems) {
        problems.check(
            (1..=1024).contains(&self.submit_batch),
            "intake.submit_batch",
            "is not between 1 and 1024",
            "write for example 256",
        );
        problems.check(
            (1..=64).contains(&self.submit_concurrency),
            "intake.submit_concurrency",
            "is not between 1 and 64",
            "write for example 2",
        );
    }
}
