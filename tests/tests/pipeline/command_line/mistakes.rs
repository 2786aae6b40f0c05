//! What is said against mistakes that need no server to be seen.

use e2e::program;

use super::{object, told};

/// The exit code and what was said against it, for people.
fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let output = program::liaison(arguments);
    assert!(output.stdout.is_empty(), "{arguments:?}");
    (output.status.code(), told(&output))
}

#[test]
fn programs_get_an_object_for_wrong_usage_too() {
    for (arguments, said) in [
        (&["--output", "json"][..], "requires a subcommand"),
        (&["referral", "--output", "json"], "requires a subcommand"),
        (&["--output", "json", "referral"], "a command is missing"),
        (&["referral", "get", "--output", "json"], "<NAME>"),
        (&["pull", "--output=json", "--nonsense"], "--nonsense"),
        (&["pull", "--max", "0", "--output", "json"], "1..=100"),
        (&["pull", "--max", "1000", "--output", "json"], "1..=100"),
        (
            &[
                "assignment",
                "complete",
                "0198",
                "--outcome",
                "NOPE",
                "--output",
                "json",
            ],
            "SEIZURE",
        ),
        (
            &[
                "certs",
                "issue",
                "unit/cyber",
                "--days",
                "0",
                "--output",
                "json",
            ],
            "1..=3650",
        ),
    ] {
        let output = program::liaison(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        let json = object(arguments, &output);
        assert_eq!(json["error"]["reason"], "USAGE", "{arguments:?}: {json}");
        let message = json["error"]["message"].as_str().unwrap();
        assert!(message.contains(said), "{arguments:?}: {message}");
        assert!(!message.contains("Usage:"), "{arguments:?}: {message}");
    }
    let (code, said) = refused(&["referral", "list", "--limit", "0"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("Usage:") || said.contains("--help"), "{said}");
}

#[test]
fn one_party_pulls() {
    let (code, said) = refused(&["pull"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--unit"), "{said}");
    let (code, said) = refused(&["pull", "--unit", "cyber", "--as", "unit/terrorism"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("unit/cyber") && said.contains("unit/terrorism"),
        "{said}"
    );
}

#[test]
fn certificates_that_are_missing_or_there_already_are_named_once() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nope").display().to_string();
    let (code, said) = refused(&["certs", "list", "--dir", &nowhere]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("no folder {nowhere}")), "{said}");
    assert!(said.contains("certs init"), "{said}");

    let path = folder.path().display().to_string();
    let issue = ["certs", "issue", "unit/cyber", "--dir", &path];
    let first = program::liaison(issue);
    assert!(first.status.success(), "{}", told(&first));
    let (code, said) = refused(&issue);
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(said.matches("exists already").count(), 1, "{said}");
    assert!(said.contains("--replace"), "{said}");
}
