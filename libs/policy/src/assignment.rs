//! Who may see and who may work on a unit's share of a referral.

use liaison_types::{Party, UnitCode};

use crate::attribute::{Question, Relation};
use crate::decision::Decision;
use crate::facts::Facts;
use crate::receiver::class;
use crate::rule_set::RuleSet;

/// What is looked at where an assignment is asked about.
#[derive(Clone, Copy, Debug)]
pub struct AssignmentFacts<'a> {
    /// Who asks.
    pub party: &'a Party,
    /// The unit it was given to.
    pub unit: &'a UnitCode,
}

impl AssignmentFacts<'_> {
    /// As rules see them: an assignment is the own of the unit it was given to. `question` is one of
    /// those about assignments.
    #[must_use]
    pub fn facts(&self, question: Question) -> Facts {
        let relation = match self.party {
            Party::Unit(own) if own == self.unit => Relation::Owner,
            _ => Relation::Other,
        };
        Facts::new(question)
            .actor(class(self.party))
            .relation(relation)
    }
}

impl RuleSet {
    /// Seeing an assignment: the unit it was given to, and the duty desk. To everybody else it does not
    /// exist.
    #[must_use]
    pub fn may_view_assignment(&self, facts: AssignmentFacts<'_>) -> Decision {
        self.decide(&facts.facts(Question::ViewAssignment))
    }

    /// Answering an assignment, and everything about its tasks: the unit it was given to.
    #[must_use]
    pub fn may_work_assignment(&self, facts: AssignmentFacts<'_>) -> Decision {
        self.decide(&facts.facts(Question::WorkAssignment))
    }

    /// Whether a party sees the assignments of every unit in lists: the duty desk.
    #[must_use]
    pub fn may_list_assignments(&self, viewer: &Party) -> bool {
        let facts = Facts::new(Question::ListAssignments).actor(class(viewer));
        self.decide(&facts).is_allowed()
    }
}

/// [`RuleSet::may_view_assignment`] by the rule set of this build.
#[must_use]
pub fn may_view_assignment(viewer: &Party, unit: &UnitCode) -> Decision {
    RuleSet::built_in().may_view_assignment(AssignmentFacts {
        party: viewer,
        unit,
    })
}

/// [`RuleSet::may_work_assignment`] by the rule set of this build.
#[must_use]
pub fn may_work_assignment(party: &Party, unit: &UnitCode) -> Decision {
    RuleSet::built_in().may_work_assignment(AssignmentFacts { party, unit })
}

/// [`RuleSet::may_list_assignments`] by the rule set of this build.
#[must_use]
pub fn may_list_assignments(viewer: &Party) -> bool {
    RuleSet::built_in().may_list_assignments(viewer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_sees_its_own_and_only_the_duty_desk_sees_all() {
        let cyber: UnitCode = "cyber".parse().unwrap();
        for (party, view, work) in [
            ("unit/cyber", true, true),
            ("unit/terrorism", false, false),
            ("desk/triage", true, false),
            ("desk/compliance", false, false),
            ("bureau/NB-FR", false, false),
            ("partner/cyber", false, false),
            ("service/routing", false, false),
            ("operator/cyber", false, false),
            ("auditor/court", false, false),
        ] {
            let party = party.parse().unwrap();
            assert_eq!(
                may_view_assignment(&party, &cyber).is_allowed(),
                view,
                "{party}"
            );
            assert_eq!(
                may_work_assignment(&party, &cyber).is_allowed(),
                work,
                "{party}"
            );
        }
    }
}
