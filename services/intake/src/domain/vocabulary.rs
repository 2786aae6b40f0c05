//! The words of the domain: those of intake alone, and those that other services share.

pub use liaison_types::referral::{
    AssignmentState, Outcome, ReferralKind, RefusalGround, Role, Urgency,
};

liaison_types::names! {
    /// Where a referral stands, as far as it goes today.
    ReferralState {
        /// Received and kept.
        Submitted = "SUBMITTED",
        /// A compliance reviewer has to look at it.
        UnderReview = "UNDER_REVIEW",
        /// Admissible.
        Admitted = "ADMITTED",
        /// Not admissible, or found to be no unit's business.
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
        /// Its content was destroyed.
        Purged = "PURGED",
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
        /// The lead unit has only indirect access to the information, and so has more time.
        IndirectAccessDeclared = "INDIRECT_ACCESS_DECLARED",
        /// Work began.
        WorkStarted = "WORK_STARTED",
        /// A unit completed its share.
        Completed = "COMPLETED",
        /// A unit's share ended without result.
        AssignmentEnded = "ASSIGNMENT_ENDED",
        /// Somebody wants to pass it on, and the owner has to consent first.
        ConsentRequested = "CONSENT_REQUESTED",
        /// The owner consented.
        ConsentGiven = "CONSENT_GIVEN",
        /// The owner refused.
        ConsentRefused = "CONSENT_REFUSED",
        /// The owner did not answer in time.
        ConsentExpired = "CONSENT_EXPIRED",
        /// It was passed on to another party.
        Shared = "SHARED",
        /// A party it was passed on to may no longer open the dossier.
        ShareEnded = "SHARE_ENDED",
        /// The content was destroyed.
        ContentPurged = "CONTENT_PURGED",
    }

    /// Where a share stands.
    ShareState {
        /// It waits for the owner's consent.
        AwaitingConsent = "AWAITING_CONSENT",
        /// The recipient may open the dossier.
        Active = "ACTIVE",
        /// The owner refused.
        Refused = "REFUSED",
        /// The owner did not answer in time.
        Expired = "EXPIRED",
        /// Ended, or withdrawn before it began.
        Ended = "ENDED",
    }

    /// What happens to a share.
    ShareStep {
        /// The owner consents.
        Give = "GIVE",
        /// The owner refuses.
        Refuse = "REFUSE",
        /// The time to answer runs out.
        Expire = "EXPIRE",
        /// The owner, or who asked for it, ends it.
        End = "END",
    }

    /// How visible it is to others what a recipient will do (PAP).
    IntendedAction {
        /// To know, and to compare with what the recipient itself holds.
        None = "NONE",
        /// To ask third parties without the persons concerned noticing.
        Passive = "PASSIVE",
        /// To act so that it can be noticed.
        Active = "ACTIVE",
    }

    /// In what kind of proceedings information will be used (handling code H1).
    IntendedUse {
        /// To prevent and combat crime.
        Police = "POLICE",
        /// In judicial proceedings.
        Judicial = "JUDICIAL",
        /// Anything else.
        Other = "OTHER",
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
        /// The lead unit has only indirect access to the information.
        IndirectAccessDeclared = "INDIRECT_ACCESS_DECLARED",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for word in ReferralState::ALL {
            assert_eq!(word.as_str().parse(), Ok(*word));
        }
        for word in ReferralStep::ALL {
            assert_eq!(word.to_string().parse(), Ok(*word));
        }
        assert!("admitted".parse::<ReferralState>().is_err());
    }
}
