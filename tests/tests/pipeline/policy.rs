//! What policy decided, in all four services: kept with what it was made on, and decided again by others.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use e2e::refusal::refused;
use e2e::{Client, Layout, SERVICES, Suite, dossier, program, request_id, unit};
use liaison_policy::rule_set::BUILT_IN;
use liaison_policy::{Effect, Facts, RULE_SET, RuleId, RuleSet};
use liaison_proto::audit::audit_service_client::AuditServiceClient;
use liaison_proto::audit::{AuditEntry, ListAuditEntriesRequest};
use liaison_proto::classification::DecideTriageRequest;
use liaison_proto::common::{DeclineReason, Outcome, Tlp};
use liaison_proto::intake::{
    DecideReviewRequest, IntendedAction, IntendedUse, Purpose, ReviewVerdict, ShareReferralRequest,
};
use liaison_types::Reason;
use serde_json::Value;
use tonic::Code;

/// What policy was asked in the lives below, and the word for what it said.
const DECIDED: [(&str, &str, &str, &str); 15] = [
    (
        "classification",
        "classification.decide_triage",
        "triage",
        "PERMIT",
    ),
    (
        "classification",
        "classification.permit_unit",
        "route",
        "REFUSE",
    ),
    ("intake", "intake.decide_review", "review", "PERMIT"),
    ("intake", "intake.decide_review", "review", "REFUSE"),
    ("intake", "intake.get_dossier", "view-dossier", "PERMIT"),
    ("intake", "intake.get_dossier", "view-dossier", "REFUSE"),
    ("intake", "intake.share_referral", "share", "PERMIT"),
    ("intake", "intake.submit", "submit", "PERMIT"),
    ("intake", "intake.submit", "submit", "REVIEW"),
    (
        "routing",
        "routing.accept_assignment",
        "work-assignment",
        "PERMIT",
    ),
    ("routing", "routing.assign", "route", "PERMIT"),
    ("routing", "routing.assign", "route", "REFUSE"),
    ("routing", "routing.claim_task", "work-assignment", "PERMIT"),
    (
        "routing",
        "routing.complete_assignment",
        "work-assignment",
        "PERMIT",
    ),
    (
        "routing",
        "routing.pull_assignments",
        "work-assignment",
        "PERMIT",
    ),
];

fn wish(referral: &str) -> ShareReferralRequest {
    ShareReferralRequest {
        name: referral.to_owned(),
        recipient: "bureau/NB-DE".to_owned(),
        purpose: Purpose::InvestigationInformation.into(),
        action: IntendedAction::None.into(),
        r#use: IntendedUse::Police.into(),
        reason: "They hold the records.".to_owned(),
        request_id: request_id(),
    }
}

/// Lives in which policy is asked every sort of question; the referral that was worked to its end and
/// passed on.
async fn lives(suite: &Suite) -> String {
    let bureau = suite.client("bureau/NB-FR");
    let (cyber, compliance) = (suite.client("unit/cyber"), suite.client("desk/compliance"));
    // Worked to its end and passed on; a stranger asks for it.
    let mut shareable = dossier::plain();
    if let Some(markings) = &mut shareable.markings {
        markings.tlp = Tlp::Green.into();
    }
    let worked = bureau.submit(shareable).await.unwrap().name;
    let (assignment, token) = unit::pull_one(&cyber).await;
    unit::open(&cyber, &worked).await.unwrap();
    let stranger = suite.client("unit/terrorism");
    refused(
        unit::open(&stranger, &worked).await,
        Code::NotFound,
        Reason::NotFound,
    );
    unit::accept(&cyber, &assignment.name, &token)
        .await
        .unwrap();
    unit::work(&cyber, &assignment.name).await.unwrap();
    unit::complete(&cyber, &assignment.name, Outcome::NoTrace)
        .await
        .unwrap();
    let owner = bureau.officer("b.second");
    owner.intake().share_referral(wish(&worked)).await.unwrap();
    // Declined: the unit is not asked again.
    bureau.submit(dossier::plain()).await.unwrap();
    let (declined, token) = unit::pull_one(&cyber).await;
    unit::decline(&cyber, &declined.name, &token, DeclineReason::NoCapacity)
        .await
        .unwrap();
    // Flagged, and admitted by another officer.
    let flagged = bureau.submit(dossier::flagged()).await.unwrap();
    let admit = DecideReviewRequest {
        name: flagged.name.clone(),
        verdict: ReviewVerdict::Compliant.into(),
        reason: "Nothing speaks against it.".to_owned(),
        ..DecideReviewRequest::default()
    };
    let same = compliance.officer("a.first");
    let again = same.intake().decide_review(admit.clone()).await;
    refused(again, Code::PermissionDenied, Reason::SeparationOfDuties);
    let other = compliance.officer("c.reviewer");
    other.intake().decide_review(admit).await.unwrap();
    // Its unit is excluded, so that people decide.
    let mut excluded = dossier::plain();
    if let Some(markings) = &mut excluded.markings {
        markings.excluded_units = vec!["cyber".to_owned()];
    }
    let excluded = bureau.submit(excluded).await.unwrap().name;
    suite.drained().await;
    let triage = suite.client("desk/triage").officer("t.duty");
    let ruling = DecideTriageRequest {
        name: excluded.replace("referrals/", "triageItems/"),
        lead: "terrorism".to_owned(),
        reason: "The only one that may have it.".to_owned(),
        ..DecideTriageRequest::default()
    };
    triage.classification().decide_triage(ruling).await.unwrap();
    suite.drained().await;
    worked
}

/// Everything in the audit of `service`.
async fn entries(auditor: &Client, service: &str) -> Vec<AuditEntry> {
    let mut audit = AuditServiceClient::new(auditor.channel(service));
    let (mut all, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListAuditEntriesRequest {
            page_size: 1_000,
            page_token,
            ..ListAuditEntriesRequest::default()
        };
        let page = audit
            .list_audit_entries(request)
            .await
            .unwrap()
            .into_inner();
        all.extend(page.entries);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return all;
        }
    }
}

/// Decides again what `entry` keeps, and asserts that it comes out the same; the question that was put.
#[track_caller]
fn decided_again(entry: &AuditEntry) -> Option<&'static str> {
    let facts = Facts::decode(entry.facts.as_deref()?).unwrap();
    let decision = RuleSet::built_in().decide(&facts);
    let rules: Vec<&str> = decision.rules.iter().map(RuleId::as_str).collect();
    assert_eq!(rules, entry.rules, "{entry:?}");
    assert_eq!(entry.rule_set.as_deref(), Some(RULE_SET), "{entry:?}");
    let word = match decision.effect {
        Effect::Allow => "PERMIT",
        Effect::Review => "REVIEW",
        Effect::Deny if decision.missing_consent.is_some() => "ASK",
        Effect::Deny => "REFUSE",
    };
    assert_eq!(entry.decision, word, "{entry:?}");
    Some(facts.asked().as_str())
}

/// The rules of this build under another version, and more of them, in a file.
fn candidate(folder: &Path, more: &str) -> PathBuf {
    let path = folder.join("candidate.toml");
    let text = BUILT_IN.replacen(RULE_SET, "candidate-1", 1);
    std::fs::write(&path, format!("{text}\n{more}")).unwrap();
    path
}

const NOTHING_SHARED: &str = r#"
[[rule]]
id = "candidate.nothing-shared"
questions = ["share"]
effect = "deny"
source = "[D] For a test."
says = "Nothing is passed on."
"#;

/// What may not go to everybody stays with its owner and the desks.
const UNREAD: &str = r#"
[[rule]]
id = "candidate.unread"
questions = ["view-dossier"]
effect = "deny"
when = { actor = "unit", tlp = { at_least = "GREEN" } }
source = "[D] For a test."
says = "What is GREEN or stricter is opened by no unit."
"#;

/// `liaison policy …` on the folder of `suite`: the exit code, and the document.
fn policy(suite: &Suite, arguments: &[&str]) -> (Option<i32>, Value, String) {
    let mut command = program::command("liaison");
    command.arg("policy").args(arguments);
    if arguments[0] == "simulate" {
        command.arg("--dir").arg(suite.folder());
    }
    let output = command.args(["--output", "json"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), json, told)
}

/// What would change, as `service question was → would be: rules`.
fn changes(simulated: &Value) -> Vec<String> {
    let services = simulated["services"].as_array().unwrap().iter();
    let changes = services.flat_map(|of| {
        let changes = of["changes"].as_array().unwrap().iter();
        changes.map(move |change| {
            let word = |key: &str| {
                if change[key] == true {
                    "permitted"
                } else {
                    "refused"
                }
            };
            format!(
                "{} {} {} → {}: {}",
                of["service"].as_str().unwrap(),
                change["question"].as_str().unwrap(),
                word("was_permitted"),
                word("would_be_permitted"),
                change["would_be_rules"]
                    .as_array()
                    .unwrap()
                    .last()
                    .unwrap()
                    .as_str()
                    .unwrap(),
            )
        })
    });
    changes.collect()
}

e2e::both_backends! {
    async fn what_was_decided_is_kept_with_what_it_was_made_on(backend: Backend) {
        let suite = Suite::up(backend).await;
        lives(&suite).await;
        let auditor = suite.client("auditor/court");
        let mut decided = BTreeSet::new();
        for service in SERVICES {
            for entry in entries(&auditor, service).await {
                if let Some(question) = decided_again(&entry) {
                    decided.insert((service, entry.action, question, entry.decision));
                } else {
                    assert_eq!(entry.rule_set, None, "{}", entry.action);
                }
            }
        }
        for (service, action, question, word) in DECIDED {
            let found = (service, action.to_owned(), question, word.to_owned());
            assert!(decided.contains(&found), "{found:?} is not among {decided:#?}");
        }
    }

    async fn a_candidate_changes_exactly_what_it_says(backend: Backend) {
        let suite = Suite::up(backend).await;
        let worked = lives(&suite).await;
        let scratch = tempfile::tempdir().unwrap();
        let built_in = candidate(scratch.path(), "");
        let same = ["simulate", "--rules", built_in.to_str().unwrap()];
        let (code, simulated, told) = policy(&suite, &same);
        assert_eq!((code, simulated["changed"].as_u64()), (Some(0), Some(0)), "{simulated} {told}");
        let examined = simulated["examined"].as_u64().unwrap();
        assert!(examined > 20, "{simulated}");

        // Only what was shared.
        let path = candidate(scratch.path(), NOTHING_SHARED);
        let path = path.to_str().unwrap();
        let (code, simulated, _) = policy(&suite, &["simulate", "--rules", path]);
        assert_eq!((code, &simulated["rule_set"]), (Some(0), &"candidate-1".into()));
        assert_eq!(
            changes(&simulated),
            ["intake share permitted → refused: candidate.nothing-shared"]
        );
        assert_eq!(simulated["services"][0]["changes"][0]["subject"], *worked);
        assert_eq!(simulated["examined"], examined, "nothing was decided by asking");

        // Only what units opened, by whatever pages it is looked at, and by whoever may ask.
        let path = candidate(scratch.path(), UNREAD);
        let path = path.to_str().unwrap();
        for more in [&["--page-size", "3"][..], &["--as", "desk/compliance", "--service", "intake"]] {
            let arguments = [&["simulate", "--rules", path], more].concat();
            let (code, simulated, told) = policy(&suite, &arguments);
            assert_eq!(code, Some(0), "{told}");
            assert_eq!(
                changes(&simulated),
                [
                    "intake view-dossier permitted → refused: candidate.unread",
                    // Refused before, for one reason less.
                    "intake view-dossier refused → refused: candidate.unread",
                ]
            );
        }
        // Before there was anything to decide.
        let early = ["simulate", "--rules", path, "--until", "2026-01-01T00:00:00Z"];
        let (_, simulated, _) = policy(&suite, &early);
        assert_eq!((&simulated["examined"], &simulated["changed"]), (&0.into(), &0.into()));
        let (code, _, told) = policy(&suite, &["simulate", "--rules", path, "--as", "bureau/NB-FR"]);
        assert_eq!(code, Some(1));
        assert!(told.contains("which takes an auditor or the compliance desk"), "{told}");
    }
}

e2e::both_backends! {
    async fn a_rule_set_of_the_sites_own_decides(backend: Backend) {
        let scratch = tempfile::tempdir().unwrap();
        let rules = candidate(scratch.path(), UNREAD);
        let settings = [("POLICY__RULES", rules.to_str().unwrap())];
        let suite = Suite::start(backend, Layout::Together, &settings).await;
        let (bureau, cyber) = (suite.client("bureau/NB-FR"), suite.client("unit/cyber"));
        let referral = bureau.submit(dossier::plain()).await.unwrap().name;
        unit::pull_one(&cyber).await;
        refused(unit::open(&cyber, &referral).await, Code::NotFound, Reason::NotFound);
        unit::open(&bureau, &referral).await.unwrap();
        let auditor = suite.client("auditor/court");
        for service in ["intake", "routing"] {
            for entry in entries(&auditor, service).await {
                assert_eq!(entry.rule_set.is_some(), entry.facts.is_some());
                assert!(entry.rule_set.is_none_or(|version| version == "candidate-1"));
            }
        }
        let refused: Vec<_> = entries(&auditor, "intake")
            .await
            .into_iter()
            .filter(|entry| entry.decision == "REFUSE")
            .map(|entry| (entry.action, entry.rules))
            .collect();
        let rules = vec!["candidate.unread".to_owned()];
        assert_eq!(refused, [("intake.get_dossier".to_owned(), rules)]);
        // To the rules of this build it would have been something else.
        let path = scratch.path().join("built-in.toml");
        std::fs::write(&path, BUILT_IN).unwrap();
        let (_, simulated, _) = policy(&suite, &["simulate", "--rules", path.to_str().unwrap()]);
        assert_eq!(changes(&simulated), ["intake view-dossier refused → permitted: view.grant"]);
        let change = &simulated["services"][0]["changes"][0];
        assert_eq!(change["was_rule_set"], "candidate-1");
    }
}

#[test]
fn people_read_and_check_rules_without_a_suite() {
    let liaison = |arguments: &[&str]| {
        let output = program::liaison([&["policy"], arguments].concat());
        let out = String::from_utf8(output.stdout).unwrap();
        (
            output.status.code(),
            out,
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, all, _) = liaison(&["rules"]);
    assert_eq!(code, Some(0));
    let count = RuleSet::built_in().rules().len();
    assert!(
        all.contains(&format!("{count} rules of {RULE_SET}")),
        "{all}"
    );
    let (code, one, _) = liaison(&["rules", "markings.tlp-red.lead-only"]);
    assert!(
        code == Some(0) && one.contains("effect = \"deny\"") && one.contains("source = "),
        "{one}"
    );
    let (code, _, told) = liaison(&["rules", "no.such-rule"]);
    assert!(
        code == Some(1) && told.contains("liaison policy rules"),
        "{told}"
    );

    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("rules.toml");
    let path = file.to_str().unwrap();
    let (_, text, _) = liaison(&["rules", "--toml"]);
    std::fs::write(&file, &text).unwrap();
    let (code, told, _) = liaison(&["check", path]);
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains(&format!("the rules are those of {RULE_SET}")),
        "{told}"
    );
    std::fs::write(
        &file,
        format!("{}{NOTHING_SHARED}", text.replacen(RULE_SET, "mine-1", 1)),
    )
    .unwrap();
    let (code, told, _) = liaison(&["check", path]);
    assert!(
        code == Some(0) && told.contains("added candidate.nothing-shared"),
        "{told}"
    );

    // Everything that is wrong, at once and in words.
    let wrong = text
        .replacen("effect = \"flag\"", "effect = \"flagg\"", 1)
        .replacen(RULE_SET, "no version", 1);
    std::fs::write(&file, wrong).unwrap();
    for command in [&["check", path][..], &["simulate", "--rules", path]] {
        let (code, told, _) = liaison(command);
        assert_eq!(code, Some(1), "{told}");
        for says in [
            "2 problems",
            "effect \"flagg\" is unknown",
            "version \"no version\" is not valid",
        ] {
            assert!(told.contains(says), "{command:?}: {told}");
        }
    }
    let (code, _, told) = liaison(&["check", "no-such-file.toml"]);
    assert!(
        code == Some(1) && told.contains("no-such-file.toml cannot be read"),
        "{told}"
    );
}
