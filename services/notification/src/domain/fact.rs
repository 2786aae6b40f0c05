//! What happened, as far as it matters for who may know it.

use liaison_types::{Party, UnitCode};

/// A fact about somebody's business.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fact {
    /// A step of a referral.
    Referral {
        /// Whose it is.
        owner: Party,
        /// The compliance desk has to look at it.
        review_requested: bool,
        /// Who else is told, because it is about a share that they asked for or received.
        informed: Vec<Party>,
    },
    /// A step of an assignment.
    Assignment {
        /// The unit it is for.
        unit: UnitCode,
        /// The unit cannot pull it yet: the grant is still on its way.
        granted: bool,
    },
    /// The duty desk has to decide.
    Triage,
    /// A step of a task.
    Task {
        /// The unit that works on it.
        unit: UnitCode,
    },
}
