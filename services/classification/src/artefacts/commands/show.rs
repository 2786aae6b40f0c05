//! What is kept, shown.

use std::path::Path;

use liaison_runtime::commands::{Output, say, table};
use liaison_store::Db;
use liaison_types::{Error, Party, Result, Timestamp};
use serde_json::{Value, json};

use super::Size;
use crate::artefacts::in_use::Loaded;
use crate::artefacts::kept::{Kept, RuleSetState, find};
use crate::artefacts::shadow::{Difference, Verdict};
use crate::domain::Outcome;
use crate::store;

/// What stands for none of the units.
const NONE: &str = "none";

/// Shows what a database keeps.
pub(super) struct Show<'a> {
    db: &'a Db,
    output: Output,
}

impl<'a> Show<'a> {
    pub(super) const fn new(db: &'a Db, output: Output) -> Self {
        Self { db, output }
    }

    pub(super) async fn list(&self) -> Result<()> {
        let all = store::rule_sets(self.db.reader()).await?;
        match self.output {
            Output::Json => {
                for set in &all {
                    say(&described(set).to_string());
                }
            }
            Output::Table if all.is_empty() => {
                say("no rule sets; a service adds that of its build when it starts");
            }
            Output::Table => {
                let rows = all.iter().map(|set| {
                    [
                        set.version.clone(),
                        set.state.to_string(),
                        set.added_at.to_string(),
                        set.added_by.to_string(),
                        time(set.activated_at),
                        party(set.activated_by.as_ref()),
                    ]
                });
                let headers = ["VERSION", "STATE", "ADDED", "BY", "ACTIVATED", "BY"];
                say(&table(headers, rows.collect()));
            }
        }
        Ok(())
    }

    pub(super) async fn one(&self, version: &str) -> Result<()> {
        let all = store::rule_sets(self.db.reader()).await?;
        let set = find(&all, version)?;
        let files = store::files_of(self.db.reader(), version).await?;
        let list: Vec<(String, usize)> = files
            .iter()
            .map(|(name, bytes)| (name.to_owned(), bytes.len()))
            .collect();
        // Of one that this program cannot read there is still the rest to be shown.
        let loaded = Loaded::check(version, set.digest, files).await;
        match self.output {
            Output::Json => {
                let mut shown = described(set);
                let files = list.iter();
                let files = files.map(|(name, bytes)| json!({ "name": name, "bytes": bytes }));
                shown["files"] = files.collect();
                shown["figures"] = json!(set.figures);
                match &loaded {
                    Ok(loaded) => {
                        let size = Size::of(loaded);
                        shown["concepts"] = json!(size.concepts);
                        shown["phrases"] = json!(size.phrases);
                        shown["codes"] = json!(size.codes);
                        shown["model"] = json!(loaded.model());
                    }
                    Err(error) => shown["fault"] = json!(error.to_string()),
                }
                say(&shown.to_string());
            }
            Output::Table => {
                let bytes: usize = list.iter().map(|(_, bytes)| bytes).sum();
                let rows = [
                    ("version", set.version.clone()),
                    ("state", stands(set)),
                    ("digest", set.digest.to_string()),
                    ("added", format!("{} by {}", set.added_at, set.added_by)),
                    ("activated", activated(set)),
                    ("in place of", set.before.clone().unwrap_or_default()),
                    ("files", format!("{}, {bytes} bytes", list.len())),
                    (
                        "holds",
                        loaded.map_or_else(
                            |error| error.to_string(),
                            |loaded| Size::of(&loaded).told(),
                        ),
                    ),
                ];
                for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
                    say(&format!("{name:12} {value}"));
                }
                if !set.figures.is_empty() {
                    say(&format!("\n{}", set.figures));
                }
            }
        }
        Ok(())
    }

    pub(super) async fn export(&self, version: &str, folder: &Path) -> Result<()> {
        let all = store::rule_sets(self.db.reader()).await?;
        let set = find(&all, version)?;
        let files = store::files_of(self.db.reader(), version).await?;
        if files.digest() != set.digest {
            // Whoever wants to look at them may still do so.
            tracing::error!(
                rule_set = version,
                "the files of {version} are not those that were added"
            );
        }
        let (count, to) = (files.iter().count(), folder.to_owned());
        tokio::task::spawn_blocking(move || files.write(&to))
            .await
            .map_err(|_| Error::internal("writing the files did not end"))??;
        match self.output {
            Output::Json => say(&json!({
                "done": "exported",
                "version": version,
                "files": count,
                "folder": folder.display().to_string(),
            })
            .to_string()),
            Output::Table => say(&format!("wrote {count} files to {}", folder.display())),
        }
        Ok(())
    }

    pub(super) async fn differences(&self, limit: u16) -> Result<()> {
        let found = store::differences(self.db.reader(), u64::from(limit)).await?;
        match self.output {
            Output::Json => {
                for difference in &found {
                    say(&json!({
                        "at": difference.at.to_string(),
                        "referral": format!("referrals/{}", difference.referral),
                        "decision": format!("classifications/{}", difference.decision),
                        "active": said(&difference.active),
                        "shadow": said(&difference.shadow),
                    })
                    .to_string());
                }
            }
            Output::Table if found.is_empty() => say("no differences"),
            Output::Table => {
                let headers = ["AT", "REFERRAL", "ACTIVE", "SAYS", "SHADOW", "WOULD SAY"];
                say(&table(headers, found.iter().map(row).collect()));
            }
        }
        Ok(())
    }
}

fn row(difference: &Difference) -> [String; 6] {
    let Difference { active, shadow, .. } = difference;
    [
        difference.at.to_string(),
        difference.referral.to_string(),
        active.rule_set.clone(),
        told(active),
        shadow.rule_set.clone(),
        told(shadow),
    ]
}

/// For example `ROUTE cyber 0.98 +terrorism`.
fn told(verdict: &Verdict) -> String {
    let (outcome, lead) = (outcome(verdict), lead(verdict));
    let mut told = format!("{outcome} {lead} {:.2}", verdict.probability);
    for unit in &verdict.supporting {
        told.push_str(" +");
        told.push_str(unit.as_str());
    }
    told
}

fn said(verdict: &Verdict) -> Value {
    json!({
        "rule_set": verdict.rule_set,
        "outcome": outcome(verdict),
        "lead": lead(verdict),
        "supporting": verdict.supporting,
        "probability": verdict.probability,
    })
}

const fn outcome(verdict: &Verdict) -> &'static str {
    match verdict.outcome {
        Outcome::Route => "ROUTE",
        Outcome::Review => "REVIEW",
    }
}

fn lead(verdict: &Verdict) -> &str {
    verdict.lead.as_ref().map_or(NONE, |lead| lead.as_str())
}

fn described(set: &Kept) -> Value {
    json!({
        "version": set.version,
        "digest": set.digest.to_string(),
        "state": set.state.as_str(),
        "added_at": set.added_at.to_string(),
        "added_by": set.added_by.to_string(),
        "activated_at": set.activated_at.map(|at| at.to_string()),
        "activated_by": set.activated_by.as_ref().map(ToString::to_string),
        "until_next_build": set.state == RuleSetState::Active && !set.held,
        "in_place_of": set.before,
    })
}

fn stands(set: &Kept) -> String {
    match set.state {
        RuleSetState::Active if !set.held => format!("{} until another build starts", set.state),
        state => state.to_string(),
    }
}

fn activated(set: &Kept) -> String {
    match (set.activated_at, &set.activated_by) {
        (Some(at), Some(by)) => format!("{at} by {by}"),
        _ => String::new(),
    }
}

fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, |at| at.to_string())
}

fn party(by: Option<&Party>) -> String {
    by.map_or_else(String::new, ToString::to_string)
}
