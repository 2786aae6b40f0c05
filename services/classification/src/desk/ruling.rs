//! What a person decides, and whether that may be.

use liaison_types::{DecisionId, ReferralId, UnitCode};

use super::permission::{Refused, Routing};

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

/// A correction by hand of what was decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Correcting {
    /// The decision it replaces.
    pub decision: DecisionId,
    /// The unit that leads.
    pub lead: UnitCode,
    /// Units that support: at most [`MAX_SUPPORTING`], each once, none of them the lead.
    pub supporting: Vec<UnitCode>,
    /// Why.
    pub reason: String,
}

impl Correcting {
    /// What it rules on `referral`, which the decision is about.
    #[must_use]
    pub fn ruling(&self, referral: ReferralId) -> Ruling {
        Ruling {
            referral,
            lead: self.lead.clone(),
            supporting: self.supporting.clone(),
            reason: self.reason.clone(),
        }
    }
}

/// Whether every unit named may have its part.
///
/// # Errors
/// The first unit that must not.
pub fn permit(ruling: &Ruling, routing: &Routing<'_>) -> Result<(), Box<Refused>> {
    let mut units = ruling.units();
    units.try_for_each(|unit| routing.permits(unit, *unit == ruling.lead))
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_policy::Policy;
    use liaison_types::{Markings, Reason, SeededRandom, Timestamp, Tlp};

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
        let permitted = |ruling: &Ruling| {
            let routing = Routing {
                policy: &Policy::built_in(),
                markings: &markings,
                declined: &declined,
            };
            permit(ruling, &routing)
        };
        let right = ruling("narcotics-organized-crime", &["children-trafficking"]);
        assert_eq!(permitted(&right), Ok(()));
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
            let error = permitted(&wrong).unwrap_err().error();
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
        let routing = Routing {
            policy: &Policy::built_in(),
            markings: &red,
            declined: &[],
        };
        assert!(permit(&ruling("cyber", &[]), &routing).is_ok());
        let refused = permit(&ruling("cyber", &["terrorism"]), &routing).unwrap_err();
        assert_eq!(refused.part(), "SUPPORTING unit/terrorism");
    }
}
