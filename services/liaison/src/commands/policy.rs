//! `liaison policy …`: what the rules say, and what others would have decided.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use liaison_policy::load::MAX_BYTES;
use liaison_policy::rule_set::{BUILT_IN, Rule};
use liaison_policy::{RuleSet, RuleSetError};
use liaison_proto::audit::{DecisionChange, SimulatePolicyRequest};
use liaison_types::{Party, Timestamp};
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::cli::{Output, PolicyCheckArgs, PolicyCommand, PolicyRulesArgs, PolicySimulateArgs};
use crate::connection::Connection;
use crate::failure::{Failure, Outcome};
use crate::output::{BAD, CARE, FAINT, GOOD, STRONG, document, instant, line, styled, table};
use crate::proto_json::to_json;
use crate::suite::SERVICES;

/// The party of the first `up`, where none is named.
const AUDITOR: &str = "auditor/local";

/// Runs the command.
///
/// # Errors
/// What keeps it from being done, and a rule set that is none.
pub async fn run(output: &Output, command: &PolicyCommand) -> Outcome {
    match command {
        PolicyCommand::Rules(args) => rules(output, args),
        PolicyCommand::Check(args) => check(output, args),
        PolicyCommand::Explain(args) => super::explain::run(output, args).await,
        PolicyCommand::Simulate(args) => simulate(output, args).await,
    }
}

fn rules(output: &Output, args: &PolicyRulesArgs) -> Outcome {
    let set = RuleSet::built_in();
    if args.toml {
        return Ok(line(BUILT_IN.trim_end())?);
    }
    if let Some(id) = &args.id {
        let rule = set.rule(id).ok_or_else(|| {
            Failure::Local(format!(
                "{} has no rule {id}; list them with: liaison policy rules",
                set.version()
            ))
        })?;
        return Ok(document(output, &shown(rule), || {
            rule.to_string().trim_end().to_owned()
        })?);
    }
    let json: Vec<Value> = set.rules().iter().map(shown).collect();
    document(
        output,
        &json!({ "rule_set": set.version(), "rules": json }),
        || {
            let headers = ["rule", "effect", "questions", "says", "source"];
            let rows = set.rules().iter().map(row).collect();
            format!(
                "{}\n{} rules of {}",
                table(&headers, rows),
                set.rules().len(),
                styled(STRONG, set.version())
            )
        },
    )?;
    Ok(())
}

fn questions(rule: &Rule) -> Vec<&'static str> {
    let questions = rule.questions().iter();
    questions.map(|question| question.as_str()).collect()
}

fn shown(rule: &Rule) -> Value {
    json!({
        "id": rule.id().as_str(),
        "effect": rule.effect().as_str(),
        "questions": questions(rule),
        "says": rule.says(),
        "source": rule.source(),
        "toml": rule.to_string(),
    })
}

fn row(rule: &Rule) -> Vec<String> {
    vec![
        rule.id().to_string(),
        rule.effect().to_string(),
        questions(rule).join(", "),
        rule.says().to_owned(),
        rule.source().to_owned(),
    ]
}

/// The text in `path`.
fn text_of(path: &Path) -> Result<String, Failure> {
    // No more than tells that it is too long.
    let most = MAX_BYTES as u64 + 1;
    let mut text = String::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(most).read_to_string(&mut text)
    } else {
        File::open(path).and_then(|file| file.take(most).read_to_string(&mut text))
    };
    read.map_err(|error| Failure::Local(format!("{} cannot be read: {error}", path.display())))?;
    Ok(text)
}

/// Tells everything that is wrong with a rule set.
fn told(output: &Output, path: &Path, error: &RuleSetError) -> Failure {
    let problems: Vec<Value> = error
        .problems
        .iter()
        .map(|problem| json!({ "rule": problem.rule, "says": problem.says }))
        .collect();
    let printed = document(
        output,
        &json!({ "valid": false, "problems": problems }),
        || {
            let count = error.problems.len();
            let head = format!("{} is no rule set; {count} problems:", path.display());
            let lines = error.problems.iter().map(|problem| format!("  {problem}"));
            let lines: Vec<String> = lines.collect();
            format!("{}\n{}", styled(BAD, &head), lines.join("\n"))
        },
    );
    printed.map_or_else(Failure::from, |()| Failure::Told)
}

/// How one rule set differs from another, by the ids of rules.
struct Changed<'a> {
    added: Vec<&'a str>,
    changed: Vec<&'a str>,
    removed: Vec<&'a str>,
}

impl<'a> Changed<'a> {
    fn between(old: &'a RuleSet, new: &'a RuleSet) -> Self {
        let ids = |set: &'a RuleSet, keep: &dyn Fn(&Rule) -> bool| -> Vec<&'a str> {
            let rules = set.rules().iter().filter(|rule| keep(rule));
            rules.map(|rule| rule.id().as_str()).collect()
        };
        let of_old = |rule: &Rule| old.rule(rule.id().as_str());
        Self {
            added: ids(new, &|rule| of_old(rule).is_none()),
            changed: ids(new, &|rule| {
                of_old(rule).is_some_and(|before| before != rule)
            }),
            removed: ids(old, &|rule| new.rule(rule.id().as_str()).is_none()),
        }
    }
}

fn check(output: &Output, args: &PolicyCheckArgs) -> Outcome {
    let text = text_of(&args.file)?;
    let set = match RuleSet::load(&text) {
        Ok(set) => set,
        Err(error) => return Err(told(output, &args.file, &error)),
    };
    let built_in = RuleSet::built_in();
    let Changed {
        added,
        changed,
        removed,
    } = Changed::between(built_in, &set);
    document(
        output,
        &json!({
            "valid": true,
            "rule_set": set.version(),
            "rules": set.rules().len(),
            "compared_with": built_in.version(),
            "added": added,
            "changed": changed,
            "removed": removed,
        }),
        || {
            let mut lines = vec![format!(
                "{} {} has {} rules and nothing wrong",
                styled(GOOD, "valid:"),
                set.version(),
                set.rules().len()
            )];
            for (what, ids) in [
                ("added", &added),
                ("changed", &changed),
                ("removed", &removed),
            ] {
                let label = styled(FAINT, &format!("{what:>9}"));
                lines.extend(ids.iter().map(|id| format!("{label} {id}")));
            }
            if added.len() + changed.len() + removed.len() == 0 {
                lines.push(format!("the rules are those of {}", built_in.version()));
            } else if set.version() == built_in.version() {
                lines.push(styled(
                    CARE,
                    "the version is that of this build; give another rule set another one",
                ));
            }
            lines.join("\n")
        },
    )?;
    Ok(())
}

/// What one service answered.
#[derive(Default)]
struct Simulated {
    examined: u64,
    skipped: u64,
    changes: Vec<DecisionChange>,
}

async fn simulate(output: &Output, args: &PolicySimulateArgs) -> Outcome {
    let text = text_of(&args.rules)?;
    // Here everything that is wrong can be told; an answer of a service holds the first of it.
    let candidate = match RuleSet::load(&text) {
        Ok(candidate) => candidate,
        Err(error) => return Err(told(output, &args.rules, &error)),
    };
    let auditor: Option<Party> = AUDITOR.parse().ok();
    let connection = Connection::open(&args.connect, auditor)?;
    let mut answers = Vec::new();
    for service in SERVICES {
        if args.services.is_empty() || args.services.iter().any(|asked| asked == service) {
            answers.push((service, ask(&connection, service, args, &text).await?));
        }
    }
    let json: Vec<Value> = answers.iter().map(|(name, of)| answer(name, of)).collect();
    let all = || answers.iter().map(|(_, of)| of);
    document(
        output,
        &json!({
            "rule_set": candidate.version(),
            "examined": all().map(|of| of.examined).sum::<u64>(),
            "skipped": all().map(|of| of.skipped).sum::<u64>(),
            "changed": all().map(|of| of.changes.len()).sum::<usize>(),
            "services": json,
        }),
        || {
            let rows: Vec<Vec<String>> = answers
                .iter()
                .flat_map(|(name, of)| of.changes.iter().map(|change| changed(name, change)))
                .collect();
            let summary = summary(candidate.version(), all());
            if rows.is_empty() {
                return summary;
            }
            let headers = [
                "service",
                "when",
                "subject",
                "question",
                "was → would be",
                "rules",
            ];
            format!("{}\n\n{summary}", table(&headers, rows))
        },
    )?;
    Ok(())
}

/// Pages through what `service` decided.
async fn ask(
    connection: &Connection,
    service: &str,
    args: &PolicySimulateArgs,
    rules: &str,
) -> Result<Simulated, Failure> {
    let mut audit = connection.audit(service)?;
    let wire = |at: Option<Timestamp>| {
        at.map(|at| {
            let (seconds, nanos) = at.to_seconds_and_nanos();
            prost_types::Timestamp { seconds, nanos }
        })
    };
    let mut simulated = Simulated::default();
    let mut page_token = String::new();
    loop {
        let request = SimulatePolicyRequest {
            rule_set: rules.to_owned(),
            from: wire(args.from),
            until: wire(args.until),
            page_size: args.page_size,
            page_token,
        };
        let page = audit
            .simulate_policy(request)
            .await
            .map_err(refused(service))?
            .into_inner();
        simulated.examined += u64::try_from(page.examined).unwrap_or(0);
        simulated.skipped += u64::try_from(page.skipped).unwrap_or(0);
        simulated.changes.extend(page.changes);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(simulated);
        }
    }
}

/// What is said where a service does not simulate. Who may ask, its own text does not say.
fn refused(service: &str) -> impl FnOnce(Status) -> Failure {
    let mut what = format!("deciding again what {service} decided");
    move |status| {
        if status.code() == Code::PermissionDenied {
            what.push_str(
                ", which takes an auditor or the compliance desk, for example --as auditor/local",
            );
        }
        Failure::refused(what)(status)
    }
}

fn answer(service: &str, simulated: &Simulated) -> Value {
    let changes = simulated.changes.iter();
    let changes: Vec<Value> = changes
        .map(|change| to_json("liaison.audit.v1.DecisionChange", change))
        .collect();
    json!({
        "service": service,
        "examined": simulated.examined,
        "skipped": simulated.skipped,
        "changes": changes,
    })
}

fn changed(service: &str, change: &DecisionChange) -> Vec<String> {
    let was = if change.was_permitted {
        "permitted"
    } else {
        "refused"
    };
    let would_be = match (change.would_be_permitted, change.would_need_consent) {
        (true, _) => "permitted",
        (false, true) => "refused without consent",
        (false, false) => "refused",
    };
    let rules = format!(
        "{} → {}",
        change.was_rules.join(", "),
        change.would_be_rules.join(", ")
    );
    vec![
        service.to_owned(),
        instant(change.decided_at.as_ref()),
        change.subject.clone(),
        change.question.clone(),
        format!("{was} → {would_be}"),
        rules,
    ]
}

fn summary<'a>(version: &str, all: impl Iterator<Item = &'a Simulated>) -> String {
    let (mut examined, mut skipped) = (0, 0);
    let (mut refused, mut permitted, mut otherwise) = (0, 0, 0);
    for of in all {
        examined += of.examined;
        skipped += of.skipped;
        for change in &of.changes {
            match (change.was_permitted, change.would_be_permitted) {
                (true, false) => refused += 1,
                (false, true) => permitted += 1,
                _ => otherwise += 1,
            }
        }
    }
    let changes = refused + permitted + otherwise;
    let mut text = format!("{version}: {examined} decisions examined, {changes} would change");
    if changes > 0 {
        text.push_str(&format!(
            ": {refused} from permitted to refused, {permitted} from refused to permitted, \
             {otherwise} in their reasons alone"
        ));
    }
    if skipped > 0 {
        text.push_str(&format!("; {skipped} could not be read"));
    }
    styled(STRONG, &text)
}
