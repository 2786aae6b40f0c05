//! Rule sets are tried and chosen while the services run, and what was decided before can be made again.

use std::fs;
use std::path::Path;
use std::process::Output;

use e2e::{Client, Layout, PATIENCE, Suite, dossier, eventually, program};
use liaison_proto::classification::{
    Decision, ListDecisionsRequest, Recomputation, RecomputeDecisionRequest,
};
use serde_json::Value;

/// `liaison-classification rule-sets` on the suite's database.
fn rule_sets(suite: &Suite, arguments: &[&str]) -> Output {
    let mut command = program::command("liaison-classification");
    command
        .args(["rule-sets", "--output", "json"])
        .args(arguments)
        .env(
            "LIAISON__DATABASE__URL",
            suite.databases().url("classification"),
        );
    tokio::task::block_in_place(|| command.output()).unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What it said, one object a line.
fn said(suite: &Suite, arguments: &[&str]) -> Vec<Value> {
    let output = rule_sets(suite, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", told(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn change(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from} in {}", file.display());
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

/// A referral for acts against computer systems, once it was decided.
async fn decided(suite: &Suite, desk: &Client) -> Decision {
    let bureau = suite.client("bureau/NB-FR");
    let referral = bureau
        .submit(dossier::coded("0903", &[]))
        .await
        .unwrap()
        .name;
    let request = ListDecisionsRequest { referral };
    eventually(PATIENCE, || async {
        let all = desk.classification().list_decisions(request.clone()).await;
        all.ok()?.into_inner().decisions.pop()
    })
    .await
}

async fn again(desk: &Client, decision: &Decision) -> Recomputation {
    let request = RecomputeDecisionRequest {
        name: decision.name.clone(),
    };
    let answer = desk.classification().recompute_decision(request).await;
    answer.unwrap().into_inner().result()
}

e2e::both_backends! {
    async fn another_rule_set_is_tried_chosen_and_taken_back(backend: Backend) {
        let suite = Suite::start(backend, Layout::Apart, &[]).await;
        let desk = suite.client("desk/triage").officer("t.duty");
        let first = decided(&suite, &desk).await;
        assert_eq!(first.lead, "cyber");

        // What there is says how good it was found to be, to people too.
        let shown = &said(&suite, &["show", &first.rule_set])[0];
        let figures = shown["figures"].as_str().unwrap();
        assert!(figures.contains(&format!("version = \"{}\"", first.rule_set)) && figures.contains("macro_f1 = 0.9"));
        assert_eq!((&shown["model"], &shown["state"]), (&Value::from(first.model.clone()), &"ACTIVE".into()));
        let mut command = program::command("liaison-classification");
        command.args(["rule-sets", "show", &first.rule_set]);
        command.env("LIAISON__DATABASE__URL", suite.databases().url("classification"));
        let output = tokio::task::block_in_place(|| command.output()).unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("macro_f1 = 0.9") && text.contains("phrases"), "{text}");

        // What is there, as a folder; changed under the same version it is refused.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules");
        let shown = path.to_str().unwrap();
        said(&suite, &["export", &first.rule_set, shown]);
        let row = "prefix = \"0903\"\ntitle = \"Acts against computer systems\"\nunit = \"cyber\"\ndesk = \"threat-response\"";
        change(&path.join("codes.toml"), row, "prefix = \"0903\"\ntitle = \"x\"\nunit = \"terrorism\"");
        let refused = rule_sets(&suite, &["add", shown, "--operator", "ann"]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(told(&refused).contains("needs a new version"), "{}", told(&refused));
        let version = format!("version = \"{}\"", first.rule_set);
        change(&path.join("rule_set.toml"), &version, "version = \"candidate\"");
        assert_eq!(said(&suite, &["check", shown])[0]["version"], "candidate");
        said(&suite, &["add", shown, "--operator", "ann"]);

        // Beside the active one: what it would do otherwise is listed, and nothing else comes of it.
        said(&suite, &["shadow", "candidate", "--operator", "ann"]);
        let compared = eventually(PATIENCE, || async {
            let decision = decided(&suite, &desk).await;
            assert_eq!(decision.lead, "cyber");
            let found = said(&suite, &["differences"]);
            found.into_iter().find(|one| one["decision"] == *decision.name)
        })
        .await;
        assert_eq!(compared["active"]["lead"], "cyber");
        assert_eq!(compared["shadow"]["lead"], "terrorism");

        // In its place, without a restart.
        said(&suite, &["activate", "candidate", "--operator", "ann", "--reason", "as tried"]);
        let second = eventually(PATIENCE, || async {
            let decision = decided(&suite, &desk).await;
            (decision.rule_set == "candidate").then_some(decision)
        })
        .await;
        assert_eq!(second.lead, "terrorism");
        for decision in [&first, &second] {
            assert_eq!(again(&desk, decision).await, Recomputation::Same);
        }
        let recompute = ["triage", "recompute", &first.referral, "--output", "json", "--dir"];
        let mut command = program::command("liaison");
        command.args(recompute).arg(suite.folder());
        command.env("LIAISON__CLASSIFICATION", suite.addresses().of("classification").to_string());
        let output = tokio::task::block_in_place(|| command.output()).unwrap();
        assert!(output.status.success(), "{}", told(&output));
        let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(printed["decisions"][0]["result"], "RECOMPUTATION_SAME");

        // And back.
        said(&suite, &["roll-back", "--operator", "ann", "--reason", "a mistake"]);
        eventually(PATIENCE, || async {
            let decision = decided(&suite, &desk).await;
            (decision.rule_set == first.rule_set).then_some(())
        })
        .await;
        let all = said(&suite, &["list"]);
        let state = |version: &str| {
            let set = all.iter().find(|set| set["version"] == version);
            set.unwrap()["state"].clone()
        };
        assert_eq!((state("candidate"), state(&first.rule_set)), ("RETIRED".into(), "ACTIVE".into()));
        assert_eq!(again(&desk, &second).await, Recomputation::Same);
    }
}
