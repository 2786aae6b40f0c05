//! The section `[intake]`.

use std::time::Duration;

use liaison_runtime::{Problems, Section};
use serde::{Deserialize, Serialize};

/// What only intake has to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntakeSettings {
    /// Whether events are handed on. Off only where submitting alone is measured: nothing reaches the
    /// other services then, and nothing is lost.
    pub relay: bool,
    /// How long the ids of received events are kept, to know a repetition.
    #[serde(with = "liaison_types::duration")]
    pub inbox_retention: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Section for IntakeSettings {
    const NAME: &'static str = "intake";

    fn check(&self, problems: &mut Problems) {
        problems.check(
            self.inbox_retention >= DAY,
            "intake.inbox_retention",
            "is shorter than a day",
            "write for example 90d; a repetition that comes later would take effect again",
        );
    }
}
