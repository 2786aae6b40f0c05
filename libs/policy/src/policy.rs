//! What a service decides by, as one value: a rule set, and the clearances on record.

use std::collections::BTreeMap;
use std::sync::Arc;

use liaison_types::{Confidentiality, Party};

use crate::decision::Decision;
use crate::facts::Facts;
use crate::receiver::Clearance;
use crate::rule_set::RuleSet;

/// A decision with what it was made on and by which rules: what is kept of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decided {
    /// What was decided. Where a consent is missing it is the owner's, who is not named.
    pub decision: Decision,
    /// What was looked at.
    pub facts: Facts,
    /// The version of the rule set that decided.
    pub rule_set: Arc<str>,
}

impl Decided {
    /// Whether it may be done.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.decision.is_allowed()
    }

    /// The ids of the rules that made it so, never empty.
    #[must_use]
    pub fn rules(&self) -> Vec<String> {
        let rules = self.decision.rules.iter();
        rules.map(ToString::to_string).collect()
    }

    /// The first of those rules.
    #[must_use]
    pub fn rule(&self) -> &str {
        self.decision.rules.first().map_or("", |rule| rule.as_str())
    }
}

/// The clearances on record, by party. Where there are none, clearances are not managed; where there is
/// one, whoever has none is unknown.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Clearances(BTreeMap<Party, Confidentiality>);

impl Clearances {
    /// What is known of the clearance of `party`.
    #[must_use]
    pub fn of(&self, party: &Party) -> Clearance {
        if self.0.is_empty() {
            return Clearance::Unmanaged;
        }
        let held = self.0.get(party).copied();
        held.map_or(Clearance::Unknown, Clearance::Held)
    }
}

impl FromIterator<(Party, Confidentiality)> for Clearances {
    fn from_iter<I: IntoIterator<Item = (Party, Confidentiality)>>(clearances: I) -> Self {
        Self(clearances.into_iter().collect())
    }
}

/// What a service decides by. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Policy {
    rules: Arc<RuleSet>,
    clearances: Arc<Clearances>,
}

impl Policy {
    /// By these rules, with these clearances.
    #[must_use]
    pub fn new(rules: RuleSet, clearances: Clearances) -> Self {
        Self {
            rules: Arc::new(rules),
            clearances: Arc::new(clearances),
        }
    }

    /// By the rule set of this build; clearances are not managed.
    #[must_use]
    pub fn built_in() -> Self {
        Self::new(RuleSet::built_in().clone(), Clearances::default())
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// What is known of the clearance of `party`.
    #[must_use]
    pub fn clearance(&self, party: &Party) -> Clearance {
        self.clearances.of(party)
    }

    /// Decides `facts`, which say what is asked, and keeps them beside the decision.
    #[must_use]
    pub fn decide(&self, facts: Facts) -> Decided {
        Decided {
            decision: self.rules.decide(&facts),
            facts,
            rule_set: self.rules.shared_version(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::RouteFacts;
    use liaison_types::Markings;

    fn party(text: &str) -> Party {
        text.parse().unwrap()
    }

    #[test]
    fn without_a_clearance_on_record_none_is_asked_for() {
        let none = Clearances::default();
        assert_eq!(none.of(&party("unit/cyber")), Clearance::Unmanaged);
        let some: Clearances = [(party("unit/cyber"), Confidentiality::Restricted)]
            .into_iter()
            .collect();
        let held = Clearance::Held(Confidentiality::Restricted);
        assert_eq!(some.of(&party("unit/cyber")), held);
        for other in ["unit/terrorism", "desk/compliance", "bureau/NB-FR"] {
            assert_eq!(some.of(&party(other)), Clearance::Unknown, "{other}");
        }
    }

    #[test]
    fn what_was_decided_can_be_decided_again() {
        let policy = Policy::built_in();
        let (unit, markings) = ("cyber".parse().unwrap(), Markings::default());
        let facts = RouteFacts::new(&unit, true, &[], &markings).facts();
        let decided = policy.decide(facts);
        assert!(decided.is_allowed());
        assert_eq!(
            (decided.rules().len(), decided.rule()),
            (1, "route.permitted")
        );
        assert_eq!(&*decided.rule_set, crate::RULE_SET);
        let kept = Facts::decode(&decided.facts.encode()).unwrap();
        assert_eq!(RuleSet::built_in().decide(&kept), decided.decision);
    }
}
