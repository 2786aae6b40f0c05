//! What a candidate rule set would have decided otherwise.

use crate::decision::Decision;
use crate::facts::Facts;
use crate::rule_set::RuleSet;

/// A decision of the past and the facts it was made on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// What was looked at.
    pub facts: Facts,
    /// What was decided.
    pub decision: Decision,
}

/// A decision that the candidate would make otherwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// Which of the kept decisions it is, from 0.
    pub index: usize,
    /// What was decided.
    pub before: Decision,
    /// What the candidate decides. Where a consent is missing it is the owner's, who is not named.
    pub after: Decision,
}

impl Difference {
    /// Whether something else would have happened. The others differ in the rules they name, or in
    /// whether a consent could help.
    #[must_use]
    pub fn changes_effect(&self) -> bool {
        self.before.effect != self.after.effect
    }
}

/// Decides kept decisions again, and tells those that come out otherwise: in effect, in the rules named
/// or in whether the owner's consent is missing. Nothing is kept in between, so any number will do.
pub fn simulate<'a>(
    candidate: &'a RuleSet,
    kept: impl IntoIterator<Item = Kept> + 'a,
) -> impl Iterator<Item = Difference> + 'a {
    kept.into_iter().enumerate().filter_map(|(index, kept)| {
        let after = candidate.decide(&kept.facts);
        let before = kept.decision;
        let same = before.effect == after.effect
            && before.rules == after.rules
            && before.missing_consent.is_some() == after.missing_consent.is_some();
        (!same).then_some(Difference {
            index,
            before,
            after,
        })
    })
}
