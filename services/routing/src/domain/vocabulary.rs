//! Coded values of referrals and assignments: those of routing alone, and those that other services
//! share.

pub use liaison_types::referral::{Outcome, ReferralKind, Role, Urgency};

liaison_types::names! {
    /// Why a unit declines.
    DeclineReason {
        /// The case belongs to another unit.
        WrongUnit = "WRONG_UNIT",
        /// Nobody is free.
        NoCapacity = "NO_CAPACITY",
        /// A conflict of interest.
        ConflictOfInterest = "CONFLICT_OF_INTEREST",
        /// The unit is not cleared for it.
        InsufficientClearance = "INSUFFICIENT_CLEARANCE",
        /// The unit has it already.
        Duplicate = "DUPLICATE",
        /// Outside the unit's mandate.
        OutOfMandate = "OUT_OF_MANDATE",
    }
    /// Why a case goes back to the duty desk. The causes that routing itself finds.
    TriageCause {
        /// A unit says it is the wrong one.
        WrongUnit = "WRONG_UNIT",
        /// Every fitting unit declined.
        Declined = "DECLINED",
        /// Pulled too often without an answer.
        DeadLettered = "DEAD_LETTERED",
        /// Markings or exclusions forbid every unit that fits.
        NotPermitted = "NOT_PERMITTED",
    }
}
