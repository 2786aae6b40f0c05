//! Every process looks, every few seconds, whether another rule set was chosen, and goes over to it without a
//! restart. What cannot be loaded is left: the process goes on with what it has, and says so.

use std::sync::Arc;
use std::time::Duration;

use liaison_store::Db;
use liaison_telemetry::{Counter, Instruments};
use liaison_types::{Error, Result};
use tokio_util::sync::CancellationToken;

use super::digest::Digest;
use super::in_use::{InUse, Loaded, RuleSets};
use super::shadow::Shadow;
use crate::store;

/// A version, and the digest of its files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Named {
    /// The version.
    pub version: String,
    /// The digest of its files.
    pub digest: Digest,
}

impl Named {
    fn is(&self, loaded: &Loaded) -> bool {
        self.digest == loaded.digest && self.version == loaded.version()
    }
}

/// What the database says that decides.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct InForce {
    /// What decides.
    pub active: Option<Named>,
    /// What decides beside it.
    pub shadow: Option<Named>,
}

/// Keeps what a process decides by in step with the database.
#[derive(Debug)]
pub struct Watch {
    db: Db,
    rules: RuleSets,
    /// What could not be loaded: told once, and not tried again while nothing else is chosen.
    given_up: Option<Named>,
    shadow_given_up: Option<Named>,
    out_of_step: Counter,
}

impl Watch {
    /// Keeps `rules` in step with `db`.
    #[must_use]
    pub fn new(db: Db, rules: RuleSets) -> Self {
        Self {
            db,
            rules,
            given_up: None,
            shadow_given_up: None,
            out_of_step: Counter::default(),
        }
    }

    /// Counts each look at which this process decides by another rule set than the active one, because that
    /// cannot be loaded: what the log says once goes on until somebody did something.
    #[must_use]
    pub fn with_instruments(mut self, instruments: &Instruments) -> Self {
        self.out_of_step = instruments.counter(
            "liaison.classification.rule_set_out_of_step",
            "looks at which the active rule set could not be loaded",
        );
        self
    }

    /// Looks every `interval` until `stop` is cancelled.
    ///
    /// # Errors
    /// Never: what fails is tried again.
    pub async fn run(mut self, interval: Duration, stop: CancellationToken) -> Result<()> {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(interval) => {}
            }
            if let Err(error) = self.look().await {
                tracing::warn!(
                    reason = error.reason().as_str(),
                    cause = %error.chain(),
                    "it is not known whether another rule set was chosen"
                );
            }
        }
    }

    /// Looks once: one short statement where nothing was chosen.
    ///
    /// # Errors
    /// Where the database refuses. What is chosen and cannot be loaded is no error: see [`Watch`].
    pub async fn look(&mut self) -> Result<()> {
        let InForce { active, shadow } = store::in_force(self.db.reader()).await?;
        self.follow(active).await?;
        self.follow_shadow(shadow).await
    }

    async fn follow(&mut self, chosen: Option<Named>) -> Result<()> {
        let in_use = self.rules.in_use();
        let Some(chosen) = chosen else {
            // Between two statements of nobody's: whoever chooses, chooses in one transaction.
            return Err(Error::internal("no rule set is active"));
        };
        if chosen.is(&in_use.active) {
            self.given_up = None;
            return Ok(());
        }
        if self.given_up.as_ref() == Some(&chosen) {
            self.out_of_step.add(1, &[]);
            return Ok(());
        }
        match load(&self.db, &chosen, &in_use).await {
            Ok(active) => {
                tracing::info!(
                    rule_set = chosen.version,
                    before = in_use.active.version(),
                    digest = %chosen.digest,
                    "cases are decided by the rule set {} from now on, instead of {}",
                    chosen.version,
                    in_use.active.version()
                );
                let shadow = in_use.shadow.clone();
                self.rules.swap(InUse { active, shadow });
                self.given_up = None;
                Ok(())
            }
            Err(error) if error.is_retryable() => Err(error),
            Err(error) => {
                tracing::error!(
                    rule_set = chosen.version,
                    in_use = in_use.active.version(),
                    cause = %error.chain(),
                    "the active rule set {} cannot be loaded; this process goes on with {}",
                    chosen.version,
                    in_use.active.version()
                );
                self.given_up = Some(chosen);
                self.out_of_step.add(1, &[]);
                Ok(())
            }
        }
    }

    async fn follow_shadow(&mut self, chosen: Option<Named>) -> Result<()> {
        let in_use = self.rules.in_use();
        let Some(chosen) = chosen else {
            if let Some(shadow) = &in_use.shadow {
                tracing::info!(
                    rule_set = shadow.set.version(),
                    "the rule set {} is no shadow any more",
                    shadow.set.version()
                );
                let active = Arc::clone(&in_use.active);
                self.rules.swap(InUse {
                    active,
                    shadow: None,
                });
            }
            self.shadow_given_up = None;
            return Ok(());
        };
        let same = in_use
            .shadow
            .as_ref()
            .is_some_and(|shadow| chosen.is(&shadow.set));
        if same || self.shadow_given_up.as_ref() == Some(&chosen) {
            return Ok(());
        }
        match begin_shadow(&self.db, &self.rules, &chosen).await {
            Err(error) if !error.is_retryable() => self.shadow_given_up = Some(chosen),
            done => return done,
        }
        Ok(())
    }
}

/// Lets `chosen` decide beside the active one. Where it cannot be loaded there is no shadow.
///
/// # Errors
/// Where the database refuses, or the files are no rule set; the latter is told here.
pub(super) async fn begin_shadow(db: &Db, rules: &RuleSets, chosen: &Named) -> Result<()> {
    let in_use = rules.in_use();
    let active = Arc::clone(&in_use.active);
    match load(db, chosen, &in_use).await {
        Ok(set) => {
            tracing::info!(
                rule_set = chosen.version,
                "the rule set {} decides beside {}, without effect",
                chosen.version,
                active.version()
            );
            let shadow = Some(Arc::new(Shadow::new(set)));
            rules.swap(InUse { active, shadow });
            Ok(())
        }
        Err(error) if error.is_retryable() => Err(error),
        Err(error) => {
            tracing::error!(
                rule_set = chosen.version,
                cause = %error.chain(),
                "the shadow {} cannot be loaded; there is none",
                chosen.version
            );
            let shadow = None;
            rules.swap(InUse { active, shadow });
            Err(error)
        }
    }
}

/// Loads `chosen`; what is in use already is not loaded again.
///
/// # Errors
/// Where the database refuses, or the files are no rule set.
pub(super) async fn load(db: &Db, chosen: &Named, in_use: &InUse) -> Result<Arc<Loaded>> {
    let shadow = in_use.shadow.as_ref().map(|shadow| &shadow.set);
    let here = [Some(&in_use.active), shadow].into_iter().flatten();
    for loaded in here {
        if chosen.is(loaded) {
            return Ok(Arc::clone(loaded));
        }
    }
    let files = store::files_of(db.reader(), &chosen.version).await?;
    let loaded = Loaded::check(&chosen.version, chosen.digest, files).await?;
    Ok(Arc::new(loaded))
}
