//! The program for people, as people and scripts use it: the main job with nothing else, and each
//! command by itself.

mod classify;
mod demo;
mod desks_and_units;
mod folder;
mod help;
mod mistakes;
mod review_desk;

use std::path::PathBuf;
use std::process::{Command, Output};

use e2e::{Backend, Suite, program};
use serde_json::Value;

struct Shell {
    suite: Suite,
}

impl Shell {
    async fn new() -> Self {
        Self {
            suite: Suite::up(Backend::Sqlite).await,
        }
    }

    /// `liaison` in the suite's folder.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program::command("liaison");
        command
            .args(arguments)
            .arg("--dir")
            .arg(self.suite.folder());
        command
    }

    /// Runs `liaison` as `party`; its exit code and the first object it printed.
    fn run(&self, party: &str, arguments: &[&str]) -> (Option<i32>, Value) {
        let mut command = self.command(arguments);
        command.args(["--output", "json", "--as", party, "--officer", "a.first"]);
        let output = command.output().unwrap();
        (output.status.code(), object(arguments, &output))
    }

    /// The same, for what must succeed.
    fn done(&self, party: &str, arguments: &[&str]) -> Value {
        let (code, json) = self.run(party, arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {json}");
        json
    }

    /// What people see where it succeeds.
    fn text(&self, party: &str, arguments: &[&str]) -> String {
        let mut command = self.command(arguments);
        command.args(["--as", party, "--officer", "a.first"]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", told(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What is said against wrong usage, which is exit code 2 and an object for programs too.
    fn wrong(&self, party: &str, arguments: &[&str]) -> String {
        let (code, json) = self.run(party, arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {json}");
        assert_eq!(json["error"]["reason"], "USAGE", "{arguments:?}: {json}");
        json["error"]["message"].as_str().unwrap().to_owned()
    }
}

/// The first object that was printed: on standard error where it failed.
fn object(arguments: &[&str], output: &Output) -> Value {
    let printed = if output.status.success() {
        &output.stdout
    } else {
        &output.stderr
    };
    let mut objects = serde_json::Deserializer::from_slice(printed).into_iter();
    objects
        .next()
        .and_then(Result::ok)
        .unwrap_or_else(|| panic!("{arguments:?}: {}", told(output)))
}

/// What was written to standard error.
fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn sample(name: &str) -> String {
    let path: PathBuf = program::repository()
        .join("tests/samples")
        .join(format!("{name}.yaml"));
    path.to_str().unwrap().to_owned()
}

/// The first text under any key `key`, wherever it stands.
fn find<'a>(json: &'a Value, key: &str) -> Option<&'a str> {
    match json {
        Value::Object(fields) => fields
            .get(key)
            .and_then(Value::as_str)
            .or_else(|| fields.values().find_map(|value| find(value, key))),
        Value::Array(items) => items.iter().find_map(|item| find(item, key)),
        _ => None,
    }
}

#[test]
fn a_referral_is_worked_from_the_shell() {
    e2e::run(async {
        let shell = Shell::new().await;
        let sent = shell.done(
            "bureau/NB-GB",
            &["submit", "--wait", &sample("04-phishing-ring")],
        );
        let referral = find(&sent, "name")
            .unwrap_or_else(|| panic!("{sent}"))
            .to_owned();
        let shown = shell.done("bureau/NB-GB", &["referral", "get", &referral]);
        assert_eq!(find(&shown, "name"), Some(referral.as_str()), "{shown}");

        let pulled = shell.done("unit/cyber", &["pull", "--wait", "30"]);
        let assignment = find(&pulled, "name")
            .unwrap_or_else(|| panic!("{pulled}"))
            .to_owned();
        let token = find(&pulled, "lease_token").unwrap().to_owned();
        shell.done("unit/cyber", &["referral", "dossier", &referral]);
        shell.done(
            "unit/cyber",
            &["assignment", "accept", &assignment, "--lease-token", &token],
        );
        let task = shell.done(
            "unit/cyber",
            &["task", "create", &assignment, "--title", "Look it up"],
        );
        let task = find(&task, "name").unwrap().to_owned();
        shell.done("unit/cyber", &["task", "claim", &task]);
        shell.done(
            "unit/cyber",
            &["task", "complete", &task, "--result", "Found."],
        );
        shell.done(
            "unit/cyber",
            &[
                "assignment",
                "complete",
                &assignment,
                "--outcome",
                "SUSPECT_IDENTIFIED",
            ],
        );
        shell.suite.drained().await;

        let shown = shell.done("bureau/NB-GB", &["referral", "get", &referral]);
        assert_eq!(
            find(&shown, "state"),
            Some("REFERRAL_STATE_COMPLETED"),
            "{shown}"
        );
        let history = shell
            .done("bureau/NB-GB", &["referral", "history", &referral])
            .to_string();
        for step in [
            "SUBMITTED",
            "ADMITTED",
            "ROUTED",
            "ACCEPTED",
            "WORK_STARTED",
            "COMPLETED",
        ] {
            assert!(
                history.contains(&format!("REFERRAL_STEP_{step}")),
                "{step} in {history}"
            );
        }
    });
}

#[test]
fn failures_have_their_exit_code_and_their_reason() {
    e2e::run(async {
        let shell = Shell::new().await;
        let (code, told) = shell.run("bureau/NB-GB", &["submit", &sample("10-incomplete")]);
        assert_eq!(code, Some(1), "{told}");
        assert_eq!(find(&told, "reason"), Some("INVALID_ARGUMENT"), "{told}");
        assert!(
            told.to_string().contains("dossier.bureau_reference"),
            "{told}"
        );
        let nobodys = "referrals/0198c0de-0000-7000-8000-000000000001";
        let (code, told) = shell.run("bureau/NB-GB", &["referral", "get", nobodys]);
        assert_eq!(
            (code, find(&told, "reason")),
            (Some(1), Some("NOT_FOUND")),
            "{told}"
        );
        let output = program::liaison(["referral", "get"]);
        assert_eq!(output.status.code(), Some(2));
        let output = program::liaison(["--help"]);
        assert!(output.status.success() && !output.stdout.is_empty());
    });
}

/// Where each sample goes: its state, who leads, who supports, and how urgent it is. `None` for the one
/// that is not taken.
type Way = Option<(
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static str,
)>;

const WAYS: [(&str, Way); 12] = [
    ("01-forced-labour", routed("children-trafficking")),
    (
        "02-abus-en-ligne",
        Some(("ROUTED", "children-trafficking", &["cyber"], "ROUTINE")),
    ),
    ("03-rescate-hospital", routed("cyber")),
    ("04-phishing-ring", routed("cyber")),
    ("05-contenedores", routed("narcotics-organized-crime")),
    ("06-armes-a-feu", routed("narcotics-organized-crime")),
    ("07-terrorist-financing", routed("terrorism")),
    (
        "08-planned-attack",
        Some(("ROUTED", "terrorism", &[], "URGENT")),
    ),
    ("09-migrant-smuggling", routed("children-trafficking")),
    ("10-incomplete", None),
    ("11-beliefs", Some(("UNDER_REVIEW", "", &[], "ROUTINE"))),
    ("12-stolen-painting", Some(("ADMITTED", "", &[], "ROUTINE"))),
];

const fn routed(lead: &'static str) -> Way {
    Some(("ROUTED", lead, &[], "ROUTINE"))
}

#[test]
fn the_samples_go_where_their_readme_says() {
    let folder = program::repository().join("tests/samples");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned))
        .collect();
    files.sort_unstable();
    assert_eq!(files, WAYS.map(|(name, _)| name));
    e2e::run(async {
        let shell = Shell::new().await;
        for (name, way) in WAYS {
            let (code, sent) = shell.run("bureau/NB-FR", &["submit", "--wait", &sample(name)]);
            let Some((state, lead, supporting, urgency)) = way else {
                let reason = find(&sent, "reason");
                assert_eq!(
                    (code, reason),
                    (Some(1), Some("INVALID_ARGUMENT")),
                    "{sent}"
                );
                continue;
            };
            assert_eq!(code, Some(0), "{name}: {sent}");
            // The supporting shares may be a moment behind the lead.
            shell.suite.drained().await;
            let referral = find(&sent, "name").unwrap_or_else(|| panic!("{sent}"));
            let shown = shell.done("bureau/NB-FR", &["referral", "get", referral]);
            let told = |key: &str| shown[key].as_str().unwrap_or_default();
            let units = shown["supporting_units"].as_array();
            let units = units.map_or(&[][..], Vec::as_slice);
            assert_eq!(
                (told("state"), told("lead_unit"), units, told("urgency")),
                (
                    &*format!("REFERRAL_STATE_{state}"),
                    lead,
                    &*supporting
                        .iter()
                        .map(|unit| Value::from(*unit))
                        .collect::<Vec<_>>(),
                    &*format!("URGENCY_{urgency}"),
                ),
                "{name}: {shown}"
            );
        }
    });
}
