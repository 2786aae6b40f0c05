//! Screening: what is admitted by rule and what a person has to look at. Screening never refuses.

use liaison_types::{Confidentiality, IccsCode, Markings, Tlp};

use crate::decision::RuleId;

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

/// Codes that always ask for a person, with the rule each raises.
///
/// `0803`, acts related to expressions of controlled social beliefs, may have the political or
/// religious character that Article 3 excludes. `06011`, drugs for personal consumption, is normally
/// below the threshold of referral.
const FLAGGED_CODES: &[(&str, RuleId)] = &[
    ("0803", "screen.article-3.beliefs"),
    ("06011", "screen.threshold.personal-consumption"),
];

/// Screens a submission that is complete.
#[must_use]
pub fn screen(facts: &SubmissionFacts<'_>) -> Admission {
    let mut rules: Vec<RuleId> = FLAGGED_CODES
        .iter()
        .filter(|(prefix, _)| {
            facts
                .offences
                .iter()
                .any(|code| code.as_str().starts_with(prefix))
        })
        .map(|(_, rule)| *rule)
        .collect();
    if facts.minor_suspected {
        rules.push("screen.care.minor-suspected");
    }
    if facts.markings.tlp == Tlp::Red
        && facts.markings.confidentiality == Confidentiality::Confidential
    {
        rules.push("screen.markings.red-and-confidential");
    }
    if rules.is_empty() {
        Admission::Admitted(vec!["screen.complete-and-unflagged"])
    } else {
        Admission::Flagged(rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                Admission::Flagged(vec![rule])
            );
        }
    }
}
