//! What a person decides, and whether that may be.

use liaison_types::referral::RefusalGround;
use liaison_types::{DecisionId, ReferralId, UnitCode};

use super::permission::{Refused, Routing};
use crate::case::{Course, Decided};

/// The most units that support.
pub const MAX_SUPPORTING: usize = 3;

/// The grounds on which a case is refused because it is no unit's business, of those of Directive (EU)
/// 2023/977 Article 6 and the hub's own. The others (a request's form, Articles 2 and 3, security, safety,
/// inaccurate data and the like) refuse what may well be a unit's business, and are for the compliance desk:
/// here they would teach the machine that such a case is none.
pub const NO_UNIT_GROUNDS: [RefusalGround; 4] = [
    RefusalGround::NotAvailable,
    RefusalGround::BelowThreshold,
    RefusalGround::NotAnOffence,
    RefusalGround::Purpose,
];

/// What a person finds of a case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finding {
    /// It is for these units.
    Units {
        /// The unit that leads.
        lead: UnitCode,
        /// Units that support: at most [`MAX_SUPPORTING`], each once, none of them the lead.
        supporting: Vec<UnitCode>,
    },
    /// It is no unit's business: it is refused on one of [`NO_UNIT_GROUNDS`].
    NoUnit(RefusalGround),
}

impl Finding {
    /// The unit that leads, where one does.
    #[must_use]
    pub const fn lead(&self) -> Option<&UnitCode> {
        match self {
            Self::Units { lead, .. } => Some(lead),
            Self::NoUnit(_) => None,
        }
    }

    /// Units that support.
    #[must_use]
    pub fn supporting(&self) -> &[UnitCode] {
        match self {
            Self::Units { supporting, .. } => supporting,
            Self::NoUnit(_) => &[],
        }
    }

    /// Every unit named, the lead first.
    pub fn units(&self) -> impl Iterator<Item = &UnitCode> {
        self.lead().into_iter().chain(self.supporting())
    }

    /// What becomes of the case.
    #[must_use]
    pub const fn course(&self) -> Course {
        match self {
            Self::Units { .. } => Course::Route,
            Self::NoUnit(ground) => Course::Refuse(*ground),
        }
    }

    /// Whether it is what `decided` says, with the supporting units in the same order.
    #[must_use]
    pub fn is_of(&self, decided: &Decided) -> bool {
        self.course() == decided.course
            && self.lead() == decided.lead.as_ref()
            && self.supporting() == decided.supporting
    }
}

/// A decision by hand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ruling {
    /// The referral.
    pub referral: ReferralId,
    /// What is found.
    pub finding: Finding,
    /// Why.
    pub reason: String,
}

/// A correction by hand of what was decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Correcting {
    /// The decision it replaces.
    pub decision: DecisionId,
    /// What is found.
    pub finding: Finding,
    /// Why.
    pub reason: String,
}

impl Correcting {
    /// What it rules on `referral`, which the decision is about.
    #[must_use]
    pub fn ruling(&self, referral: ReferralId) -> Ruling {
        Ruling {
            referral,
            finding: self.finding.clone(),
            reason: self.reason.clone(),
        }
    }
}

/// Whether every unit named may have its part.
///
/// # Errors
/// The first unit that must not.
pub fn permit(finding: &Finding, routing: &Routing<'_>) -> Result<(), Box<Refused>> {
    let mut units = finding.units();
    units.try_for_each(|unit| routing.permits(unit, Some(unit) == finding.lead()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_policy::Policy;
    use liaison_types::{Markings, Reason, Tlp};

    fn unit(name: &str) -> UnitCode {
        name.parse().unwrap()
    }

    fn units(lead: &str, supporting: &[&str]) -> Finding {
        Finding::Units {
            lead: unit(lead),
            supporting: supporting.iter().map(|name| unit(name)).collect(),
        }
    }

    #[test]
    fn excluded_and_declining_units_get_no_part() {
        let markings = Markings {
            excluded_units: vec![unit("terrorism")],
            ..Markings::default()
        };
        let declined = [unit("cyber")];
        let permitted = |finding: &Finding| {
            let routing = Routing {
                policy: &Policy::built_in(),
                markings: &markings,
                declined: &declined,
            };
            permit(finding, &routing)
        };
        let right = units("narcotics-organized-crime", &["children-trafficking"]);
        assert_eq!(permitted(&right), Ok(()));
        for (wrong, who, rule) in [
            (
                units("terrorism", &[]),
                "terrorism",
                "markings.exclusion.unit",
            ),
            (units("cyber", &[]), "cyber", "route.declined-before"),
            (
                units("children-trafficking", &["cyber"]),
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
        assert!(permit(&units("cyber", &[]), &routing).is_ok());
        let refused = permit(&units("cyber", &["terrorism"]), &routing).unwrap_err();
        assert_eq!(refused.part(), "SUPPORTING unit/terrorism");
    }

    #[test]
    fn what_is_no_units_business_needs_no_permission() {
        let everybody = ["cyber", "terrorism"].map(unit);
        let routing = Routing {
            policy: &Policy::built_in(),
            markings: &Markings::default(),
            declined: &everybody,
        };
        for ground in NO_UNIT_GROUNDS {
            let finding = Finding::NoUnit(ground);
            assert_eq!(permit(&finding, &routing), Ok(()));
            assert_eq!(finding.course(), Course::Refuse(ground));
            assert_eq!((finding.lead(), finding.units().count()), (None, 0));
        }
    }
}
