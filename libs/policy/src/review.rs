//! Who decides on a flagged referral.

use liaison_types::Party;

use crate::attribute::Question;
use crate::decision::Decision;
use crate::facts::Facts;
use crate::receiver::{class, officers};
use crate::rule_set::RuleSet;

/// What is looked at where a flagged referral is decided.
///
/// Officers are compared without regard to ASCII case and surrounding white space.
#[derive(Clone, Debug)]
pub struct ReviewFacts<'a> {
    /// Who decides.
    pub reviewer: &'a Party,
    /// The acting officer.
    pub officer: Option<&'a str>,
    /// The officer who submitted it; `None` where nobody knows.
    pub submitting_officer: Option<&'a str>,
}

impl ReviewFacts<'_> {
    /// As rules see them.
    #[must_use]
    pub fn facts(&self) -> Facts {
        Facts::new(Question::Review)
            .actor(class(self.reviewer))
            .officer(officers(self.officer, self.submitting_officer))
    }
}

impl RuleSet {
    /// Deciding a flagged referral: the compliance desk, and never the officer who submitted it. Where
    /// nobody knows who that was, nobody can show to be another, and it is denied.
    #[must_use]
    pub fn may_review(&self, facts: &ReviewFacts<'_>) -> Decision {
        self.decide(&facts.facts())
    }
}

/// [`RuleSet::may_review`] by the rule set of this build.
#[must_use]
pub fn may_decide_review(
    reviewer: &Party,
    officer: &str,
    submitting_officer: Option<&str>,
) -> Decision {
    RuleSet::built_in().may_review(&ReviewFacts {
        reviewer,
        officer: Some(officer),
        submitting_officer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_eyes() {
        let desk = "desk/compliance".parse().unwrap();
        assert!(may_decide_review(&desk, "b.second", Some("a.first")).is_allowed());
        assert_eq!(
            may_decide_review(&desk, " A.First", Some("a.first")).rules,
            ["review.four-eyes"]
        );
        let triage = "desk/triage".parse().unwrap();
        assert!(!may_decide_review(&triage, "b.second", Some("a.first")).is_allowed());
        assert_eq!(
            may_decide_review(&desk, "b.second", None).rules,
            ["review.four-eyes.submitter-unknown"]
        );
    }
}
