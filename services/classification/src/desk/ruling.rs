//! What a person decides, and whether that may be.

use liaison_policy::{RouteFacts, RuleId, may_route};
use liaison_types::{Error, ErrorKind, Markings, Reason, ReferralId, Result, UnitCode};

/// The most units that support.
pub const MAX_SUPPORTING: usize = 3;

/// A decision by hand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ruling {
    /// The referral.
    pub referral: ReferralId,
    /// The unit that leads.
    pub lead: UnitCode,
    /// Units that support: at most [`MAX_SUPPORTING`], each once, none of them the lead.
    pub supporting: Vec<UnitCode>,
    /// Why.
    pub reason: String,
}

impl Ruling {
    /// Every unit named, the lead first.
    pub fn units(&self) -> impl Iterator<Item = &UnitCode> {
        std::iter::once(&self.lead).chain(&self.supporting)
    }
}

/// Whether every unit named may have its part, by the rules that say so.
///
/// # Errors
/// UNIT_EXCLUDED naming the first unit that must not, and the rules.
pub fn permit(ruling: &Ruling, markings: &Markings, declined: &[UnitCode]) -> Result<Vec<RuleId>> {
    let mut rules = Vec::new();
    for unit in ruling.units() {
        let lead = *unit == ruling.lead;
        let decision = may_route(&RouteFacts::new(unit, lead, declined, markings));
        if !decision.is_allowed() {
            return Err(
                Error::new(ErrorKind::FailedPrecondition, Reason::UnitExcluded)
                    .metadata("unit", unit.to_string())
                    .metadata("rules", decision.rules.join(",")),
            );
        }
        for rule in decision.rules {
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_types::{SeededRandom, Timestamp, Tlp};

    fn unit(name: &str) -> UnitCode {
        name.parse().unwrap()
    }

    fn ruling(lead: &str, supporting: &[&str]) -> Ruling {
        Ruling {
            referral: ReferralId::new(Timestamp::from_seconds(1), &SeededRandom::new(1)),
            lead: unit(lead),
            supporting: supporting.iter().map(|name| unit(name)).collect(),
            reason: "as discussed".into(),
        }
    }

    #[test]
    fn excluded_and_declining_units_get_no_part() {
        let markings = Markings {
            excluded_units: vec![unit("terrorism")],
            ..Markings::default()
        };
        let declined = [unit("cyber")];
        let permitted = |ruling: &Ruling| permit(ruling, &markings, &declined);
        assert_eq!(
            permitted(&ruling(
                "narcotics-organized-crime",
                &["children-trafficking"]
            ))
            .unwrap(),
            ["route.permitted"]
        );
        for (wrong, who, rule) in [
            (
                ruling("terrorism", &[]),
                "terrorism",
                "markings.exclusion.unit",
            ),
            (ruling("cyber", &[]), "cyber", "route.declined-before"),
            (
                ruling("children-trafficking", &["cyber"]),
                "cyber",
                "route.declined-before",
            ),
        ] {
            let error = permitted(&wrong).unwrap_err();
            assert_eq!(error.reason(), Reason::UnitExcluded);
            assert_eq!(
                error.metadata_list(),
                [("unit", who.to_owned()), ("rules", rule.to_owned())]
            );
        }
    }

    #[test]
    fn red_information_reaches_the_lead_only() {
        let red = Markings {
            tlp: Tlp::Red,
            ..Markings::default()
        };
        assert!(permit(&ruling("cyber", &[]), &red, &[]).is_ok());
        let error = permit(&ruling("cyber", &["terrorism"]), &red, &[]).unwrap_err();
        assert_eq!(error.metadata_list()[0].1, "terrorism");
    }
}
