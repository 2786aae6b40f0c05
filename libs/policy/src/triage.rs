//! Who works at the triage desk.

use liaison_types::Party;

use crate::attribute::Question;
use crate::decision::Decision;
use crate::facts::Facts;
use crate::receiver::class;
use crate::rule_set::RuleSet;

/// Working at the triage desk, as rules see it.
#[must_use]
pub fn triage_facts(party: &Party) -> Facts {
    Facts::new(Question::Triage).actor(class(party))
}

impl RuleSet {
    /// Seeing what waits for people and deciding it by hand: the triage desk and nobody else.
    #[must_use]
    pub fn may_triage(&self, party: &Party) -> Decision {
        self.decide(&triage_facts(party))
    }
}

/// [`RuleSet::may_triage`] by the rule set of this build.
#[must_use]
pub fn may_triage(party: &Party) -> Decision {
    RuleSet::built_in().may_triage(party)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_triage_desk() {
        for (party, allowed) in [
            ("desk/triage", true),
            ("desk/compliance", false),
            ("unit/triage", false),
            ("bureau/NB-FR", false),
            ("service/classification", false),
            ("operator/triage", false),
            ("auditor/triage", false),
            ("partner/triage", false),
        ] {
            let party = party.parse().unwrap();
            assert_eq!(may_triage(&party).is_allowed(), allowed, "{party}");
        }
    }
}
