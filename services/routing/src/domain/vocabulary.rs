//! Coded values of referrals and assignments.

use crate::domain::names::names;

names! {
    /// What the sender of a referral asks for.
    ReferralKind {
        /// Help with an investigation.
        RequestForAssistance = "REQUEST_FOR_ASSISTANCE",
        /// Information only.
        RequestForInformation = "REQUEST_FOR_INFORMATION",
        /// Information given unasked.
        SpontaneousInformation = "SPONTANEOUS_INFORMATION",
        /// Keep evidence from being lost.
        PreservationRequest = "PRESERVATION_REQUEST",
        /// Find out who a victim is.
        VictimIdentification = "VICTIM_IDENTIFICATION",
        /// A warning.
        Alert = "ALERT",
        /// Adds to an earlier referral.
        FollowUp = "FOLLOW_UP",
    }
    /// How pressing a referral is.
    Urgency {
        /// Seven calendar days.
        Routine = "ROUTINE",
        /// Eight hours.
        Urgent = "URGENT",
        /// A life is in danger.
        EmergencyLife = "EMERGENCY_LIFE",
    }
    /// The part a unit has in a referral.
    Role {
        /// Answers for the referral. At most one open assignment of a referral.
        Lead = "LEAD",
        /// Helps.
        Supporting = "SUPPORTING",
    }
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
    /// What came of an assignment.
    Outcome {
        /// The information asked for was given.
        InformationProvided = "INFORMATION_PROVIDED",
        /// Part of it was given.
        PartiallyProvided = "PARTIALLY_PROVIDED",
        /// Nothing was found.
        NoTrace = "NO_TRACE",
        /// A victim was identified.
        VictimIdentified = "VICTIM_IDENTIFIED",
        /// A victim was brought to safety.
        VictimSafeguarded = "VICTIM_SAFEGUARDED",
        /// A suspect was identified.
        SuspectIdentified = "SUSPECT_IDENTIFIED",
        /// A suspect was arrested.
        SuspectArrested = "SUSPECT_ARRESTED",
        /// Something was seized.
        Seizure = "SEIZURE",
        /// An operation was opened.
        OperationOpened = "OPERATION_OPENED",
        /// Given to another body.
        Transferred = "TRANSFERRED",
        /// Nothing more will be done.
        NoFurtherAction = "NO_FURTHER_ACTION",
        /// Unfounded.
        Unfounded = "UNFOUNDED",
        /// A duplicate.
        Duplicate = "DUPLICATE",
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

impl Urgency {
    /// The place in the queue, smaller first.
    #[must_use]
    pub const fn priority(self) -> i32 {
        match self {
            Self::EmergencyLife => 0,
            Self::Urgent => 1,
            Self::Routine => 2,
        }
    }
}
