//! What a start of the service brings: the rule set of its build is kept under its version, and decides from
//! then on where the settings and the operators leave that to builds.

use std::sync::Arc;

use liaison_store::{Db, Tx, audit};
use liaison_types::{Clock, Error, ErrorKind, Party, Random, Reason, Result};
use serde::{Deserialize, Serialize};

use super::entry;
use super::files::NamedFiles;
use super::in_use::{InUse, Loaded, RuleSets};
use super::kept::{self, Doing, Kept, RuleSetState, one_in};
use super::watch::{self, InForce};
use crate::ops::SERVICE;
use crate::store;

/// Who says which rule set decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The build that started last, unless an operator chose one.
    Embedded,
    /// Operators alone; builds only bring candidates.
    Database,
}

/// Keeps the rule set of this build, makes it decide where that is left to builds, and loads what decides now.
/// A database in which everything is so already is only read.
///
/// # Errors
/// SETTING_INVALID where another content is kept under the version of this build, or where the active rule set
/// cannot be loaded; what the database says.
pub async fn at_start(
    db: &Db,
    clock: &dyn Clock,
    random: &dyn Random,
    source: Source,
) -> Result<RuleSets> {
    let (files, own) = of_build().await?;
    let (files, build) = (&files, own.as_ref());
    let known = store::rule_sets(db.reader()).await?;
    if !plan(&known, build, source)?.is_empty() {
        db.write_tx("classification.register_rule_set", |tx| {
            Box::pin(async move { register(tx, clock, random, source, files, build).await })
        })
        .await?;
    }
    let in_force = store::in_force(db.reader()).await?;
    let rules = RuleSets::new(Arc::clone(&own));
    let InForce { active, shadow } = in_force;
    let active = active.ok_or_else(|| Error::internal("no rule set is active after the start"))?;
    let active = watch::load(db, &active, &rules.in_use()).await.map_err(|error| {
        let told = format!(
            "the active rule set {} cannot be loaded: {error}; choose another by `rule-sets activate` or \
             `rule-sets roll-back`",
            active.version
        );
        Error::new(ErrorKind::FailedPrecondition, Reason::SettingInvalid)
            .message(told)
            .source(error)
    })?;
    rules.swap(InUse {
        active,
        shadow: None,
    });
    if let Some(shadow) = shadow
        && let Err(error) = watch::begin_shadow(db, &rules, &shadow).await
    {
        // Nothing waits for it; the watch tries again.
        tracing::warn!(
            rule_set = shadow.version,
            cause = %error.chain(),
            "the shadow {} was not begun at the start",
            shadow.version
        );
    }
    let in_use = rules.in_use();
    tracing::info!(
        rule_set = in_use.active.version(),
        digest = %in_use.active.digest,
        build = build.version(),
        "cases are decided by the rule set {}",
        in_use.active.version()
    );
    Ok(rules)
}

async fn of_build() -> Result<(NamedFiles, Arc<Loaded>)> {
    tokio::task::spawn_blocking(|| {
        let files = NamedFiles::embedded();
        let loaded = Loaded::new(&files)?;
        Ok((files, Arc::new(loaded)))
    })
    .await
    .map_err(|_| Error::internal("compiling the rule set did not end"))?
}

/// What a start has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Add,
    Activate,
}

fn plan(known: &[Kept], build: &Loaded, source: Source) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    match known.iter().find(|set| set.version == build.version()) {
        None => steps.push(Step::Add),
        Some(set) if set.digest == build.digest => {}
        Some(set) => return Err(another_content(set, build)),
    }
    let activates = match one_in(known, RuleSetState::Active) {
        None => true,
        Some(active) if active.version == build.version() => false,
        Some(active) => source == Source::Embedded && !active.held,
    };
    if activates {
        steps.push(Step::Activate);
    }
    Ok(steps)
}

async fn register(
    tx: &Tx<'_>,
    clock: &dyn Clock,
    random: &dyn Random,
    source: Source,
    files: &NamedFiles,
    build: &Loaded,
) -> Result<()> {
    let mut known = store::lock_rule_sets(tx).await?;
    let service = Party::service(SERVICE);
    let now = clock.now();
    let mut entries = Vec::new();
    for step in plan(&known, build, source)? {
        let version = build.version();
        match step {
            Step::Add => {
                let added = candidate(build, files, &service, clock);
                store::insert_rule_set(tx, &added, files).await?;
                known.push(added);
                entries.push(entry(now, random, &service, "rule_sets.add", version, None));
            }
            Step::Activate => {
                let before = one_in(&known, RuleSetState::Active).map(|set| set.version.clone());
                let doing = Doing {
                    by: &service,
                    at: now,
                };
                let changed = kept::activate(&known, version, false, doing)?;
                store::update_rule_sets(tx, &changed).await?;
                let purpose = before.map(|before| format!("instead of {before}"));
                entries.push(entry(
                    now,
                    random,
                    &service,
                    "rule_sets.activate",
                    version,
                    purpose,
                ));
            }
        }
    }
    audit::record(tx, entries).await
}

/// A rule set that is added now.
pub(super) fn candidate(
    loaded: &Loaded,
    files: &NamedFiles,
    by: &Party,
    clock: &dyn Clock,
) -> Kept {
    Kept {
        version: loaded.version().to_owned(),
        digest: loaded.digest,
        state: RuleSetState::Candidate,
        added_at: clock.now(),
        added_by: by.clone(),
        activated_at: None,
        activated_by: None,
        held: false,
        before: None,
        figures: files.figures(),
    }
}

/// Two contents under one version: no decision could say any more what made it.
pub(super) fn another_content(kept: &Kept, given: &Loaded) -> Error {
    let message = format!(
        "the rule set {} is kept already with another content (digest {} instead of {}); what is changed needs a new \
         version, in rule_set.toml",
        kept.version, kept.digest, given.digest
    );
    Error::new(ErrorKind::FailedPrecondition, Reason::SettingInvalid).message(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artefacts::digest::Digest;
    use liaison_types::Timestamp;

    #[test]
    fn a_start_replaces_what_a_start_chose_and_nothing_else() {
        let build = Loaded::new(&NamedFiles::embedded()).unwrap();
        let set = |version: &str, digest, state, held| Kept {
            version: version.into(),
            digest,
            state,
            added_at: Timestamp::from_seconds(1),
            added_by: Party::service(SERVICE),
            activated_at: None,
            activated_by: None,
            held,
            before: None,
            figures: String::new(),
        };
        let own = |state| set(build.version(), build.digest, state, false);
        let older = |held| {
            set(
                "older",
                Digest::from_bytes([1; 32]),
                RuleSetState::Active,
                held,
            )
        };
        let candidate = RuleSetState::Candidate;
        for (known, embedded, database) in [
            (
                vec![],
                vec![Step::Add, Step::Activate],
                vec![Step::Add, Step::Activate],
            ),
            (
                vec![older(false)],
                vec![Step::Add, Step::Activate],
                vec![Step::Add],
            ),
            (vec![older(true)], vec![Step::Add], vec![Step::Add]),
            (
                vec![older(false), own(RuleSetState::Retired)],
                vec![Step::Activate],
                vec![],
            ),
            (vec![older(true), own(candidate)], vec![], vec![]),
            (vec![own(RuleSetState::Active)], vec![], vec![]),
            (
                vec![own(candidate)],
                vec![Step::Activate],
                vec![Step::Activate],
            ),
        ] {
            assert_eq!(
                plan(&known, &build, Source::Embedded).unwrap(),
                embedded,
                "{known:?}"
            );
            assert_eq!(
                plan(&known, &build, Source::Database).unwrap(),
                database,
                "{known:?}"
            );
        }
        let other = set(
            build.version(),
            Digest::from_bytes([2; 32]),
            candidate,
            false,
        );
        let refused = plan(&[other], &build, Source::Database).unwrap_err();
        assert_eq!(refused.reason(), Reason::SettingInvalid);
        assert!(
            refused.to_string().contains("needs a new version"),
            "{refused}"
        );
    }
}
