//! The coded values of referrals and assignments that more than one service reads. What one service
//! alone reads stays in its domain.
//!
//! They are the values of the enums of the same names in `liaison.common.v1`, which says the source of
//! each; [`Role`] is `AssignmentRole` there. Where they have no public source they are Liaison's own.

crate::names! {
    /// What the sender of a referral asks for.
    ReferralKind {
        /// Help with an investigation.
        RequestForAssistance = "REQUEST_FOR_ASSISTANCE",
        /// Information only.
        RequestForInformation = "REQUEST_FOR_INFORMATION",
        /// Information given unasked; no reply clock runs.
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

    /// How pressing a referral is; a later one is more pressing. The times to completion are those of
    /// Directive (EU) 2023/977 Article 5.
    Urgency {
        /// Seven calendar days.
        Routine = "ROUTINE",
        /// Eight hours.
        Urgent = "URGENT",
        /// A life is in danger: eight hours, before everything else.
        EmergencyLife = "EMERGENCY_LIFE",
    }

    /// On what grounds a referral is refused: the closed list of Directive (EU) 2023/977 Article 6,
    /// and the hub's own.
    RefusalGround {
        /// The information is not available.
        NotAvailable = "NOT_AVAILABLE",
        /// The request does not meet the formal requirements.
        RequestNotCompliant = "REQUEST_NOT_COMPLIANT",
        /// A judicial authorisation was refused.
        AuthorisationRefused = "AUTHORISATION_REFUSED",
        /// The data are of a category that may not be given.
        DataCategoryNotPermitted = "DATA_CATEGORY_NOT_PERMITTED",
        /// The data are inaccurate.
        DataInaccurate = "DATA_INACCURATE",
        /// National security.
        NationalSecurity = "NATIONAL_SECURITY",
        /// An ongoing investigation.
        OngoingInvestigation = "ONGOING_INVESTIGATION",
        /// The safety of a person.
        PersonSafety = "PERSON_SAFETY",
        /// The interests of a legal person.
        LegalPersonInterests = "LEGAL_PERSON_INTERESTS",
        /// Punishable by one year or less.
        BelowThreshold = "BELOW_THRESHOLD",
        /// Not an offence.
        NotAnOffence = "NOT_AN_OFFENCE",
        /// A third party's consent is missing.
        ThirdPartyConsentMissing = "THIRD_PARTY_CONSENT_MISSING",
        /// Human rights.
        Article2 = "ARTICLE_2",
        /// Political, military, religious or racial character.
        Article3 = "ARTICLE_3",
        /// The purpose is not one of the permitted ones.
        Purpose = "PURPOSE",
    }

    /// The part a unit has in a referral.
    Role {
        /// Answers for the referral. At most one open assignment of a referral.
        Lead = "LEAD",
        /// Helps.
        Supporting = "SUPPORTING",
    }

    /// Where a unit's share of a referral stands. Routing decides it; the others are told.
    AssignmentState {
        /// Waiting to be pulled.
        Queued = "QUEUED",
        /// Pulled under a lease; not yet a commitment.
        Leased = "LEASED",
        /// The unit has committed itself.
        Accepted = "ACCEPTED",
        /// The unit will not do it.
        Declined = "DECLINED",
        /// Offered to another unit.
        TransferOffered = "TRANSFER_OFFERED",
        /// Taken over by another unit.
        Transferred = "TRANSFERRED",
        /// Done, with an outcome.
        Completed = "COMPLETED",
        /// Could not be done.
        Failed = "FAILED",
        /// Taken back by the hub.
        Revoked = "REVOKED",
        /// Pulled too often without an answer.
        DeadLettered = "DEAD_LETTERED",
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
}

impl Urgency {
    /// The place in every queue, smaller first.
    #[must_use]
    pub const fn priority(self) -> i32 {
        match self {
            Self::EmergencyLife => 0,
            Self::Urgent => 1,
            Self::Routine => 2,
        }
    }
}

impl AssignmentState {
    /// Whether anything can still happen to it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(
            self,
            Self::Queued | Self::Leased | Self::Accepted | Self::TransferOffered
        )
    }

    /// Whether the unit has committed itself and has not finished.
    #[must_use]
    pub const fn is_committed(self) -> bool {
        matches!(self, Self::Accepted | Self::TransferOffered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for outcome in Outcome::ALL {
            assert_eq!(outcome.to_string().parse(), Ok(*outcome));
        }
        for ground in RefusalGround::ALL {
            assert_eq!(ground.to_string().parse(), Ok(*ground));
        }
        assert!("queued".parse::<AssignmentState>().is_err());
    }

    #[test]
    fn the_more_pressing_goes_first() {
        assert!(Urgency::ALL.is_sorted());
        assert!(
            Urgency::ALL
                .iter()
                .rev()
                .is_sorted_by_key(|urgency| urgency.priority())
        );
    }

    #[test]
    fn what_is_committed_is_open() {
        for state in AssignmentState::ALL {
            assert!(state.is_open() || !state.is_committed(), "{state}");
        }
    }
}
