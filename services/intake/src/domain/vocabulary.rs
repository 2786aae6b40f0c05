//! The words of the domain. Each has one spelling, which databases, logs and the schema share.

use std::fmt;
use std::str::FromStr;

/// The text is none of the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a known word")]
pub struct UnknownWord;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The spelling.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;
            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(UnknownWord),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}

words! {
    /// What the sender asks for.
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

    /// How pressing a referral is; a later one is more pressing.
    Urgency {
        /// Seven calendar days.
        Routine = "ROUTINE",
        /// Eight hours.
        Urgent = "URGENT",
        /// A life is in danger.
        EmergencyLife = "EMERGENCY_LIFE",
    }

    /// Where a referral stands, as far as it goes today.
    ReferralState {
        /// Received and kept.
        Submitted = "SUBMITTED",
        /// A compliance reviewer has to look at it.
        UnderReview = "UNDER_REVIEW",
        /// Admissible.
        Admitted = "ADMITTED",
        /// Not admissible.
        Refused = "REFUSED",
        /// It is decided what kind of case it is.
        Classified = "CLASSIFIED",
        /// A lead unit is assigned.
        Routed = "ROUTED",
        /// The lead unit has accepted it.
        Accepted = "ACCEPTED",
        /// The lead unit works on it.
        InProgress = "IN_PROGRESS",
        /// The lead unit has reported an outcome.
        Completed = "COMPLETED",
    }

    /// What happened to a referral; a step of its custody.
    ReferralStep {
        /// Received and kept.
        Submitted = "SUBMITTED",
        /// Flagged; a person has to look.
        ReviewRequested = "REVIEW_REQUESTED",
        /// Admitted.
        Admitted = "ADMITTED",
        /// Refused.
        Refused = "REFUSED",
        /// Classified.
        Classified = "CLASSIFIED",
        /// Put to the duty desk.
        TriageRequested = "TRIAGE_REQUESTED",
        /// A lead unit was assigned.
        Routed = "ROUTED",
        /// A supporting unit may open the dossier.
        Granted = "GRANTED",
        /// The dossier was opened.
        DossierOpened = "DOSSIER_OPENED",
        /// A unit accepted.
        Accepted = "ACCEPTED",
        /// A unit declined.
        Declined = "DECLINED",
        /// Work began.
        WorkStarted = "WORK_STARTED",
        /// A unit completed its share.
        Completed = "COMPLETED",
        /// A unit's share ended without result.
        AssignmentEnded = "ASSIGNMENT_ENDED",
    }

    /// Where a unit's share stands, as routing says.
    AssignmentState {
        /// Waiting to be pulled.
        Queued = "QUEUED",
        /// Pulled under a lease.
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

    /// What happened to an assignment, as routing says.
    AssignmentStep {
        /// Created; asks for the grant.
        Created = "CREATED",
        /// The unit may pull it.
        Queued = "QUEUED",
        /// Pulled.
        Leased = "LEASED",
        /// Given back.
        Released = "RELEASED",
        /// The lease ran out.
        LeaseExpired = "LEASE_EXPIRED",
        /// Accepted.
        Accepted = "ACCEPTED",
        /// Declined.
        Declined = "DECLINED",
        /// Its first task was begun.
        WorkStarted = "WORK_STARTED",
        /// Completed.
        Completed = "COMPLETED",
        /// Pulled too often without an answer.
        DeadLettered = "DEAD_LETTERED",
        /// Taken back by the hub.
        Revoked = "REVOKED",
        /// A supporting unit became the lead.
        Promoted = "PROMOTED",
    }

    /// The part a unit has.
    Role {
        /// Answers for the referral.
        Lead = "LEAD",
        /// Helps.
        Supporting = "SUPPORTING",
    }

    /// What came of it.
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

    /// What a person has to do with the case.
    PersonStatus {
        /// Wanted.
        Wanted = "WANTED",
        /// Suspect.
        Suspect = "SUSPECT",
        /// Accused.
        Accused = "ACCUSED",
        /// Convicted.
        Convicted = "CONVICTED",
        /// Witness.
        Witness = "WITNESS",
        /// Victim.
        Victim = "VICTIM",
        /// Possibly a victim.
        PotentialVictim = "POTENTIAL_VICTIM",
        /// Missing.
        Missing = "MISSING",
        /// A body that is not identified.
        UnidentifiedBody = "UNIDENTIFIED_BODY",
        /// Associate of another person.
        Associate = "ASSOCIATE",
        /// Possibly a threat.
        PossibleThreat = "POSSIBLE_THREAT",
    }
}

impl PersonStatus {
    /// Whether the person is thought to have committed something: then a name is needed as far as it
    /// is known, and a minor asks for special care.
    #[must_use]
    pub const fn is_suspected(self) -> bool {
        matches!(
            self,
            Self::Wanted | Self::Suspect | Self::Accused | Self::Convicted
        )
    }
}

impl AssignmentState {
    /// Whether the unit has, or may still take, its share.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(
            self,
            Self::Queued | Self::Leased | Self::Accepted | Self::TransferOffered | Self::Completed
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for word in ReferralState::ALL {
            assert_eq!(word.as_str().parse(), Ok(*word));
        }
        for word in RefusalGround::ALL {
            assert_eq!(word.to_string().parse(), Ok(*word));
        }
        assert!("admitted".parse::<ReferralState>().is_err());
        assert!(Urgency::EmergencyLife > Urgency::Urgent);
    }
}
