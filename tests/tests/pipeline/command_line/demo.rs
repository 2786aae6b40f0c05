//! `liaison demo`, as a program reads it.

use std::fs;
use std::path::Path;

use e2e::program;
use serde_json::Value;

use super::told;

/// Checks that something in `language` was decided by what its text says, with the words of the dossier.
fn reasons_in(language: &str, objects: &[Value]) {
    let decisions: Vec<&Value> = objects
        .iter()
        .map(|object| &object["decision"])
        .filter(|decision| decision["language"] == format!("LANGUAGE_{language}"))
        .collect();
    let reasons = |decision: &Value| decision["reasons"].as_array().cloned().unwrap_or_default();
    let by_text = decisions.iter().find(|decision| {
        let decided = |reason: &Value| reason["rule"] == "text.sure";
        reasons(decision).iter().any(decided)
    });
    let decision = by_text.unwrap_or_else(|| panic!("{language}: {decisions:?}"));
    assert_eq!(decision["outcome"], "DECISION_OUTCOME_ROUTE", "{decision}");
    let narratives: Vec<String> = fs::read_dir(program::repository().join("tests/samples"))
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        // Lines are folded there.
        .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let speaks = |reason: &&Value| {
        let concept = reason["rule"].as_str().unwrap().starts_with("concept.");
        let weighs = reason["weight"].as_f64().is_some_and(|weight| weight > 0.2);
        concept && weighs && reason["unit"] == decision["lead"]
    };
    let all = reasons(decision);
    let concepts: Vec<&Value> = all.iter().filter(speaks).collect();
    assert!(!concepts.is_empty(), "{decision}");
    for concept in concepts
        .iter()
        .filter(|concept| concept["end"] != concept["start"])
    {
        let words = concept["words"]
            .as_str()
            .unwrap_or_else(|| panic!("{concept}"));
        assert!(
            narratives.iter().any(|narrative| narrative.contains(words)),
            "{concept}"
        );
    }
    assert!(
        concepts.iter().any(|concept| concept["words"].is_string()),
        "{decision}"
    );
}

/// As people read it: each way in one line with the words of its text, in whatever language.
#[test]
fn the_demo_shows_the_words_behind_each_decision() {
    let output = program::command("liaison").arg("demo").output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let shown: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("in the text:"))
        .collect();
    for words in ["phishing", "armes à feu", "cocaína", "المهاجرين"] {
        assert!(
            shown.iter().any(|line| line.contains(words)),
            "{words} in\n{text}"
        );
    }
}

#[test]
fn the_demo_says_all_in_objects_and_vouches_for_the_custody() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program::command("liaison");
    command.args(["demo", "--keep", "--output", "json"]);
    let output = command.env("TMPDIR", folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let objects: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    let samples = fs::read_dir(program::repository().join("tests/samples")).unwrap();
    let samples = samples
        .filter(|entry| entry.as_ref().unwrap().path().extension().unwrap() == "yaml")
        .count();
    let held = objects.iter().filter(|object| object["custody"] == true);
    let sent_back = objects.iter().filter(|object| object["error"].is_object());
    assert_eq!(
        (held.count(), sent_back.count()),
        (samples - 1, 1),
        "{text}"
    );
    for language in ["EN", "FR", "ES", "AR"] {
        reasons_in(language, &objects);
    }
    let kept = objects.last().unwrap()["kept"].as_str().unwrap();
    assert!(Path::new(kept).starts_with(folder.path()), "{kept}");
    assert!(Path::new(kept).join("addresses.toml").is_file(), "{kept}");
}
