//! The triage desk: what comes to it and why, and what its people may decide.

mod correction;
mod drift;
mod permission;
mod ruling;
mod verdict;

pub use correction::{
    Answer, Correction, CorrectionCause, Label, Measured, Settled, latest, ruled,
};
pub use drift::{Slice, Week, WeekFigures, figures};
pub use permission::{Refused, Routing};
pub use ruling::{Correcting, Finding, MAX_SUPPORTING, NO_UNIT_GROUNDS, Ruling, permit};
pub use verdict::{Fate, RULE_GIVEN_UP, verdict};

use liaison_types::referral::Urgency;
use liaison_types::{ReferralId, Timestamp, UnitCode};

use crate::case::{Decided, Envelope};

liaison_types::names! {
    /// Why the desk has to decide.
    TriageCause {
        /// The machine is not sure.
        Uncertain = "UNCERTAIN",
        /// Declared offence and text contradict each other.
        Contradiction = "CONTRADICTION",
        /// None of the units' business, as far as the machine can tell.
        NoUnit = "NO_UNIT",
        /// A unit says it is the wrong one.
        WrongUnit = "WRONG_UNIT",
        /// Every fitting unit declined.
        Declined = "DECLINED",
        /// Pulled too often without an answer.
        DeadLettered = "DEAD_LETTERED",
        /// Markings or exclusions forbid the unit that fits.
        NotPermitted = "NOT_PERMITTED",
    }
}

impl TriageCause {
    /// The id under which it stands among rules.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Uncertain => "triage.uncertain",
            Self::Contradiction => "triage.contradiction",
            Self::NoUnit => "triage.no-unit",
            Self::WrongUnit => "triage.wrong-unit",
            Self::Declined => "triage.declined",
            Self::DeadLettered => "triage.dead-lettered",
            Self::NotPermitted => "triage.not-permitted",
        }
    }
}

/// A referral at the desk, or one that was there. There is one item for a referral, opened again
/// whenever the case comes back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// The referral.
    pub referral: ReferralId,
    /// It waits.
    pub open: bool,
    /// Why it is, or last was, here.
    pub cause: TriageCause,
    /// How pressing it is.
    pub urgency: Urgency,
    /// Since when it waits, or last waited.
    pub waiting_since: Timestamp,
    /// Training traffic.
    pub exercise: bool,
}

/// An item as the desk sees it.
#[derive(Clone, PartialEq, Debug)]
pub struct Waiting {
    /// The item.
    pub item: Item,
    /// The envelope.
    pub envelope: Envelope,
    /// What the machine would say: its latest decision, where it made one.
    pub proposal: Option<Decided>,
    /// Units that must not lead: excluded by the source, or they declined.
    pub excluded: Vec<UnitCode>,
}

/// What the desk knows of a referral.
#[derive(Clone, PartialEq, Debug)]
pub struct Opened {
    /// The item, open or not; none where the referral never was at the desk.
    pub item: Option<Waiting>,
    /// Every decision, the newest first.
    pub decisions: Vec<Decided>,
    /// What was said of them afterwards, the newest first.
    pub corrections: Vec<Correction>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_a_rule_of_its_own() {
        let mut rules: Vec<&str> = TriageCause::ALL.iter().map(|cause| cause.rule()).collect();
        rules.sort_unstable();
        rules.dedup();
        assert_eq!(rules.len(), TriageCause::ALL.len());
    }
}
