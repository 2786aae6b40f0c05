//! An operator changes something: looked at, done and recorded in one transaction.

use std::path::Path;

use liaison_runtime::Ambient;
use liaison_runtime::commands::{Output, say};
use liaison_store::{Db, Tx, audit};
use liaison_types::{Name, Party, Result, Timestamp};
use serde_json::json;

use super::read;
use crate::artefacts::entry;
use crate::artefacts::files::NamedFiles;
use crate::artefacts::in_use::Loaded;
use crate::artefacts::kept::{self, Doing, Kept, RuleSetState, one_in};
use crate::artefacts::register::{another_content, candidate};
use crate::store;

/// What is done to rule sets that are kept.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act<'a> {
    Shadow(&'a str),
    Unshadow,
    Activate {
        version: &'a str,
        held: bool,
        reason: &'a str,
    },
    RollBack {
        reason: &'a str,
    },
}

impl Act<'_> {
    /// The action in the audit, and the name of the transaction.
    const fn action(&self) -> &'static str {
        match self {
            Self::Shadow(_) => "rule_sets.shadow",
            Self::Unshadow => "rule_sets.unshadow",
            Self::Activate { .. } => "rule_sets.activate",
            Self::RollBack { .. } => "rule_sets.roll_back",
        }
    }

    const fn reason(&self) -> Option<&str> {
        match self {
            Self::Activate { reason, .. } | Self::RollBack { reason } => Some(reason),
            Self::Shadow(_) | Self::Unshadow => None,
        }
    }

    /// What changes, in the order in which it is written.
    fn on(&self, all: &[Kept], doing: Doing<'_>) -> Result<Vec<Kept>> {
        match self {
            Self::Shadow(version) => kept::shadow(all, version),
            Self::Unshadow => Ok(kept::unshadow(all)),
            Self::Activate { version, held, .. } => kept::activate(all, version, *held, doing),
            Self::RollBack { .. } => kept::roll_back(all, doing),
        }
    }
}

/// An operator at work.
pub(super) struct Operator<'a> {
    db: &'a Db,
    ambient: &'a Ambient,
    by: Party,
    output: Output,
}

impl<'a> Operator<'a> {
    pub(super) fn new(db: &'a Db, ambient: &'a Ambient, name: &Name, output: Output) -> Self {
        Self {
            db,
            ambient,
            by: Party::Operator(name.clone()),
            output,
        }
    }

    fn now(&self) -> Timestamp {
        self.ambient.clock.now()
    }

    /// Keeps what lies in `folder`. Adding the same again changes nothing.
    pub(super) async fn add(&self, folder: &Path) -> Result<()> {
        let (files, loaded) = read(folder.to_owned()).await?;
        let (files, loaded) = (&files, &loaded);
        let added = self
            .db
            .write_tx("rule_sets.add", |tx| {
                Box::pin(async move { self.insert(tx, files, loaded).await })
            })
            .await?;
        let version = loaded.version();
        match self.output {
            Output::Json => say(&json!({
                "done": if added { "added" } else { "unchanged" },
                "version": version,
                "digest": loaded.digest.to_string(),
            })
            .to_string()),
            Output::Table if added => say(&format!("added {version}, digest {}", loaded.digest)),
            Output::Table => say(&format!("{version} is kept already; nothing was changed")),
        }
        Ok(())
    }

    async fn insert(&self, tx: &Tx<'_>, files: &NamedFiles, loaded: &Loaded) -> Result<bool> {
        let all = store::lock_rule_sets(tx).await?;
        if let Some(known) = all.iter().find(|set| set.version == loaded.version()) {
            if known.digest == loaded.digest {
                return Ok(false);
            }
            return Err(another_content(known, loaded));
        }
        let clock = self.ambient.clock.as_ref();
        let added = candidate(loaded, files, &self.by, clock);
        store::insert_rule_set(tx, &added, files).await?;
        self.record(tx, "rule_sets.add", &added.version, None)
            .await?;
        Ok(true)
    }

    /// Does `act`. Where everything is so already, nothing is changed and nothing recorded.
    pub(super) async fn act(&self, act: &Act<'_>) -> Result<()> {
        self.make_sure(act).await?;
        let changed = self
            .db
            .write_tx(act.action(), |tx| {
                Box::pin(async move { self.change(tx, act).await })
            })
            .await?;
        for set in &changed {
            let (version, state) = (&set.version, set.state);
            say(&match self.output {
                Output::Json => json!({ "version": version, "state": state.as_str() }).to_string(),
                Output::Table if state == RuleSetState::Active && !set.held => {
                    format!("{version} is {state} until another build starts")
                }
                Output::Table => format!("{version} is {state}"),
            });
        }
        if changed.is_empty() && self.output == Output::Table {
            say("it is so already; nothing was changed");
        }
        Ok(())
    }

    /// What is to decide, with or without effect, has to load, with this program at least.
    async fn make_sure(&self, act: &Act<'_>) -> Result<()> {
        let all = store::rule_sets(self.db.reader()).await?;
        let doing = Doing {
            by: &self.by,
            at: self.now(),
        };
        for set in act.on(&all, doing)? {
            if matches!(set.state, RuleSetState::Active | RuleSetState::Shadow) {
                let files = store::files_of(self.db.reader(), &set.version).await?;
                Loaded::check(&set.version, set.digest, files).await?;
            }
        }
        Ok(())
    }

    async fn change(&self, tx: &Tx<'_>, act: &Act<'_>) -> Result<Vec<Kept>> {
        let all = store::lock_rule_sets(tx).await?;
        let doing = Doing {
            by: &self.by,
            at: self.now(),
        };
        let changed = act.on(&all, doing)?;
        // The one that the others make room for comes last.
        let Some(last) = changed.last() else {
            return Ok(changed);
        };
        store::update_rule_sets(tx, &changed).await?;
        let before = match last.state {
            RuleSetState::Active => one_in(&all, RuleSetState::Active),
            RuleSetState::Shadow => one_in(&all, RuleSetState::Shadow),
            RuleSetState::Candidate | RuleSetState::Retired => None,
        };
        let before = before.filter(|before| before.version != last.version);
        let instead = before.map(|before| format!("instead of {}", before.version));
        let said = [instead, act.reason().map(str::to_owned)];
        let said: Vec<String> = said.into_iter().flatten().collect();
        let purpose = (!said.is_empty()).then(|| said.join(": "));
        self.record(tx, act.action(), &last.version, purpose)
            .await?;
        Ok(changed)
    }

    async fn record(
        &self,
        tx: &Tx<'_>,
        action: &'static str,
        version: &str,
        purpose: Option<String>,
    ) -> Result<()> {
        let random = self.ambient.random.as_ref();
        let entry = entry(self.now(), random, &self.by, action, version, purpose);
        audit::record(tx, vec![entry]).await
    }
}
