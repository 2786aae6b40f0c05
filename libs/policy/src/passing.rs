//! Whether information may be passed on: shared with a party, transferred with the work, or exported.

use liaison_types::{Markings, Party, UnitCode};

use crate::attribute::{Consent, Exercise, Grant, ItemClass, Mandate, Question, Stage, Standing};
use crate::decision::Decision;
use crate::facts::Facts;
use crate::receiver::{Clearance, Intent, Recipient, officers};
use crate::route::part;
use crate::rule_set::RuleSet;

/// What is looked at whenever information is passed on.
#[derive(Clone, Debug)]
pub struct Passing<'a> {
    /// Who passes it on.
    pub actor: &'a Party,
    /// Whose it is.
    pub owner: &'a Party,
    /// What the actor holds.
    pub grant: Grant,
    /// Who would receive it.
    pub recipient: Recipient<'a>,
    /// How the recipient stands to the referral already. That it is the owner is seen without it.
    pub standing: Standing,
    /// The markings of what is passed on: for a piece of evidence those of its referral tightened by its
    /// own ([`Markings::tighten`]).
    pub markings: &'a Markings,
    /// The clearance of the recipient.
    pub clearance: Clearance,
    /// What the recipient is to do with it.
    pub intent: Intent,
    /// What the owner said when asked for consent to this passing on.
    pub consent: Consent,
    /// Whether training would reach somebody who works on real cases, or the other way round.
    pub exercise: Exercise,
    /// How far the referral has come.
    pub stage: Stage,
}

impl<'a> Passing<'a> {
    /// Where nothing more is known: the actor holds nothing, the recipient is a stranger with nothing
    /// declared, clearances are not managed, no consent was asked for, nothing mixes, and the referral is
    /// admitted.
    #[must_use]
    pub fn new(
        actor: &'a Party,
        owner: &'a Party,
        recipient: impl Into<Recipient<'a>>,
        markings: &'a Markings,
    ) -> Self {
        Self {
            actor,
            owner,
            grant: Grant::None,
            recipient: recipient.into(),
            standing: Standing::Stranger,
            markings,
            clearance: Clearance::default(),
            intent: Intent::default(),
            consent: Consent::None,
            exercise: Exercise::Same,
            stage: Stage::Open,
        }
    }

    fn facts(&self, question: Question) -> Facts {
        Facts::new(question)
            .acting(self.actor, self.owner, self.grant)
            .received(
                self.recipient,
                Some(self.owner),
                self.standing,
                self.markings,
                self.clearance,
            )
            .intending(self.intent)
            .consent(self.consent)
            .exercise(self.exercise)
            .stage(self.stage)
    }
}

/// What is looked at where a party is given access besides.
#[derive(Clone, Debug)]
pub struct ShareFacts<'a> {
    /// From whom, to whom, under which markings.
    pub passing: Passing<'a>,
    /// The officer who approves it.
    pub officer: Option<&'a str>,
    /// The officer who submitted the referral; `None` where nobody knows.
    pub submitting_officer: Option<&'a str>,
    /// The offence against the mandate of the recipient.
    pub mandate: Mandate,
    /// What of the referral.
    pub item: ItemClass,
}

impl ShareFacts<'_> {
    /// As rules see them.
    #[must_use]
    pub fn facts(&self) -> Facts {
        self.passing
            .facts(Question::Share)
            .officer(officers(self.officer, self.submitting_officer))
            .mandate(self.mandate)
            .item(self.item)
    }
}

/// What is looked at where a unit's share passes to another.
#[derive(Clone, Debug)]
pub struct TransferFacts<'a> {
    /// From whom, to whom, under which markings.
    pub passing: Passing<'a>,
    /// The recipient would lead, not support.
    pub lead: bool,
    /// Units that declined it or are otherwise ruled out by now.
    pub declined: &'a [UnitCode],
    /// The offence against the mandate of the recipient.
    pub mandate: Mandate,
}

impl TransferFacts<'_> {
    /// As rules see them.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let declined = match self.passing.recipient {
            Recipient::Party(Party::Unit(unit)) => self.declined.contains(unit),
            _ => false,
        };
        self.passing
            .facts(Question::Transfer)
            .part(part(self.lead))
            .declined_before(declined)
            .mandate(self.mandate)
            .item(ItemClass::Dossier)
    }
}

/// What is looked at where a copy leaves the suite.
#[derive(Clone, Debug)]
pub struct ExportFacts<'a> {
    /// From whom, to whom, under which markings.
    pub passing: Passing<'a>,
    /// What of the referral.
    pub item: ItemClass,
}

impl ExportFacts<'_> {
    /// As rules see them.
    #[must_use]
    pub fn facts(&self) -> Facts {
        self.passing.facts(Question::Export).item(self.item)
    }
}

impl RuleSet {
    /// Sharing: by the owner, the lead unit or the compliance desk, with an officer who did not submit the
    /// referral, as far as the markings let it go.
    #[must_use]
    pub fn may_share(&self, facts: &ShareFacts<'_>) -> Decision {
        self.decide(&facts.facts()).of_owner(facts.passing.owner)
    }

    /// Transferring: by the unit that has the assignment or by the duty desk, to another unit.
    #[must_use]
    pub fn may_transfer(&self, facts: &TransferFacts<'_>) -> Decision {
        self.decide(&facts.facts()).of_owner(facts.passing.owner)
    }

    /// Exporting: by the owner, the lead unit or the compliance desk, as far as the markings let it go.
    #[must_use]
    pub fn may_export(&self, facts: &ExportFacts<'_>) -> Decision {
        self.decide(&facts.facts()).of_owner(facts.passing.owner)
    }
}

/// [`RuleSet::may_share`] by the rule set of this build.
#[must_use]
pub fn may_share(facts: &ShareFacts<'_>) -> Decision {
    RuleSet::built_in().may_share(facts)
}

/// [`RuleSet::may_transfer`] by the rule set of this build.
#[must_use]
pub fn may_transfer(facts: &TransferFacts<'_>) -> Decision {
    RuleSet::built_in().may_transfer(facts)
}

/// [`RuleSet::may_export`] by the rule set of this build.
#[must_use]
pub fn may_export(facts: &ExportFacts<'_>) -> Decision {
    RuleSet::built_in().may_export(facts)
}
