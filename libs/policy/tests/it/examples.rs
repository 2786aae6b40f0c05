//! The worked examples, against the rule set of this build. They were written from the domain, not from
//! the rules.

use std::collections::BTreeSet;

use liaison_policy::{Consenter, Decision, Effect, RuleSet};

use crate::story::{Examples, Story};

const FILES: [&str; 9] = [
    include_str!("examples/submit.toml"),
    include_str!("examples/view.toml"),
    include_str!("examples/items.toml"),
    include_str!("examples/route.toml"),
    include_str!("examples/share.toml"),
    include_str!("examples/transfer.toml"),
    include_str!("examples/export.toml"),
    include_str!("examples/notify.toml"),
    include_str!("examples/hub.toml"),
];

pub fn all() -> Vec<Story> {
    let read = |file| toml::from_str::<Examples>(file).unwrap().example;
    FILES.into_iter().flat_map(read).collect()
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
        Effect::Review => "review",
    }
}

/// What differs, for people; empty where nothing does.
fn differences(story: &Story, decision: &Decision) -> String {
    let found = (
        word(decision.effect),
        decision.rules.iter().map(ToString::to_string).collect(),
        decision.missing_consent.as_ref().map(Consenter::to_string),
    );
    let expected: (&str, Vec<String>, _) = (
        story.effect.as_str(),
        story.rules.clone(),
        story.missing_consent.clone(),
    );
    if found == expected {
        String::new()
    } else {
        format!(
            "{}\n  expected {expected:?}\n     found {found:?}\n",
            story.name
        )
    }
}

#[test]
fn every_example_comes_out_as_written() {
    let rules = RuleSet::built_in();
    let failing: String = all()
        .iter()
        .map(|story| {
            let decision = rules.decide(&story.facts()).of_owner(&story.owner());
            differences(story, &decision)
        })
        .collect();
    assert!(failing.is_empty(), "\n{failing}");
}

#[test]
fn every_rule_is_exercised_and_every_rule_named_exists() {
    let stories = all();
    assert!(stories.len() >= 120, "only {} examples", stories.len());
    let names: BTreeSet<&str> = stories.iter().map(|story| story.name.as_str()).collect();
    assert_eq!(names.len(), stories.len(), "two examples have one name");
    let exercised: BTreeSet<&str> = stories
        .iter()
        .flat_map(|story| story.rules.iter().map(String::as_str))
        .collect();
    let known: BTreeSet<&str> = RuleSet::built_in()
        .rules()
        .iter()
        .map(|rule| rule.id().as_str())
        .collect();
    assert_eq!(exercised, known);
}
