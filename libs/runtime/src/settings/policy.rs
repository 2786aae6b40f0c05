//! `[policy]`: what the service decides by.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use liaison_policy::load::MAX_BYTES;
use liaison_policy::{Policy, RuleSet};
use liaison_types::{Confidentiality, Party};
use serde::{Deserialize, Serialize};

use super::Problems;

/// What has to be said of these where anything is said of anybody: the hub's desks open what they review
/// and decide by hand, and nobody should find that out when they no longer can.
const DESKS: [&str; 2] = ["desk/compliance", "desk/triage"];

/// What to write for a party.
const CLEARANCE: &str = "write OFFICIAL_USE_ONLY, RESTRICTED or CONFIDENTIAL for it";

/// By which rules it is decided, and for whom which clearance is on record. Every service of a suite is
/// given the same; [`Problems`] says what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicySettings {
    /// The file of the rule set; the one of this build where absent.
    pub rules: Option<PathBuf>,
    /// Up to which confidentiality a party is cleared. Where nobody is named, clearances are not managed.
    pub clearances: BTreeMap<Party, Confidentiality>,
}

impl PolicySettings {
    /// Notes what is wrong without reading the file: what is changed in it while the service runs concerns
    /// nobody but the next start.
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.check(
            self.rules
                .as_ref()
                .is_none_or(|path| !path.as_os_str().is_empty()),
            "policy.rules",
            "is empty",
            "write the path of a rule set, or leave it out for the one of this build",
        );
        if self.clearances.is_empty() {
            return;
        }
        for desk in DESKS {
            let named = self
                .clearances
                .keys()
                .any(|party| party.to_string() == desk);
            problems.check(
                named,
                "policy.clearances",
                &format!("names other parties and not {desk}"),
                CLEARANCE,
            );
        }
        for party in self.clearances.keys() {
            let receives = !matches!(
                party,
                Party::Service(_) | Party::Operator(_) | Party::Auditor(_)
            );
            problems.check(
                receives,
                &format!("policy.clearances.{party}"),
                "is no party that information goes to",
                "remove it",
            );
        }
    }

    /// What the service decides by.
    ///
    /// # Errors
    /// Everything that is wrong with the file.
    pub fn load(&self) -> Result<Policy, Problems> {
        let clearances = self.clearances.clone().into_iter().collect();
        let rules = match &self.rules {
            None => RuleSet::built_in().clone(),
            Some(path) => read(path)?,
        };
        Ok(Policy::new(rules, clearances))
    }
}

fn read(path: &Path) -> Result<RuleSet, Problems> {
    let mut problems = Problems::default();
    let (key, shown) = ("policy.rules", path.display());
    let text = match text_of(path) {
        Ok(text) => text,
        Err(error) => {
            let rule = format!("names {shown}, which cannot be read: {}", error.kind());
            problems.add(key, rule, "name a readable file in TOML");
            return Err(problems);
        }
    };
    RuleSet::load(&text).map_err(|error| {
        for problem in error.problems {
            problems.add(key, format!("({shown}) {problem}"), "");
        }
        problems
    })
}

fn text_of(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    // No more than tells that it is too long.
    let mut file = File::open(path)?.take(MAX_BYTES as u64 + 1);
    file.read_to_string(&mut text)?;
    Ok(text)
}
