//! The main job with nothing but the program for people, as scripts use it.

use std::path::PathBuf;

use e2e::{Backend, Suite, program};
use serde_json::Value;

struct Shell {
    suite: Suite,
}

impl Shell {
    /// Runs `liaison` as `party`; its exit code and the first object it printed.
    fn run(&self, party: &str, arguments: &[&str]) -> (Option<i32>, Value) {
        let mut command = program::command("liaison");
        command
            .args(arguments)
            .args(["--output", "json", "--as", party]);
        command
            .args(["--officer", "a.first", "--dir"])
            .arg(self.suite.folder());
        let output = command.output().unwrap();
        let printed = if output.status.success() {
            &output.stdout
        } else {
            &output.stderr
        };
        let mut objects = serde_json::Deserializer::from_slice(printed).into_iter();
        let json = objects.next().and_then(Result::ok).unwrap_or_else(|| {
            panic!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr))
        });
        (output.status.code(), json)
    }

    /// The same, for what must succeed.
    fn done(&self, party: &str, arguments: &[&str]) -> Value {
        let (code, json) = self.run(party, arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {json}");
        json
    }
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
        let shell = Shell {
            suite: Suite::up(Backend::Sqlite).await,
        };
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
        let shell = Shell {
            suite: Suite::up(Backend::Sqlite).await,
        };
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

#[test]
fn the_samples_go_where_their_readme_says() {
    e2e::run(async {
        let shell = Shell {
            suite: Suite::up(Backend::Sqlite).await,
        };
        for (name, lead) in [
            ("01-forced-labour", "children-trafficking"),
            ("02-abus-en-ligne", "children-trafficking"),
            ("03-rescate-hospital", "cyber"),
            ("04-phishing-ring", "cyber"),
            ("05-contenedores", "narcotics-organized-crime"),
            ("06-armes-a-feu", "narcotics-organized-crime"),
            ("07-terrorist-financing", "terrorism"),
            ("08-planned-attack", "terrorism"),
            ("09-migrant-smuggling", "children-trafficking"),
            ("11-beliefs", ""),
            ("12-stolen-painting", ""),
        ] {
            let sent = shell.done("bureau/NB-FR", &["submit", "--wait", &sample(name)]);
            let referral = find(&sent, "name").unwrap_or_else(|| panic!("{sent}"));
            let shown = shell.done("bureau/NB-FR", &["referral", "get", referral]);
            assert_eq!(
                find(&shown, "lead_unit").unwrap_or_default(),
                lead,
                "{name}: {shown}"
            );
        }
    });
}
