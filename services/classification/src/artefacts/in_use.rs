//! What this process decides by now. It is swapped as a whole, so that whoever decides takes it once and has
//! one rule set from the first rule to the last.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use liaison_types::{Error, ErrorKind, Reason, Result};

use super::digest::Digest;
use super::files::{FilesError, NamedFiles};
use super::shadow::Shadow;
use crate::domain::RuleSet;

/// A rule set that was read, checked and compiled, and the digest of its files.
#[derive(Debug)]
pub struct Loaded {
    /// The rule set.
    pub rules: RuleSet,
    /// The digest of its files.
    pub digest: Digest,
}

impl Loaded {
    /// Compiles `files`, which takes up to a second: not to be called where others wait.
    ///
    /// # Errors
    /// Names the file, concept or phrase that is wrong.
    pub fn new(files: &NamedFiles) -> Result<Self, FilesError> {
        Ok(Self {
            rules: files.rule_set()?,
            digest: files.digest(),
        })
    }

    /// Compiles `files` on a thread where that may take its time, and makes sure that they are those of `digest`
    /// and `version`.
    ///
    /// # Errors
    /// SETTING_INVALID names what is wrong with them; INCONSISTENT_DATA where they are not those that were added,
    /// or where compiling them does not end.
    pub async fn check(version: &str, digest: Digest, files: NamedFiles) -> Result<Self> {
        let loaded = tokio::task::spawn_blocking(move || Self::new(&files))
            .await
            .map_err(|_| damaged(format!("compiling the rule set {version} panicked")))??;
        if loaded.digest == digest && loaded.rules.version() == version {
            return Ok(loaded);
        }
        Err(damaged(format!(
            "the files kept as rule set {version} are not those that were added: their digest is {} instead of \
             {digest}",
            loaded.digest
        )))
    }

    /// The version, as decisions name it.
    #[must_use]
    pub fn version(&self) -> &str {
        self.rules.version()
    }

    /// The version of the text model in it; empty where none takes part.
    #[must_use]
    pub fn model(&self) -> &str {
        self.rules.model_version()
    }
}

fn damaged(what: String) -> Error {
    Error::new(ErrorKind::DataLoss, Reason::InconsistentData).message(what)
}

/// What decides.
#[derive(Debug)]
pub struct InUse {
    /// What it decides by.
    pub active: Arc<Loaded>,
    /// What decides beside it, without effect.
    pub shadow: Option<Arc<Shadow>>,
}

/// The rule sets that a process decides by. Cheap to clone; all clones see the same.
#[derive(Clone)]
pub struct RuleSets(Arc<ArcSwap<InUse>>);

impl fmt::Debug for RuleSets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_use = self.in_use();
        f.debug_struct("RuleSets")
            .field("active", &in_use.active.version())
            .finish_non_exhaustive()
    }
}

impl RuleSets {
    /// Decides by `active` and has no shadow.
    #[must_use]
    pub fn new(active: Arc<Loaded>) -> Self {
        let shadow = None;
        Self(Arc::new(ArcSwap::from_pointee(InUse { active, shadow })))
    }

    /// Decides by the rule set of this build.
    ///
    /// # Errors
    /// Never for the files as committed: a test builds them.
    pub fn of_build() -> Result<Self, FilesError> {
        let loaded = Loaded::new(&NamedFiles::embedded())?;
        Ok(Self::new(Arc::new(loaded)))
    }

    /// What decides now. To be taken once for each decision.
    #[must_use]
    pub fn in_use(&self) -> Arc<InUse> {
        self.0.load_full()
    }

    /// Decides by these from now on; decisions under way end as they began.
    pub fn swap(&self, in_use: InUse) {
        self.0.store(Arc::new(in_use));
    }
}
