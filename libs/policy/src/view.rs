//! Who may see what of a referral.

use liaison_types::{Markings, Party};

use crate::decision::{Decision, RuleId};

/// What need-to-know looks at.
#[derive(Clone, Debug)]
pub struct ViewFacts<'a> {
    /// Who wants to see it.
    pub viewer: &'a Party,
    /// Whose it is.
    pub owner: &'a Party,
    /// The viewer holds a grant that has not ended.
    pub granted: bool,
    /// Markings set by the source.
    pub markings: &'a Markings,
}

pub(crate) fn is_desk(party: &Party, name: &str) -> bool {
    matches!(party, Party::Desk(code) if code.as_str() == name)
}

fn excluded(facts: &ViewFacts<'_>) -> Option<RuleId> {
    match facts.viewer {
        Party::Unit(unit) if facts.markings.excluded_units.contains(unit) => {
            Some("markings.exclusion.unit")
        }
        Party::Bureau(bureau)
            if facts.viewer != facts.owner
                && facts
                    .markings
                    .excluded_countries
                    .iter()
                    .any(|c| c.as_str() == bureau.country()) =>
        {
            Some("markings.exclusion.country")
        }
        _ => None,
    }
}

/// Envelope: state, clocks, history. The owner, units with a grant and the hub's two desks.
#[must_use]
pub fn may_view_envelope(facts: &ViewFacts<'_>) -> Decision {
    if let Some(rule) = excluded(facts) {
        return Decision::deny(vec![rule]);
    }
    if facts.viewer == facts.owner {
        return Decision::allow("view.owner");
    }
    if may_list_all(facts.viewer) {
        return Decision::allow("view.desk");
    }
    if matches!(facts.viewer, Party::Unit(_)) && facts.granted {
        return Decision::allow("view.grant");
    }
    Decision::deny(vec!["view.no-need-to-know"])
}

/// Dossier: the content. The same parties as for the envelope; operators and auditors never.
#[must_use]
pub fn may_view_dossier(facts: &ViewFacts<'_>) -> Decision {
    may_view_envelope(facts)
}

/// Whether a party sees referrals of every owner in lists: the compliance and the triage desk.
#[must_use]
pub fn may_list_all(viewer: &Party) -> bool {
    is_desk(viewer, "compliance") || is_desk(viewer, "triage")
}

/// Deciding a flagged referral: the compliance desk, and never the officer who submitted it. Where
/// nobody knows who that was, nobody can show to be another, and it is denied.
///
/// Officers are compared without regard to ASCII case and surrounding white space. An acting officer
/// is required; that is checked before.
#[must_use]
pub fn may_decide_review(
    reviewer: &Party,
    officer: &str,
    submitting_officer: Option<&str>,
) -> Decision {
    if !is_desk(reviewer, "compliance") {
        return Decision::deny(vec!["review.compliance-desk-only"]);
    }
    let Some(submitter) = submitting_officer else {
        return Decision::deny(vec!["review.four-eyes.submitter-unknown"]);
    };
    if officer.trim().eq_ignore_ascii_case(submitter.trim()) {
        return Decision::deny(vec!["review.four-eyes"]);
    }
    Decision::allow("review.compliance-desk")
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_types::PartyKind;

    fn view(viewer: &str, granted: bool, markings: &Markings) -> Decision {
        may_view_dossier(&ViewFacts {
            viewer: &viewer.parse().unwrap(),
            owner: &"bureau/NB-FR".parse().unwrap(),
            granted,
            markings,
        })
    }

    #[test]
    fn need_to_know() {
        let plain = Markings::default();
        for (viewer, granted, rule) in [
            ("bureau/NB-FR", false, "view.owner"),
            ("unit/cyber", true, "view.grant"),
            ("desk/triage", false, "view.desk"),
            ("desk/compliance", false, "view.desk"),
        ] {
            assert_eq!(
                view(viewer, granted, &plain),
                Decision::allow(rule),
                "{viewer}"
            );
        }
        for viewer in [
            "bureau/NB-DE",
            "bureau/NB-FR-SUB",
            "unit/cyber",
            "partner/customs",
            "operator/ops",
            "auditor/court",
            "service/routing",
            "desk/other",
        ] {
            let decision = view(viewer, false, &plain);
            assert_eq!(decision.rules, ["view.no-need-to-know"], "{viewer}");
            assert!(!decision.is_allowed());
        }
        assert!(
            PartyKind::ALL.len() == 7,
            "a new kind of party needs a row above"
        );
    }

    #[test]
    fn exclusion_beats_a_grant() {
        let markings = Markings {
            excluded_units: vec!["cyber".parse().unwrap()],
            ..Markings::default()
        };
        assert_eq!(
            view("unit/cyber", true, &markings).rules,
            ["markings.exclusion.unit"]
        );
    }

    #[test]
    fn four_eyes() {
        let desk = "desk/compliance".parse().unwrap();
        assert!(may_decide_review(&desk, "b.second", Some("a.first")).is_allowed());
        assert_eq!(
            may_decide_review(&desk, " A.First", Some("a.first")).rules,
            ["review.four-eyes"]
        );
        let triage = "desk/triage".parse().unwrap();
        assert!(!may_decide_review(&triage, "b.second", Some("a.first")).is_allowed());
        assert_eq!(
            may_decide_review(&desk, "b.second", None).rules,
            ["review.four-eyes.submitter-unknown"]
        );
    }
}
