//! What becomes of what the machine decided: routing, or the desk, and why.

use liaison_types::DeskCode;

use super::TriageCause;
use super::permission::{Refused, Routing};
use crate::domain::{Decision, Outcome, Reason};

/// The rule of a case that people decide because the machine could not read it.
pub const RULE_GIVEN_UP: &str = "input.unavailable";

/// Where a case goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// To its lead unit.
    Routed,
    /// To the desk.
    Triage(TriageCause),
}

/// Puts what the machine decided before the policy. A lead that must not have it is kept as the
/// proposal, and people decide; supporting units that must not have it are left out. Answered with
/// everybody who must not.
#[must_use]
pub fn verdict(
    mut decision: Decision,
    routing: &Routing<'_>,
    review_desk: &DeskCode,
) -> (Decision, Fate, Vec<Refused>) {
    let mut refused = Vec::new();
    decision.supporting.retain(|unit| {
        let permitted = routing.permits(unit, false);
        permitted.map_err(|refusal| refused.push(*refusal)).is_ok()
    });
    if decision.outcome == Outcome::Review {
        let cause = cause(&decision);
        return (decision, Fate::Triage(cause), refused);
    }
    let Some(lead) = &decision.lead else {
        // A route without a lead leads nowhere.
        decision.outcome = Outcome::Review;
        decision.desk = review_desk.clone();
        return (decision, Fate::Triage(TriageCause::NoUnit), refused);
    };
    let Err(refusal) = routing.permits(lead, true) else {
        return (decision, Fate::Routed, refused);
    };
    decision.outcome = Outcome::Review;
    decision.desk = review_desk.clone();
    let rules = refusal.permission.rules().into_iter();
    decision.reasons.extend(rules.map(|id| Reason::Rule { id }));
    refused.push(*refusal);
    (decision, Fate::Triage(TriageCause::NotPermitted), refused)
}

/// Why a review is one.
fn cause(decision: &Decision) -> TriageCause {
    let says = |rule: &str| {
        decision
            .reasons
            .iter()
            .any(|reason| matches!(reason, Reason::Rule { id } if id == rule))
    };
    if says("codes.contradicted-by-text") {
        TriageCause::Contradiction
    } else if decision.lead.is_none() {
        TriageCause::NoUnit
    } else {
        TriageCause::Uncertain
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DeclaredOffence, Input, RuleSet, decide};
    use liaison_policy::Policy;
    use liaison_types::{Markings, Tlp, UnitCode};

    fn judged(
        iccs: Option<&str>,
        tags: &[&str],
        text: &str,
        markings: &Markings,
    ) -> (Decision, Fate) {
        let rules = RuleSet::embedded().unwrap();
        let offences = [DeclaredOffence {
            iccs: iccs.map(|code| code.parse().unwrap()),
            tags: tags.iter().map(|tag| tag.parse().unwrap()).collect(),
            national_provision: None,
        }];
        let decision = decide(
            &rules,
            &Input {
                offences: &offences,
                narrative: text,
                ..Input::default()
            },
        );
        let routing = Routing {
            policy: &Policy::built_in(),
            markings,
            declined: &[],
        };
        let (decision, fate, refused) = verdict(decision, &routing, rules.review_desk());
        let not_permitted = fate == Fate::Triage(TriageCause::NotPermitted);
        assert_eq!(refused.iter().any(|refused| refused.lead), not_permitted);
        (decision, fate)
    }

    #[test]
    fn a_lead_that_is_not_permitted_is_only_a_proposal() {
        let plain = Markings::default();
        let (decision, fate) = judged(Some("0903"), &[], "", &plain);
        assert_eq!(fate, Fate::Routed);
        let lead = decision.lead.unwrap();

        let excluded = Markings {
            excluded_units: vec![lead.clone()],
            ..plain
        };
        let (decision, fate) = judged(Some("0903"), &[], "", &excluded);
        assert_eq!(fate, Fate::Triage(TriageCause::NotPermitted));
        assert_eq!(decision.outcome, Outcome::Review);
        assert_eq!(decision.lead, Some(lead));
        assert!(decision.reasons.contains(&Reason::Rule {
            id: "markings.exclusion.unit".into()
        }));
    }

    #[test]
    fn supporting_units_that_are_not_permitted_are_left_out() {
        // Any other code with the tag asks for the unit's support.
        let declared =
            |markings: &Markings| judged(Some("0204"), &["Cy"], "", markings).0.supporting;
        let cyber: UnitCode = "cyber".parse().unwrap();
        assert_eq!(declared(&Markings::default()), [cyber]);
        let red = Markings {
            tlp: Tlp::Red,
            ..Markings::default()
        };
        assert!(declared(&red).is_empty());
    }

    #[test]
    fn reviews_say_why() {
        let plain = Markings::default();
        let (_, fate) = judged(None, &[], "", &plain);
        assert!(matches!(
            fate,
            Fate::Triage(TriageCause::Uncertain | TriageCause::NoUnit)
        ));
        // Drugs for personal consumption are not referred.
        let (decision, fate) = judged(Some("06011"), &[], "", &plain);
        assert_eq!(decision.lead, None);
        assert_eq!(fate, Fate::Triage(TriageCause::NoUnit));
    }
}
