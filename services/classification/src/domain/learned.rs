//! What was learned, held to: own hard cases, and what training said of some texts.

use std::collections::BTreeMap;

use liaison_types::UnitCode;
use serde::Deserialize;

use super::fixtures::text;
use super::*;

#[derive(Deserialize)]
struct Hard {
    id: String,
    text: String,
    lead: String,
    supporting: Vec<String>,
    set: String,
}

const HARD: [(&str, &str); 4] = [
    ("ar", include_str!("../../tests/data/hard-ar.jsonl")),
    ("en", include_str!("../../tests/data/hard-en.jsonl")),
    ("es", include_str!("../../tests/data/hard-es.jsonl")),
    ("fr", include_str!("../../tests/data/hard-fr.jsonl")),
];

/// Counts of one half of the hard cases in one language.
#[derive(Debug, Default)]
struct Tally {
    all: u32,
    proposed: u32,
    routed: u32,
    wrongly: Vec<String>,
}

fn tally(cases: &str, half: &str) -> Tally {
    let mut tally = Tally::default();
    for line in cases.lines() {
        let case: Hard = serde_json::from_str(line).unwrap();
        if case.set != half {
            continue;
        }
        let decision = text(&case.text);
        let lead = decision.lead.as_ref().map_or("none", |unit| unit.as_str());
        let right = lead == case.lead || case.supporting.iter().any(|unit| unit == lead);
        tally.all += 1;
        tally.proposed += u32::from(right);
        if decision.outcome == Outcome::Route {
            tally.routed += 1;
            if !right {
                tally.wrongly.push(format!("{} to {lead}", case.id));
            }
        }
    }
    tally
}

/// The half that the lexicon was written with sight of, and that was learned from: hardly one may be lost.
#[test]
fn hard_cases_that_were_learned_from_stay_right() {
    for (language, cases) in HARD {
        let tally = tally(cases, "open");
        assert!(tally.all >= 80, "{language}: {tally:?}");
        assert!(tally.wrongly.is_empty(), "{language}: {tally:?}");
        assert!(
            tally.proposed * 100 >= tally.all * 97,
            "{language}: {tally:?}"
        );
        assert!(
            tally.routed * 100 >= tally.all * 65,
            "{language}: {tally:?}"
        );
    }
}

/// The half that nobody looks at. It is scored once for each rule set: of 2026.11.3 0.81 of the proposals were right and
/// 0.955 of what was routed, of 2026.11.4 0.847 and 0.953, of 2026.11.5 0.858 and 0.966, of 2026.11.6 0.884 and 0.972, of
/// 2026.11.7 0.895 (Arabic 0.90, English 0.90, Spanish 0.84, French 0.94) and 0.976. These are floors somewhat below, so that a change that loses cases of a kind
/// nobody wrote for is seen.
#[test]
fn hard_cases_that_were_kept_aside_are_mostly_understood() {
    for (language, cases) in HARD {
        let tally = tally(cases, "kept");
        assert!(tally.all >= 80, "{language}: {tally:?}");
        assert!(
            tally.proposed * 100 >= tally.all * 76,
            "{language}: {tally:?}"
        );
        assert!(
            tally.wrongly.len() * 100 <= tally.routed as usize * 8,
            "{language}: {tally:?}"
        );
    }
}

/// Children first: what people wrote down as abuse of children may have cyber supporting, and never leading. Not even as a
/// proposal, and not in the half that nobody looks at.
#[test]
fn hard_cases_of_children_are_never_led_by_cyber() {
    let mut online = 0;
    for (_, cases) in HARD {
        for line in cases.lines() {
            let case: Hard = serde_json::from_str(line).unwrap();
            if case.lead == "children-trafficking" {
                let decision = text(&case.text);
                let lead = decision.lead.as_ref().map(UnitCode::as_str);
                assert_ne!(lead, Some("cyber"), "{}", case.id);
                online += usize::from(!case.supporting.is_empty());
            }
        }
    }
    assert!(online >= 20, "only {online}");
}

/// What is told of how good it is was measured with it.
#[test]
fn figures_and_report_are_of_this_rule_set() {
    let rules = RuleSet::embedded().unwrap();
    let (version, concepts) = (rules.version(), rules.concepts().len());
    let report = include_str!("../../../../tests/eval/report.md");
    for (told, of) in [
        (
            include_str!("../../data/report.toml"),
            format!("version = \"{version}\"\n"),
        ),
        (
            include_str!("../../data/README.md"),
            format!("(rule set {version},"),
        ),
        (report, format!("Rule set {version},\n{concepts} concepts.")),
    ] {
        assert!(told.contains(&of), "{of} is not what it is of");
    }
}

#[derive(Deserialize)]
struct Parity {
    id: String,
    text: String,
    probabilities: BTreeMap<String, f64>,
}

/// Training computed these probabilities in Python, from the words and concepts that this program found.
#[test]
fn the_program_says_what_training_said() {
    let mut compared = 0;
    for line in include_str!("../../tests/data/parity.jsonl").lines() {
        let case: Parity = serde_json::from_str(line).unwrap();
        let decision = text(&case.text);
        let ours = decision
            .probabilities
            .iter()
            .map(|answer| (answer.unit.as_str(), answer.probability))
            .chain([("none", decision.none_probability)]);
        for (answer, probability) in ours {
            let theirs = case.probabilities[answer];
            let apart = (probability.as_f64() - theirs).abs();
            assert!(
                apart < 0.001,
                "{} {answer}: {probability} and not {theirs}",
                case.id
            );
            compared += 1;
        }
    }
    assert!(compared >= 200, "only {compared}");
}
