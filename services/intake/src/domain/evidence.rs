//! Which pieces of evidence stay away from who opens a dossier.
//!
//! Markings stand for each referral and for each piece of evidence, and a piece is bound by both: of each
//! marking the stricter one counts. Who may see the dossier may therefore not see every piece of it.

use liaison_policy::attribute::ItemClass;
use liaison_policy::{Decided, ItemFacts, Passing, Policy, ShareFacts, ViewFacts};
use liaison_types::Markings;

/// A piece of evidence that is not shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Withheld {
    /// Its place in the dossier.
    pub index: usize,
    /// The decisions that keep it back, never empty.
    pub refusals: Vec<Decided>,
}

impl Withheld {
    /// The rules that keep it back, each once.
    #[must_use]
    pub fn rules(&self) -> Vec<String> {
        let mut rules: Vec<String> = Vec::new();
        for rule in self.refusals.iter().flat_map(Decided::rules) {
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
        rules
    }
}

/// What stays away from the viewer of `view`, who may see the dossier. `pieces` are the own markings of
/// every piece, in the order of the dossier.
///
/// Where somebody sees it because it was shared with them, `share` is what was looked at then: a piece is
/// shown only where a referral so marked could have been shared on the same terms. Otherwise a piece under
/// H2 in a referral without would be passed on with nobody's permission.
#[must_use]
pub fn withheld(
    policy: &Policy,
    view: &ViewFacts<'_>,
    share: Option<&ShareFacts<'_>>,
    pieces: &[Markings],
) -> Vec<Withheld> {
    let kept_back = |(index, markings)| {
        let refusals = refusing(policy, view, share, markings);
        (!refusals.is_empty()).then_some(Withheld { index, refusals })
    };
    pieces.iter().enumerate().filter_map(kept_back).collect()
}

/// The decisions that keep a piece with these markings back; none where it is shown.
fn refusing(
    policy: &Policy,
    view: &ViewFacts<'_>,
    share: Option<&ShareFacts<'_>>,
    markings: &Markings,
) -> Vec<Decided> {
    let class = ItemClass::Evidence;
    let item = ItemFacts {
        view: view.clone(),
        markings,
        class,
    };
    let seen = policy.decide(item.facts());
    let shared = share.map(|share| {
        let markings = view.markings.tighten(markings);
        let passing = Passing {
            markings: &markings,
            ..share.passing.clone()
        };
        let share = ShareFacts {
            passing,
            item: class,
            ..*share
        };
        policy.decide(share.facts())
    });
    let decided = std::iter::once(seen).chain(shared);
    decided.filter(|decided| !decided.is_allowed()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_policy::attribute::{Consent, Grant, PurposeLimitation, Usage};
    use liaison_policy::{Intent, may_share, may_view_dossier};
    use liaison_types::{Confidentiality, Handling, Pap, Party, Tlp};
    use proptest::prelude::*;

    const OWNER: &str = "bureau/NB-FR";

    fn any_markings() -> impl Strategy<Value = Markings> {
        let countries = prop::sample::subsequence(vec!["DE", "ES", "FR"], 0..=2);
        let units = prop::sample::subsequence(vec!["cyber", "terrorism"], 0..=2);
        (
            prop::sample::select(Confidentiality::ALL),
            prop::sample::subsequence(Handling::ALL.to_vec(), 0..=4),
            prop::sample::select(Tlp::ALL),
            prop::sample::select(Pap::ALL),
            countries,
            units,
        )
            .prop_map(
                |(confidentiality, handling, tlp, pap, countries, units)| Markings {
                    confidentiality,
                    handling,
                    handling_text: String::new(),
                    tlp,
                    pap,
                    excluded_countries: countries.into_iter().map(|c| c.parse().unwrap()).collect(),
                    excluded_units: units.into_iter().map(|u| u.parse().unwrap()).collect(),
                },
            )
    }

    /// Somebody who opens a dossier, and whether by a share of the lead unit.
    #[derive(Clone, Debug)]
    struct Viewer {
        party: Party,
        grant: Grant,
        usage: Usage,
        consent: Consent,
    }

    fn any_viewer() -> impl Strategy<Value = Viewer> {
        let who = prop::sample::select(vec![
            (OWNER, Grant::None),
            ("desk/triage", Grant::None),
            ("unit/cyber", Grant::Lead),
            ("unit/cyber", Grant::Supporting),
            ("unit/terrorism", Grant::Shared),
            ("bureau/NB-DE", Grant::Shared),
            ("partner/customs", Grant::Shared),
        ]);
        let usage = prop::sample::select(vec![Usage::Police, Usage::Judicial, Usage::Other]);
        let consent = prop::sample::select(vec![Consent::None, Consent::Given]);
        (who, usage, consent).prop_map(|((party, grant), usage, consent)| Viewer {
            party: party.parse().unwrap(),
            grant,
            usage,
            consent,
        })
    }

    /// What `viewer` is not shown of a referral with these markings, and whether they may open it.
    fn opening(viewer: &Viewer, referral: &Markings, pieces: &[Markings]) -> (Vec<Withheld>, bool) {
        let owner: Party = OWNER.parse().unwrap();
        let lead: Party = "unit/narcotics-organized-crime".parse().unwrap();
        let shared = viewer.grant == Grant::Shared;
        let mut view = ViewFacts::new(&viewer.party, &owner, viewer.grant, referral);
        let mut passing = Passing::new(&lead, &owner, &viewer.party, referral);
        passing.grant = Grant::Lead;
        if shared {
            view.intent = Intent {
                purpose: PurposeLimitation::Same,
                usage: viewer.usage,
                ..Intent::default()
            };
            view.consent = viewer.consent;
            (passing.intent, passing.consent) = (view.intent, view.consent);
        }
        let share = shared.then_some(ShareFacts {
            passing,
            officer: Some("u.one"),
            submitting_officer: Some("a.first"),
            mandate: liaison_policy::attribute::Mandate::Unknown,
            item: ItemClass::Dossier,
        });
        let open = may_view_dossier(&view).is_allowed()
            && share
                .as_ref()
                .is_none_or(|share| may_share(share).is_allowed());
        let found = withheld(&Policy::built_in(), &view, share.as_ref(), pieces);
        (found, open)
    }

    proptest! {
        #[test]
        fn a_piece_is_shown_where_a_referral_so_marked_would_be_and_nowhere_else(
            viewer in any_viewer(), referral in any_markings(), piece in any_markings(),
        ) {
            let (found, _) = opening(&viewer, &referral, std::slice::from_ref(&piece));
            let (_, open) = opening(&viewer, &referral.tighten(&piece), &[]);
            prop_assert_eq!(found.is_empty(), open);
            prop_assert!(found.iter().all(|item| item.index == 0 && !item.rules().is_empty()));
        }

        #[test]
        fn who_may_open_a_dossier_sees_what_has_no_markings_of_its_own(
            viewer in any_viewer(), referral in any_markings(),
        ) {
            let (found, open) = opening(&viewer, &referral, &[referral.clone(), referral.clone()]);
            prop_assert_eq!(found.is_empty(), open);
        }

        #[test]
        fn a_stricter_piece_is_never_seen_by_more(
            viewer in any_viewer(), referral in any_markings(), piece in any_markings(), more in any_markings(),
        ) {
            let pieces = [piece.clone(), piece.tighten(&more)];
            let (found, _) = opening(&viewer, &referral, &pieces);
            let hidden = |index| found.iter().any(|item: &Withheld| item.index == index);
            prop_assert!(!hidden(0) || hidden(1));
        }

        #[test]
        fn the_owner_sees_everything_it_sent(
            referral in any_markings(), pieces in prop::collection::vec(any_markings(), 0..4),
        ) {
            let owner = Viewer {
                party: OWNER.parse().unwrap(),
                grant: Grant::None,
                usage: Usage::Unstated,
                consent: Consent::None,
            };
            prop_assert_eq!(opening(&owner, &referral, &pieces).0, []);
        }
    }
}
