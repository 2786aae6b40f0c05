//! Whether somebody may be told of a change.

use liaison_types::{Markings, Party};

use crate::attribute::{Exercise, ItemClass, Question, Stage, Standing};
use crate::decision::Decision;
use crate::facts::Facts;
use crate::receiver::Clearance;
use crate::rule_set::RuleSet;

/// What is looked at where somebody is to be told. A notification is thin: it holds what the envelope
/// holds and nothing of the content, so that no clearance is asked for.
#[derive(Clone, Debug)]
pub struct NotifyFacts<'a> {
    /// Who is to be told.
    pub recipient: &'a Party,
    /// Whose referral it is.
    pub owner: &'a Party,
    /// How the recipient stands to it. That it is the owner is seen without it.
    pub standing: Standing,
    /// Markings set by the source.
    pub markings: &'a Markings,
    /// Whether training would reach a link for real cases, or the other way round.
    pub exercise: Exercise,
    /// How far the referral has come.
    pub stage: Stage,
}

impl NotifyFacts<'_> {
    /// As rules see them. The hub tells, for which no party stands.
    #[must_use]
    pub fn facts(&self) -> Facts {
        Facts::new(Question::Notify)
            .received(
                self.recipient.into(),
                Some(self.owner),
                self.standing,
                self.markings,
                Clearance::Unmanaged,
            )
            .exercise(self.exercise)
            .stage(self.stage)
            .item(ItemClass::Envelope)
    }
}

impl RuleSet {
    /// Telling of a change: those who may see the envelope.
    #[must_use]
    pub fn may_notify(&self, facts: &NotifyFacts<'_>) -> Decision {
        self.decide(&facts.facts()).of_owner(facts.owner)
    }
}

/// [`RuleSet::may_notify`] by the rule set of this build.
#[must_use]
pub fn may_notify(facts: &NotifyFacts<'_>) -> Decision {
    RuleSet::built_in().may_notify(facts)
}
