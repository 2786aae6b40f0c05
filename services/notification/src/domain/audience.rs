//! Who may know a fact. Nobody else is told, and nobody is told twice.

use liaison_types::Party;

use super::fact::Fact;

/// The parties that may know `fact`, each once.
///
/// Deny by default: a party is here because the business is its own or its task. A unit hears of an
/// assignment only when it could pull it, so that no notification says more than a pull would.
#[must_use]
pub fn audience(fact: &Fact) -> Vec<Party> {
    match fact {
        Fact::Referral {
            owner,
            review_requested,
            informed,
        } => {
            let mut parties = vec![owner.clone()];
            for party in informed {
                if !parties.contains(party) {
                    parties.push(party.clone());
                }
            }
            if *review_requested {
                parties.push(desk("compliance"));
            }
            parties
        }
        Fact::Assignment {
            unit,
            granted: true,
        }
        | Fact::Task { unit } => {
            vec![Party::Unit(unit.clone())]
        }
        Fact::Assignment { granted: false, .. } => Vec::new(),
        Fact::Triage => vec![desk("triage")],
    }
}

fn desk(name: &str) -> Party {
    Party::Desk(name.parse().expect("the desks' names are valid constants"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(fact: &Fact) -> Vec<String> {
        audience(fact).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn everybody_hears_of_their_own_business_only() {
        let owner: Party = "bureau/NB-FR".parse().unwrap();
        let unit = || "cyber".parse().unwrap();
        let plain = Fact::Referral {
            owner: owner.clone(),
            review_requested: false,
            informed: Vec::new(),
        };
        let shared = Fact::Referral {
            owner: owner.clone(),
            review_requested: false,
            informed: vec![owner.clone(), "partner/customs".parse().unwrap()],
        };
        let flagged = Fact::Referral {
            owner,
            review_requested: true,
            informed: Vec::new(),
        };
        assert_eq!(told(&plain), ["bureau/NB-FR"]);
        assert_eq!(told(&shared), ["bureau/NB-FR", "partner/customs"]);
        assert_eq!(told(&flagged), ["bureau/NB-FR", "desk/compliance"]);
        assert_eq!(told(&Fact::Triage), ["desk/triage"]);
        assert_eq!(told(&Fact::Task { unit: unit() }), ["unit/cyber"]);
        assert_eq!(
            told(&Fact::Assignment {
                unit: unit(),
                granted: true
            }),
            ["unit/cyber"]
        );
        assert!(
            told(&Fact::Assignment {
                unit: unit(),
                granted: false
            })
            .is_empty()
        );
    }
}
