//! Whether a unit may receive a referral.

use liaison_types::{Markings, Party, UnitCode};

use crate::attribute::{Exercise, ItemClass, Mandate, Part, Question, Stage, Standing};
use crate::decision::Decision;
use crate::facts::Facts;
use crate::receiver::{Clearance, Recipient};
use crate::rule_set::RuleSet;

/// What routing looks at.
#[derive(Clone, Debug)]
pub struct RouteFacts<'a> {
    /// The unit that would receive it.
    pub unit: &'a UnitCode,
    /// It would lead, not support.
    pub lead: bool,
    /// Units that declined it or are otherwise ruled out by now.
    pub declined: &'a [UnitCode],
    /// Markings set by the source.
    pub markings: &'a Markings,
    /// The clearance of the unit.
    pub clearance: Clearance,
    /// The offence against the mandate of the unit.
    pub mandate: Mandate,
    /// Whether training would reach a unit that works on real cases, or the other way round.
    pub exercise: Exercise,
    /// How far the referral has come.
    pub stage: Stage,
}

pub(crate) const fn part(lead: bool) -> Part {
    if lead { Part::Lead } else { Part::Supporting }
}

impl<'a> RouteFacts<'a> {
    /// Where nothing more is known: clearances are not managed, the mandate was not compared, nothing
    /// mixes, and the referral is admitted.
    #[must_use]
    pub fn new(
        unit: &'a UnitCode,
        lead: bool,
        declined: &'a [UnitCode],
        markings: &'a Markings,
    ) -> Self {
        Self {
            unit,
            lead,
            declined,
            markings,
            clearance: Clearance::default(),
            mandate: Mandate::Unknown,
            exercise: Exercise::Same,
            stage: Stage::Open,
        }
    }

    /// As rules see them. The hub acts, for which no party stands.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let unit = Party::Unit(self.unit.clone());
        Facts::new(Question::Route)
            .received(
                Recipient::Party(&unit),
                None,
                Standing::Stranger,
                self.markings,
                self.clearance,
            )
            .part(part(self.lead))
            .declined_before(self.declined.contains(self.unit))
            .mandate(self.mandate)
            .exercise(self.exercise)
            .stage(self.stage)
            .item(ItemClass::Dossier)
    }
}

impl RuleSet {
    /// Exclusions bind every recipient; TLP:RED reaches the lead unit only; a unit that declined is not
    /// asked again; clearance and mandate where they are known.
    ///
    /// H2 and H3 do not stand against it: to be assigned by the hub to one of its units is what the
    /// source sent the referral for, and no passing on.
    #[must_use]
    pub fn may_route(&self, facts: &RouteFacts<'_>) -> Decision {
        self.decide(&facts.facts())
    }
}

/// [`RuleSet::may_route`] by the rule set of this build.
#[must_use]
pub fn may_route(facts: &RouteFacts<'_>) -> Decision {
    RuleSet::built_in().may_route(facts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_types::Tlp;

    #[test]
    fn every_rule_that_denies_is_named() {
        let unit: UnitCode = "cyber".parse().unwrap();
        let markings = Markings {
            tlp: Tlp::Red,
            excluded_units: vec![unit.clone()],
            ..Markings::default()
        };
        let declined = [unit.clone()];
        let facts = RouteFacts::new(&unit, false, &declined, &markings);
        assert_eq!(may_route(&facts).rules.len(), 3);
        let plain = Markings::default();
        let facts = RouteFacts::new(&unit, false, &[], &plain);
        assert!(may_route(&facts).is_allowed());
    }
}
