//! The duty desk's commands on what was decided: shown, corrected, exported and counted.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use e2e::unit;
use liaison_proto::common::{Outcome, ReferralState};
use serde_json::{Value, json};

use super::{Shell, find, sample, told};

const DESK: &str = "desk/triage";

/// A referral that the machine gave to cyber and the desk to terrorism.
fn corrected(shell: &Shell) -> String {
    let submit = ["submit", "--wait", &sample("04-phishing-ring")];
    let sent = shell.done("bureau/NB-IE", &submit);
    let referral = find(&sent, "name").unwrap().to_owned();
    let shown = shell.done(DESK, &["triage", "show", &referral]);
    assert_eq!(shown["decisions"][0]["lead"], "cyber", "{shown}");
    let decision = find(&shown["decisions"], "name").unwrap();
    let mut correct = vec!["triage", "correct", decision, "--lead", "terrorism"];
    shell.wrong(DESK, &correct);
    correct.extend(["--reason", "The money went to a cell."]);
    let said = shell.text(DESK, &correct);
    assert!(
        said.contains(&referral) && said.contains("goes to terrorism"),
        "{said}"
    );
    // Repeated, it is the same decision.
    let again = shell.done(DESK, &correct);
    let latest = shell.done(DESK, &["triage", "show", &referral]);
    assert_eq!(again["name"], latest["decisions"][0]["name"]);
    let (code, refusal) = shell.run(
        DESK,
        &[
            "triage", "correct", decision, "--lead", "cyber", "--reason", "No.",
        ],
    );
    assert_eq!(
        (code, find(&refusal, "reason")),
        (Some(1), Some("STALE_ETAG"))
    );
    referral
}

/// The desk finds that `referral` is nobody's business, and the bureau reads why.
fn refused_by_the_desk(shell: &Shell, referral: &str) {
    let shown = shell.done(DESK, &["triage", "show", referral]);
    let decision = find(&shown["decisions"], "name").unwrap();
    let lead = ["--lead", "none", "--reason", "A student's exercise."];
    let mut correct = vec!["triage", "correct", decision];
    correct.extend(lead);
    let said = shell.wrong(DESK, &correct);
    assert!(said.contains("--ground <GROUND>"), "{said}");
    let mut other = correct.clone();
    other.extend(["--ground", "article_3"]);
    let said = shell.wrong(DESK, &other);
    assert!(said.contains("NOT_AN_OFFENCE"), "{said}");
    correct.extend(["--ground", "not_an_offence"]);
    let said = shell.text(DESK, &correct);
    let ending = "is refused, and its owner is told why: not an offence";
    assert!(said.contains(referral) && said.contains(ending), "{said}");
    let shown = shell.text(DESK, &["triage", "show", referral]);
    for part in ["3. refuse none", "not an offence", "A student's exercise."] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
}

/// `triage export` into `file`: what is said.
fn export(shell: &Shell, file: &Path, more: &[&str]) -> String {
    let mut command = shell.command(&["triage", "export"]);
    command.args(more).arg("--output").arg(file);
    command.args(["--as", DESK, "--officer", "a.first"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    assert!(output.stdout.is_empty(), "standard output may be the file");
    told(&output)
}

/// The lines of `file`, which only its owner may read.
fn lines(file: &Path) -> Vec<Value> {
    let mode = fs::metadata(file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = fs::read_to_string(file).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn the_duty_desk_looks_back_and_the_machine_learns() {
    e2e::run(async {
        let shell = Shell::new().await;
        let (kept, purged) = (corrected(&shell), corrected(&shell));
        let shown = shell.text(DESK, &["triage", "show", &kept]);
        for part in [
            "It never was at the desk.",
            "2. route terrorism",
            "1. route cyber",
            "The money went to a cell.",
        ] {
            assert!(shown.contains(part), "{part} in\n{shown}");
        }
        assert!(!shown.contains("panel"), "no word of the dossier:\n{shown}");
        let words = shell.text(DESK, &["triage", "show", &kept, "--words"]);
        assert!(words.contains('“') && !shown.contains('“'), "{words}");

        // One is worked to its end, and what it holds is destroyed.
        let (bureau, terrorism) = (
            shell.suite.client("bureau/NB-IE"),
            shell.suite.client("unit/terrorism"),
        );
        for _ in 0..2 {
            let (share, token) = unit::pull_one(&terrorism).await;
            if share.referral == purged {
                unit::accept(&terrorism, &share.name, &token).await.unwrap();
                unit::complete(&terrorism, &share.name, Outcome::NoTrace)
                    .await
                    .unwrap();
            }
        }
        bureau.reaches(&purged, ReferralState::Completed).await;
        let mut purge = shell.command(&["referral", "purge", &purged, "--yes"]);
        purge.args(["--as", "bureau/NB-IE", "--officer", "b.second"]);
        let output = purge.output().unwrap();
        assert!(output.status.success(), "{}", told(&output));

        let file = shell.suite.folder().join("labels.jsonl");
        let said = shell.wrong(DESK, &["triage", "export"]);
        assert!(said.contains("--output labels.jsonl"), "{said}");
        let said = export(&shell, &file, &[]);
        assert!(
            said.starts_with("2 labels in ") && said.lines().count() == 1,
            "{said}"
        );
        let written = lines(&file);
        assert_eq!(written.len(), 2);
        for line in &written {
            assert_eq!(
                (&line["labels"], &line["lang"]),
                (&json!(["terrorism"]), &json!("en"))
            );
            assert_eq!(line["machine"]["lead"], "cyber");
            assert!(
                !line["machine"]["concepts"].as_array().unwrap().is_empty(),
                "{line}"
            );
            assert_eq!((line.get("text"), line.get("title")), (None, None));
        }
        let said = export(&shell, &file, &["--with-texts"]);
        assert!(said.starts_with("1 labels in "), "{said}");
        assert!(
            said.contains("1 left out") && said.contains("1 CONTENT_PURGED"),
            "{said}"
        );
        let written = lines(&file);
        let [line] = &written[..] else {
            panic!("one line: {written:?}");
        };
        assert_eq!(line["id"], kept);
        assert!(
            line["text"]
                .as_str()
                .unwrap()
                .starts_with("Between October 2025"),
            "{line}"
        );
        // The desk's reading is a step that the bureau sees.
        let history = shell.text("bureau/NB-IE", &["referral", "history", &kept]);
        assert!(
            history.contains("dossier opened") && history.contains(DESK),
            "{history}"
        );
        assert_eq!(
            export(&shell, &file, &["--cause", "ruling"])
                .split(' ')
                .next(),
            Some("0")
        );
        assert_eq!(lines(&file).len(), 0);
        let said = shell.wrong(DESK, &["triage", "export", "--cause", "reassigned"]);
        assert!(said.contains("WRONG_UNIT"), "{said}");

        let drift = ["triage", "drift", "--weeks", "2"];
        let figures = shell.done(DESK, &drift);
        let week = &figures["figures"][0];
        assert_eq!(
            (&week["decisions"], &week["changed"]),
            (&json!(2), &json!(2)),
            "{figures}"
        );
        let told = shell.text(DESK, &drift);
        assert!(told.contains(week["week"].as_str().unwrap()), "{told}");
        assert!(
            told.contains("2 (100.0 %)") && told.contains("cyber 2"),
            "{told}"
        );
        let (code, refusal) = shell.run("desk/compliance", &drift);
        assert_eq!(
            (code, find(&refusal, "reason")),
            (Some(1), Some("CALLER_NOT_ALLOWED"))
        );
        refused_by_the_desk(&shell, &kept);
        shell.wrong(DESK, &["triage", "drift", "--weeks", "0"]);
        shell.wrong(DESK, &["triage", "show"]);
    });
}
