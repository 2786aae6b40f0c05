//! What several tests of the decision begin with.

use std::sync::OnceLock;

use liaison_types::Tag;

use super::*;

pub(super) fn rules() -> &'static RuleSet {
    static RULES: OnceLock<RuleSet> = OnceLock::new();
    RULES.get_or_init(|| RuleSet::embedded().expect("the committed rule set is right"))
}

pub(super) fn text(narrative: &str) -> Decision {
    decide(
        rules(),
        &Input {
            narrative,
            ..Input::default()
        },
    )
}

pub(super) fn offence(code: &str, tags: &[Tag]) -> DeclaredOffence {
    DeclaredOffence {
        iccs: Some(code.parse().unwrap()),
        tags: tags.to_vec(),
        national_provision: None,
    }
}

pub(super) fn declared(offences: &[DeclaredOffence], narrative: &str) -> Decision {
    decide(
        rules(),
        &Input {
            offences,
            narrative,
            ..Input::default()
        },
    )
}

pub(super) fn lead(decision: &Decision) -> &str {
    decision.lead.as_ref().map_or("none", |unit| unit.as_str())
}

pub(super) fn rule_ids(decision: &Decision) -> Vec<&str> {
    decision
        .reasons
        .iter()
        .filter_map(|reason| match reason {
            Reason::Rule { id } => Some(id.as_str()),
            _ => None,
        })
        .collect()
}
