//! `liaison demo`, as a program reads it.

use std::fs;
use std::path::Path;

use e2e::program;
use serde_json::Value;

use super::told;

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
    let kept = objects.last().unwrap()["kept"].as_str().unwrap();
    assert!(Path::new(kept).starts_with(folder.path()), "{kept}");
    assert!(Path::new(kept).join("addresses.toml").is_file(), "{kept}");
}
