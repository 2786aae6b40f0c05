//! Screening: what is admitted by rule and what a person has to look at. Screening never refuses.

use liaison_types::{IccsCode, Markings};

use crate::attribute::Question;
use crate::decision::{Effect, RuleId};
use crate::facts::Facts;
use crate::rule_set::RuleSet;

/// What screening looks at.
#[derive(Clone, Debug)]
pub struct SubmissionFacts<'a> {
    /// Declared ICCS codes.
    pub offences: &'a [IccsCode],
    /// Markings set by the source.
    pub markings: &'a Markings,
    /// A suspect, accused or wanted person is a minor.
    pub minor_suspected: bool,
}

/// What screening says. The rule ids are kept with the referral.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Admission {
    /// Admissible by these rules; nobody has to look.
    Admitted(Vec<RuleId>),
    /// A compliance reviewer has to look, because of these rules.
    Flagged(Vec<RuleId>),
}

/// Acts related to expressions of controlled social beliefs, which may have the political or religious
/// character that Article 3 excludes.
const ARTICLE_3: &str = "0803";
/// Drugs for personal consumption, normally below the threshold of referral.
const PERSONAL_CONSUMPTION: &str = "06011";

impl SubmissionFacts<'_> {
    /// As rules see them.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let declared = |prefix| {
            let mut offences = self.offences.iter();
            offences.any(|code| code.as_str().starts_with(prefix))
        };
        Facts::new(Question::Submit)
            .marked(self.markings)
            .minor_suspected(self.minor_suspected)
            .article_3_offence(declared(ARTICLE_3))
            .below_threshold_offence(declared(PERSONAL_CONSUMPTION))
    }
}

impl RuleSet {
    /// Screens a submission that is complete.
    #[must_use]
    pub fn screen(&self, facts: &SubmissionFacts<'_>) -> Admission {
        let decision = self.decide(&facts.facts());
        match decision.effect {
            Effect::Allow => Admission::Admitted(decision.rules),
            // No rule set refuses here, and would one, a person had to look.
            Effect::Review | Effect::Deny => Admission::Flagged(decision.rules),
        }
    }
}

/// Screens a submission that is complete, by the rule set of this build.
#[must_use]
pub fn screen(facts: &SubmissionFacts<'_>) -> Admission {
    RuleSet::built_in().screen(facts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_types::{Confidentiality, Tlp};

    fn screened(code: &str, markings: &Markings, minor_suspected: bool) -> Admission {
        screen(&SubmissionFacts {
            offences: &[code.parse().unwrap()],
            markings,
            minor_suspected,
        })
    }

    #[test]
    fn plain_cases_pass_and_sensitive_ones_go_to_people() {
        let plain = Markings::default();
        assert!(matches!(
            screened("0204", &plain, false),
            Admission::Admitted(_)
        ));
        for (code, markings, minor, rule) in [
            ("0803", plain.clone(), false, "screen.article-3.beliefs"),
            (
                "06011",
                plain.clone(),
                false,
                "screen.threshold.personal-consumption",
            ),
            ("0204", plain.clone(), true, "screen.care.minor-suspected"),
            (
                "0204",
                Markings {
                    tlp: Tlp::Red,
                    confidentiality: Confidentiality::Confidential,
                    ..Markings::default()
                },
                false,
                "screen.markings.red-and-confidential",
            ),
        ] {
            assert_eq!(
                screened(code, &markings, minor),
                Admission::Flagged(vec![rule.into()])
            );
        }
    }
}
