//! Whoever receives information, and what they are to do with it: what most questions look at.

use liaison_types::{Confidentiality, CountryCode, Markings, Party};

use crate::attribute::{
    Action, ClearanceFinding, Exclusion, Grant, OfficerRelation, PartyClass, PurposeLimitation,
    Relation, Standing, Usage,
};
use crate::facts::Facts;

pub(crate) const COMPLIANCE_DESK: &str = "compliance";
pub(crate) const TRIAGE_DESK: &str = "triage";

/// What sort of party this is, as far as rules ask.
#[must_use]
pub fn class(party: &Party) -> PartyClass {
    match party {
        Party::Bureau(_) => PartyClass::Bureau,
        Party::Partner(_) => PartyClass::Partner,
        Party::Unit(_) => PartyClass::Unit,
        Party::Desk(desk) => match desk.as_str() {
            COMPLIANCE_DESK => PartyClass::ComplianceDesk,
            TRIAGE_DESK => PartyClass::TriageDesk,
            _ => PartyClass::OtherDesk,
        },
        Party::Service(_) => PartyClass::Service,
        Party::Operator(_) => PartyClass::Operator,
        Party::Auditor(_) => PartyClass::Auditor,
    }
}

/// What is known of a party's clearance.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Clearance {
    /// Clearances are not managed for this party: no rule asks for one. The hub vouches for it in
    /// another way, as it does for its units until a clearance is configured for each.
    #[default]
    Unmanaged,
    /// They are managed, and this one is not on record.
    Unknown,
    /// Up to this confidentiality.
    Held(Confidentiality),
}

impl Clearance {
    /// Against information that is `confidentiality`.
    #[must_use]
    pub fn against(self, confidentiality: Confidentiality) -> ClearanceFinding {
        match self {
            Self::Unmanaged => ClearanceFinding::Unmanaged,
            Self::Unknown => ClearanceFinding::Unknown,
            Self::Held(held) if held >= confidentiality => ClearanceFinding::Sufficient,
            Self::Held(_) => ClearanceFinding::Insufficient,
        }
    }
}

/// What is to be done with information. The default is what callers mean that cannot say: nothing was
/// declared, and nothing is done that anybody could notice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Intent {
    /// The declared purpose against that of the source; [`crate::purpose::limitation`] compares them.
    pub purpose: PurposeLimitation,
    /// What it is to be used for.
    pub usage: Usage,
    /// What is to be done with it.
    pub action: Action,
}

impl Default for Intent {
    fn default() -> Self {
        Self {
            purpose: PurposeLimitation::Undeclared,
            usage: Usage::Unstated,
            action: Action::None,
        }
    }
}

/// Who is to receive information.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recipient<'a> {
    /// A party of the suite.
    Party(&'a Party),
    /// Somebody who is none.
    Outsider {
        /// Where they are, where that is known.
        country: Option<CountryCode>,
    },
}

impl<'a> From<&'a Party> for Recipient<'a> {
    fn from(party: &'a Party) -> Self {
        Self::Party(party)
    }
}

impl Recipient<'_> {
    fn class(self) -> PartyClass {
        match self {
            Self::Party(party) => class(party),
            Self::Outsider { .. } => PartyClass::Outsider,
        }
    }

    /// Which exclusion of the source hits it. A country is excluded with its bureaus and with everybody
    /// known to be there, but not with the owner, who has the information already.
    fn exclusion(self, owner: Option<&Party>, markings: &Markings) -> Exclusion {
        let country = match self {
            Self::Party(Party::Unit(unit)) if markings.excluded_units.contains(unit) => {
                return Exclusion::Unit;
            }
            Self::Party(party @ Party::Bureau(bureau)) if Some(party) != owner => bureau.country(),
            Self::Outsider {
                country: Some(ref country),
            } => country.as_str(),
            _ => return Exclusion::None,
        };
        let excluded = |code: &CountryCode| code.as_str() == country;
        if markings.excluded_countries.iter().any(excluded) {
            Exclusion::Country
        } else {
            Exclusion::None
        }
    }
}

impl Facts {
    /// The same with the actor, the owner and what the actor holds.
    pub(crate) fn acting(self, actor: &Party, owner: &Party, grant: Grant) -> Self {
        let relation = if actor == owner {
            Relation::Owner
        } else {
            Relation::Other
        };
        self.actor(class(actor)).relation(relation).grant(grant)
    }

    /// The same with whoever receives information so marked. `standing` is how they stand to it where
    /// they are not its owner; whether they are is seen here.
    pub(crate) fn received(
        self,
        recipient: Recipient<'_>,
        owner: Option<&Party>,
        standing: Standing,
        markings: &Markings,
        clearance: Clearance,
    ) -> Self {
        let owns = owner.is_some_and(|owner| recipient == Recipient::Party(owner));
        let standing = match standing {
            _ if owns => Standing::Owner,
            Standing::Owner => Standing::Stranger,
            other => other,
        };
        self.marked(markings)
            .recipient(recipient.class())
            .recipient_standing(standing)
            .exclusion(recipient.exclusion(owner, markings))
            .clearance(clearance.against(markings.confidentiality))
    }

    /// The same with what is to be done.
    pub(crate) fn intending(self, intent: Intent) -> Self {
        self.purpose(intent.purpose)
            .usage(intent.usage)
            .action(intent.action)
    }
}

impl From<Grant> for Standing {
    /// How somebody with this grant stands to the referral.
    fn from(grant: Grant) -> Self {
        match grant {
            Grant::None => Self::Stranger,
            Grant::Held => Self::Held,
            Grant::Lead => Self::Lead,
            Grant::Supporting => Self::Supporting,
            Grant::Shared => Self::Shared,
        }
    }
}

impl From<bool> for Grant {
    /// For callers that know only whether there is one.
    fn from(held: bool) -> Self {
        if held { Self::Held } else { Self::None }
    }
}

/// The acting officer against the one who submitted. Names are compared without regard to ASCII case
/// and surrounding white space; a blank one is none.
#[must_use]
pub fn officers(acting: Option<&str>, submitting: Option<&str>) -> OfficerRelation {
    let named = |officer: Option<&'_ str>| -> Option<String> {
        let name = officer?.trim();
        (!name.is_empty()).then(|| name.to_ascii_lowercase())
    };
    match (named(acting), named(submitting)) {
        (None, _) => OfficerRelation::None,
        (Some(_), None) => OfficerRelation::Unknown,
        (Some(acting), Some(submitting)) if acting == submitting => OfficerRelation::Same,
        _ => OfficerRelation::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn officers_are_compared_as_people_write_them() {
        for (acting, submitting, relation) in [
            (Some("b.second"), Some("a.first"), OfficerRelation::Other),
            (Some(" A.First"), Some("a.first"), OfficerRelation::Same),
            (Some("b.second"), None, OfficerRelation::Unknown),
            (Some("b.second"), Some(" "), OfficerRelation::Unknown),
            (None, Some("a.first"), OfficerRelation::None),
            (Some(""), None, OfficerRelation::None),
        ] {
            assert_eq!(
                officers(acting, submitting),
                relation,
                "{acting:?} {submitting:?}"
            );
        }
    }

    #[test]
    fn an_exclusion_hits_everybody_there_but_the_owner() {
        let markings = Markings {
            excluded_countries: vec!["FR".parse().unwrap()],
            excluded_units: vec!["cyber".parse().unwrap()],
            ..Markings::default()
        };
        let owner: Party = "bureau/NB-FR".parse().unwrap();
        for (party, exclusion) in [
            ("bureau/NB-FR", Exclusion::None),
            ("bureau/NB-FR-SUB", Exclusion::Country),
            ("bureau/NB-DE", Exclusion::None),
            ("unit/cyber", Exclusion::Unit),
            ("partner/cyber", Exclusion::None),
        ] {
            let party: Party = party.parse().unwrap();
            let found = Recipient::Party(&party).exclusion(Some(&owner), &markings);
            assert_eq!(found, exclusion, "{party}");
        }
        for (country, exclusion) in [
            (None, Exclusion::None),
            (Some("FR".parse().unwrap()), Exclusion::Country),
            (Some("DE".parse().unwrap()), Exclusion::None),
        ] {
            let found = Recipient::Outsider { country }.exclusion(Some(&owner), &markings);
            assert_eq!(found, exclusion, "{country:?}");
        }
    }
}
