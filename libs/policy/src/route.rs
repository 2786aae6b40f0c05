//! Whether a unit may receive a referral.

use liaison_types::{Markings, Tlp, UnitCode};

use crate::decision::Decision;

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
}

/// Exclusions bind every recipient; TLP:RED reaches the lead unit only; a unit that declined is not
/// asked again.
#[must_use]
pub fn may_route(facts: &RouteFacts<'_>) -> Decision {
    let mut rules = Vec::new();
    if facts.markings.excluded_units.contains(facts.unit) {
        rules.push("markings.exclusion.unit");
    }
    if facts.markings.tlp == Tlp::Red && !facts.lead {
        rules.push("markings.tlp-red.lead-only");
    }
    if facts.declined.contains(facts.unit) {
        rules.push("route.declined-before");
    }
    if rules.is_empty() {
        Decision::allow("route.permitted")
    } else {
        Decision::deny(rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_that_denies_is_named() {
        let unit: UnitCode = "cyber".parse().unwrap();
        let markings = Markings {
            tlp: Tlp::Red,
            excluded_units: vec![unit.clone()],
            ..Markings::default()
        };
        let declined = [unit.clone()];
        let facts = RouteFacts {
            unit: &unit,
            lead: false,
            declined: &declined,
            markings: &markings,
        };
        assert_eq!(may_route(&facts).rules.len(), 3);
        let plain = Markings::default();
        let facts = RouteFacts {
            unit: &unit,
            lead: false,
            declined: &[],
            markings: &plain,
        };
        assert!(may_route(&facts).is_allowed());
    }
}
