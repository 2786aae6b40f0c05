//! Whether the content of a referral may be destroyed.

use liaison_types::Party;

use crate::attribute::{Grant, Question, Retention, Stage};
use crate::decision::Decision;
use crate::facts::Facts;
use crate::receiver::officers;
use crate::rule_set::RuleSet;

/// What is looked at where content is to be destroyed.
#[derive(Clone, Debug)]
pub struct PurgeFacts<'a> {
    /// Who wants to destroy it.
    pub actor: &'a Party,
    /// Whose it is.
    pub owner: &'a Party,
    /// The acting officer.
    pub officer: Option<&'a str>,
    /// The officer who submitted it; `None` where nobody knows.
    pub submitting_officer: Option<&'a str>,
    /// The time for which it is kept.
    pub retention: Retention,
    /// A legal hold stands on it.
    pub legal_hold: bool,
    /// How far the referral has come.
    pub stage: Stage,
}

impl PurgeFacts<'_> {
    /// As rules see them.
    #[must_use]
    pub fn facts(&self) -> Facts {
        Facts::new(Question::Purge)
            .acting(self.actor, self.owner, Grant::None)
            .officer(officers(self.officer, self.submitting_officer))
            .retention(self.retention)
            .legal_hold(self.legal_hold)
            .stage(self.stage)
    }
}

impl RuleSet {
    /// Purging: what is over and under no legal hold, by the owner at any time, by the compliance desk once
    /// the retention has ended, and never by the officer who submitted it.
    #[must_use]
    pub fn may_purge(&self, facts: &PurgeFacts<'_>) -> Decision {
        self.decide(&facts.facts())
    }
}

/// [`RuleSet::may_purge`] by the rule set of this build.
#[must_use]
pub fn may_purge(facts: &PurgeFacts<'_>) -> Decision {
    RuleSet::built_in().may_purge(facts)
}
