//! Who may see what of a referral.

use liaison_types::{Markings, Party};

use crate::attribute::{Consent, Exercise, Grant, ItemClass, Question, Stage};
use crate::decision::Decision;
use crate::facts::Facts;
use crate::receiver::{Clearance, Intent, class};
use crate::rule_set::RuleSet;

/// What need-to-know looks at.
#[derive(Clone, Debug)]
pub struct ViewFacts<'a> {
    /// Who wants to see it.
    pub viewer: &'a Party,
    /// Whose it is.
    pub owner: &'a Party,
    /// What the viewer holds that has not ended.
    pub grant: Grant,
    /// Markings set by the source.
    pub markings: &'a Markings,
    /// The viewer's clearance.
    pub clearance: Clearance,
    /// What the viewer means to do with it.
    pub intent: Intent,
    /// What the owner said when asked for consent to this use.
    pub consent: Consent,
    /// Whether a trainee would see real material, or the other way round.
    pub exercise: Exercise,
    /// How far the referral has come.
    pub stage: Stage,
}

impl<'a> ViewFacts<'a> {
    /// Where nothing more is known or asked: clearances are not managed, nothing was declared, no consent
    /// was asked for, nothing mixes, and the referral is admitted.
    #[must_use]
    pub fn new(viewer: &'a Party, owner: &'a Party, grant: Grant, markings: &'a Markings) -> Self {
        Self {
            viewer,
            owner,
            grant,
            markings,
            clearance: Clearance::default(),
            intent: Intent::default(),
            consent: Consent::None,
            exercise: Exercise::Same,
            stage: Stage::Open,
        }
    }

    /// As rules see them when the envelope is asked for.
    #[must_use]
    pub fn envelope(&self) -> Facts {
        self.facts(Question::ViewEnvelope, ItemClass::Envelope, self.markings)
    }

    /// As rules see them when the content is asked for.
    #[must_use]
    pub fn dossier(&self) -> Facts {
        self.facts(Question::ViewDossier, ItemClass::Dossier, self.markings)
    }

    /// Who sees is who receives.
    fn facts(&self, question: Question, item: ItemClass, markings: &Markings) -> Facts {
        let (viewer, owner) = (self.viewer, self.owner);
        Facts::new(question)
            .acting(viewer, owner, self.grant)
            .received(
                viewer.into(),
                Some(owner),
                self.grant.into(),
                markings,
                self.clearance,
            )
            .intending(self.intent)
            .consent(self.consent)
            .exercise(self.exercise)
            .stage(self.stage)
            .item(item)
    }
}

/// What is looked at where one piece of a dossier is asked for.
#[derive(Clone, Debug)]
pub struct ItemFacts<'a> {
    /// Who asks for it, and the markings of the referral.
    pub view: ViewFacts<'a>,
    /// Its own markings. They can only add to those of the referral.
    pub markings: &'a Markings,
    /// What sort of piece it is.
    pub class: ItemClass,
}

impl ItemFacts<'_> {
    /// As rules see them: the piece is marked as strictly as its referral and as itself.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let markings = self.view.markings.tighten(self.markings);
        self.view.facts(Question::ViewItem, self.class, &markings)
    }
}

impl RuleSet {
    /// Envelope: state, clocks, history. The owner, units with a grant, the hub's two desks, and those
    /// with whom it was shared.
    #[must_use]
    pub fn may_view_envelope(&self, facts: &ViewFacts<'_>) -> Decision {
        self.decide(&facts.envelope()).of_owner(facts.owner)
    }

    /// Dossier: the content. Need-to-know as for the envelope, and the conditions of the markings;
    /// operators, auditors and services never.
    #[must_use]
    pub fn may_view_dossier(&self, facts: &ViewFacts<'_>) -> Decision {
        self.decide(&facts.dossier()).of_owner(facts.owner)
    }

    /// One piece of the content, under its own markings as well.
    #[must_use]
    pub fn may_view_item(&self, facts: &ItemFacts<'_>) -> Decision {
        self.decide(&facts.facts()).of_owner(facts.view.owner)
    }

    /// Whether a party sees referrals of every owner in lists: the compliance and the triage desk.
    #[must_use]
    pub fn may_list_all(&self, viewer: &Party) -> bool {
        let facts = Facts::new(Question::ListAll).actor(class(viewer));
        self.decide(&facts).is_allowed()
    }
}

/// [`RuleSet::may_view_envelope`] by the rule set of this build.
#[must_use]
pub fn may_view_envelope(facts: &ViewFacts<'_>) -> Decision {
    RuleSet::built_in().may_view_envelope(facts)
}

/// [`RuleSet::may_view_dossier`] by the rule set of this build.
#[must_use]
pub fn may_view_dossier(facts: &ViewFacts<'_>) -> Decision {
    RuleSet::built_in().may_view_dossier(facts)
}

/// [`RuleSet::may_view_item`] by the rule set of this build.
#[must_use]
pub fn may_view_item(facts: &ItemFacts<'_>) -> Decision {
    RuleSet::built_in().may_view_item(facts)
}

/// [`RuleSet::may_list_all`] by the rule set of this build.
#[must_use]
pub fn may_list_all(viewer: &Party) -> bool {
    RuleSet::built_in().may_list_all(viewer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_types::PartyKind;

    fn view(viewer: &str, granted: bool, markings: &Markings) -> Decision {
        may_view_dossier(&ViewFacts::new(
            &viewer.parse().unwrap(),
            &"bureau/NB-FR".parse().unwrap(),
            granted.into(),
            markings,
        ))
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
}
