//! The worked examples, against the rule set of this build. They were written from the domain, not from
//! the rules.

use std::collections::BTreeSet;

use liaison_policy::{Consenter, Decision, Effect, RuleSet};

use crate::story::{Examples, Story};

const FILES: [&str; 11] = [
    include_str!("examples/submit.toml"),
    include_str!("examples/view.toml"),
    include_str!("examples/items.toml"),
    include_str!("examples/route.toml"),
    include_str!("examples/share.toml"),
    include_str!("examples/transfer.toml"),
    include_str!("examples/export.toml"),
    include_str!("examples/notify.toml"),
    include_str!("examples/hub.toml"),
    include_str!("examples/owners.toml"),
    include_str!("examples/edges.toml"),
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

/// The rule set of this build without one of its conditions, once for each, and what is left out.
fn weakened() -> Vec<(String, String)> {
    let text = RuleSet::built_in().to_string();
    let lines: Vec<&str> = text.lines().collect();
    let mut all = Vec::new();
    let mut id = "";
    for (at, line) in lines.iter().enumerate() {
        id = line.strip_prefix("id = ").unwrap_or(id);
        let Some(conditions) = line.strip_prefix("    { ") else {
            continue;
        };
        let conditions: Vec<&str> = conditions.trim_end_matches("] },").split("], ").collect();
        for left_out in &conditions {
            let kept: Vec<String> = conditions
                .iter()
                .filter(|condition| *condition != left_out)
                .map(|condition| format!("{condition}]"))
                .collect();
            let mut lines = lines.clone();
            let line = format!("    {{ {} }},", kept.join(", "));
            lines[at] = &line;
            all.push((format!("{id} {left_out}]"), lines.join("\n")));
        }
    }
    all
}

#[test]
fn no_condition_of_a_rule_is_without_an_example() {
    let stories = all();
    let facts: Vec<_> = stories.iter().map(Story::facts).collect();
    let rules = RuleSet::built_in();
    let mut missing = Vec::new();
    for (left_out, text) in weakened() {
        // Where it does not load any more, the condition is needed for that alone.
        let Ok(weaker) = RuleSet::load(&text) else {
            continue;
        };
        let same = |facts| rules.decide(facts) == weaker.decide(facts);
        if facts.iter().all(same) {
            missing.push(left_out);
        }
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}
