//! The vocabulary of facts: every attribute that a rule can ask for, and the values it can have.
//!
//! Both lists are append-only. [`crate::Facts`] are kept as the positions of the values, and a decision
//! of years ago must be read as what it was: nothing here is renamed, moved or removed, a test holds the
//! lists against a copy, and a new attribute raises [`VERSION`]. The first value of an attribute is what
//! is meant where nothing was stated.
//!
//! An attribute has at most 64 values, so that a condition of a rule is one mask.

use liaison_types::{Confidentiality, Pap, Tlp};

use crate::facts::Facts;

/// The version of the vocabulary in this build: the first byte of encoded facts.
pub const VERSION: u8 = 1;

/// How many attributes each version of the vocabulary had, the first version first.
pub(crate) const LENGTHS: [usize; VERSION as usize] = [COUNT];

/// How many attributes there are.
pub const COUNT: usize = Attribute::ALL.len();

liaison_types::names! {
    /// What is asked.
    Question {
        /// Whether a complete submission is admitted by rule.
        Submit = "submit",
        /// Whether the actor sees state, clocks and history.
        ViewEnvelope = "view-envelope",
        /// Whether the actor reads the content.
        ViewDossier = "view-dossier",
        /// Whether the actor opens one piece of the content.
        ViewItem = "view-item",
        /// Whether the actor finds the referrals of every owner in lists.
        ListAll = "list-all",
        /// Whether the hub assigns the referral to the recipient.
        Route = "route",
        /// Whether the actor gives the recipient access besides.
        Share = "share",
        /// Whether the actor's share passes to the recipient.
        Transfer = "transfer",
        /// Whether the recipient is told of a change.
        Notify = "notify",
        /// Whether the actor hands a copy to the recipient, out of the suite.
        Export = "export",
        /// Whether the actor destroys the content.
        Purge = "purge",
        /// Whether the actor decides on a flagged referral.
        Review = "review",
        /// Whether the actor decides by hand what kind of case it is.
        Triage = "triage",
        /// Whether the actor sees an assignment.
        ViewAssignment = "view-assignment",
        /// Whether the actor answers an assignment and works on its tasks.
        WorkAssignment = "work-assignment",
        /// Whether the actor finds the assignments of every unit in lists.
        ListAssignments = "list-assignments",
    }
    /// What sort of party acts or receives.
    PartyClass {
        /// Not stated.
        Unstated = "unstated",
        /// A national bureau.
        Bureau = "bureau",
        /// A partner agency.
        Partner = "partner",
        /// A specialised unit.
        Unit = "unit",
        /// The hub's compliance desk.
        ComplianceDesk = "compliance-desk",
        /// The hub's triage desk.
        TriageDesk = "triage-desk",
        /// Another desk of the hub.
        OtherDesk = "other-desk",
        /// A service of the suite.
        Service = "service",
        /// Who runs the system.
        Operator = "operator",
        /// Who reads the audit.
        Auditor = "auditor",
        /// Somebody who is no party of the suite: a court, a defence lawyer, a provider.
        Outsider = "outsider",
    }
    /// Whose it is that is asked about, as the actor sees it.
    Relation {
        /// Somebody else's.
        Other = "other",
        /// The actor's own.
        Owner = "owner",
    }
    /// What lets the actor open the referral, besides owning it.
    Grant {
        /// Nothing.
        None = "none",
        /// An assignment; whether it leads is not told.
        Held = "held",
        /// The lead assignment.
        Lead = "lead",
        /// A supporting assignment.
        Supporting = "supporting",
        /// It was shared with the actor.
        Shared = "shared",
    }
    /// How whoever receives stands to the referral already.
    Standing {
        /// Not at all.
        Stranger = "stranger",
        /// It is theirs.
        Owner = "owner",
        /// They have the lead assignment.
        Lead = "lead",
        /// They have a supporting assignment.
        Supporting = "supporting",
        /// It was shared with them.
        Shared = "shared",
        /// They have an assignment; whether it leads is not told.
        Held = "held",
        /// The source itself named them as an addressee.
        Addressed = "addressed",
        /// The case touches them: a task is addressed to them, or a place or a person is theirs.
        Involved = "involved",
    }
    /// Which exclusion named by the source hits whoever receives.
    Exclusion {
        /// None.
        None = "none",
        /// Their country is excluded.
        Country = "country",
        /// Their unit is excluded.
        Unit = "unit",
    }
    /// The clearance of whoever receives, against the confidentiality.
    ClearanceFinding {
        /// Clearances are not managed for this party.
        Unmanaged = "unmanaged",
        /// High enough.
        Sufficient = "sufficient",
        /// Too low.
        Insufficient = "insufficient",
        /// Managed, and nobody has said which it is.
        Unknown = "unknown",
    }
    /// What is to be done with the information, on the scale of the Permissible Actions Protocol.
    Action {
        /// Nothing that anybody outside could notice.
        None = "none",
        /// Passive cross-checks with third parties.
        Passive = "passive",
        /// Something that the person concerned could notice.
        Active = "active",
    }
    /// What the information is to be used for.
    Usage {
        /// Not stated.
        Unstated = "unstated",
        /// Preventing and combating crime.
        Police = "police",
        /// Judicial proceedings.
        Judicial = "judicial",
        /// Anything else, administrative use for instance.
        Other = "other",
    }
    /// The declared purpose against that of the source; see [`crate::purpose`].
    PurposeLimitation {
        /// No purpose was declared.
        Undeclared = "undeclared",
        /// The purpose of the source.
        Same = "same",
        /// Another one that goes with it.
        Compatible = "compatible",
        /// One that does not.
        Incompatible = "incompatible",
    }
    /// The offence against the mandate of whoever receives.
    Mandate {
        /// Not compared.
        Unknown = "unknown",
        /// Within it.
        Within = "within",
        /// Outside it.
        Outside = "outside",
    }
    /// The acting officer against the one who submitted the referral.
    OfficerRelation {
        /// No officer acts.
        None = "none",
        /// Nobody knows who submitted.
        Unknown = "unknown",
        /// Another one.
        Other = "other",
        /// The same.
        Same = "same",
    }
    /// What the owner said when asked.
    Consent {
        /// Nothing: not asked, or not answered.
        None = "none",
        /// Yes.
        Given = "given",
        /// No.
        Refused = "refused",
    }
    /// Training material against real material: the referral and whoever or whatever it would reach.
    Exercise {
        /// Both are real, or both are training.
        Same = "same",
        /// One is real and the other training.
        Mixed = "mixed",
    }
    /// The time for which content is kept.
    Retention {
        /// Still running.
        Running = "running",
        /// Over.
        Expired = "expired",
    }
    /// How far the referral has come, as far as rules ask.
    Stage {
        /// Admitted, and something can still happen.
        Open = "open",
        /// Not admitted yet.
        UnderReview = "under-review",
        /// Nothing happens any more.
        Terminal = "terminal",
    }
    /// The part that the recipient would have.
    Part {
        /// None: no assignment is made.
        None = "none",
        /// It would lead.
        Lead = "lead",
        /// It would support.
        Supporting = "supporting",
    }
    /// What of a referral is asked for.
    ItemClass {
        /// Nothing of it.
        None = "none",
        /// Ids, codes, markings, clocks.
        Envelope = "envelope",
        /// The content as a whole.
        Dossier = "dossier",
        /// One piece of evidence.
        Evidence = "evidence",
        /// What tells who a victim, a witness or a minor is.
        ProtectedPerson = "protected-person",
    }
}

/// A value that an attribute can have.
pub(crate) trait Value: Copy {
    /// The names of all values, in their order.
    const NAMES: &'static [&'static str];
}

impl Value for bool {
    const NAMES: &'static [&'static str] = &["no", "yes"];
}

macro_rules! values {
    ($($name:ty),* $(,)?) => {$(
        impl Value for $name {
            const NAMES: &'static [&'static str] = &{
                let mut names = [""; <$name>::ALL.len()];
                let mut index = 0;
                while index < names.len() {
                    names[index] = <$name>::ALL[index].as_str();
                    index += 1;
                }
                names
            };
        }
    )*};
}

values!(
    Question,
    PartyClass,
    Relation,
    Grant,
    Standing,
    Exclusion,
    Confidentiality,
    ClearanceFinding,
    Tlp,
    Pap,
    Action,
    Usage,
    PurposeLimitation,
    Mandate,
    OfficerRelation,
    Consent,
    Exercise,
    Retention,
    Stage,
    Part,
    ItemClass,
);

macro_rules! attributes {
    ($($(#[$doc:meta])* $attribute:ident $setter:ident: $type:ty = $name:literal,)*) => {
        liaison_types::names! {
            /// What a rule can ask for.
            Attribute { $($(#[$doc])* $attribute = $name,)* }
        }

        impl Attribute {
            /// The names of its values; the first is what is meant where nothing was stated.
            #[must_use]
            pub const fn values(self) -> &'static [&'static str] {
                match self { $(Self::$attribute => <$type as Value>::NAMES,)* }
            }
        }

        impl Facts {
            $(
                $(#[$doc])*
                #[must_use]
                pub const fn $setter(self, value: $type) -> Self {
                    self.set(Attribute::$attribute, value as u8)
                }
            )*
        }
    };
}

attributes! {
    /// What is asked.
    Question question: Question = "question",
    /// Who acts.
    Actor actor: PartyClass = "actor",
    /// Whose it is that is asked about.
    Relation relation: Relation = "relation",
    /// What lets the actor open the referral.
    Grant grant: Grant = "grant",
    /// Who receives. Where somebody asks to see, that is the actor.
    Recipient recipient: PartyClass = "recipient",
    /// How whoever receives stands to the referral already.
    RecipientStanding recipient_standing: Standing = "recipient-standing",
    /// The part that the recipient would have.
    Part part: Part = "part",
    /// Which exclusion hits whoever receives.
    Exclusion exclusion: Exclusion = "exclusion",
    /// How confidential it is. A scale.
    Confidentiality confidentiality: Confidentiality = "confidentiality",
    /// The clearance of whoever receives.
    Clearance clearance: ClearanceFinding = "clearance",
    /// Handling code H0: only to prevent and combat crime.
    HandlingH0 handling_h0: bool = "handling-h0",
    /// Handling code H1: not in judicial proceedings without permission.
    HandlingH1 handling_h1: bool = "handling-h1",
    /// Handling code H2: not to be passed on without permission.
    HandlingH2 handling_h2: bool = "handling-h2",
    /// Handling code H3: other restrictions, as text.
    HandlingH3 handling_h3: bool = "handling-h3",
    /// Traffic Light Protocol. A scale.
    Tlp tlp: Tlp = "tlp",
    /// Permissible Actions Protocol. A scale.
    Pap pap: Pap = "pap",
    /// What is to be done with it.
    Action action: Action = "action",
    /// What it is to be used for.
    Usage usage: Usage = "usage",
    /// The declared purpose against that of the source.
    Purpose purpose: PurposeLimitation = "purpose",
    /// The offence against the mandate of whoever receives.
    Mandate mandate: Mandate = "mandate",
    /// The acting officer against the one who submitted.
    Officer officer: OfficerRelation = "officer",
    /// What the owner said when asked.
    Consent consent: Consent = "consent",
    /// Whether training and real material would meet.
    Exercise exercise: Exercise = "exercise",
    /// The time for which content is kept.
    Retention retention: Retention = "retention",
    /// A legal hold stands on it.
    LegalHold legal_hold: bool = "legal-hold",
    /// How far the referral has come.
    Stage stage: Stage = "stage",
    /// The recipient has declined it before.
    DeclinedBefore declined_before: bool = "declined-before",
    /// A suspect, accused or wanted person is a minor.
    MinorSuspected minor_suspected: bool = "minor-suspected",
    /// A declared offence may have the character that Article 3 excludes.
    Article3Offence article_3_offence: bool = "article-3-offence",
    /// A declared offence is normally below the threshold of referral.
    BelowThresholdOffence below_threshold_offence: bool = "below-threshold-offence",
    /// What of the referral is asked for.
    Item item: ItemClass = "item",
}

impl Attribute {
    /// Whether its values ascend, so that `at_least` and `at_most` mean something.
    #[must_use]
    pub const fn is_scale(self) -> bool {
        matches!(self, Self::Confidentiality | Self::Tlp | Self::Pap)
    }

    /// The place of the value with this name.
    #[must_use]
    pub fn value(self, name: &str) -> Option<u8> {
        let at = self.values().iter().position(|value| *value == name)?;
        u8::try_from(at).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was published, a line for each attribute. It only grows: see the head of this file.
    const PUBLISHED: &str = include_str!("attributes.txt");

    #[test]
    fn the_vocabulary_is_the_one_published() {
        let lines: Vec<String> = Attribute::ALL
            .iter()
            .map(|attribute| format!("{attribute}: {}", attribute.values().join(" ")))
            .collect();
        assert_eq!(lines.join("\n"), PUBLISHED.trim_end());
    }

    #[test]
    fn a_condition_fits_a_mask_and_the_lengths_ascend() {
        for attribute in Attribute::ALL {
            assert!((2..=64).contains(&attribute.values().len()), "{attribute}");
        }
        assert!(LENGTHS.is_sorted() && LENGTHS.last() == Some(&COUNT));
    }
}
