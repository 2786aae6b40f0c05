//! A decision of the machine is made again, to see whether it comes out the same.
//!
//! What is compared is what the machine said, before policy was asked who may have the referral and before
//! people had their say: that is a function of rule set and input alone. What policy made of it is decided again
//! by the audit (`liaison policy simulate`).

use std::sync::Arc;

use liaison_store::audit;
use liaison_types::{DecisionId, Error, ErrorKind, Party, Result};

use super::judge::{PROGRAM, unnamed};
use super::{Core, Ops};
use crate::artefacts::digest::Digest;
use crate::artefacts::in_use::Loaded;
use crate::case::{Decided, Making};
use crate::convert::CaseInput;
use crate::store;

const ACTION: &str = "classification.recompute";

liaison_types::names! {
    /// How a decision comes out when it is made again.
    Recomputation {
        /// The same, to the byte.
        Same = "SAME",
        /// What was decided on is not what intake has now.
        InputChanged = "INPUT_CHANGED",
        /// The rule set is not kept, or cannot be loaded by this program.
        RuleSetUnknown = "RULE_SET_UNKNOWN",
        /// Something else.
        Different = "DIFFERENT",
        /// Intake does not give the content any more.
        InputGone = "INPUT_GONE",
        /// A person decided, or what is needed was not kept yet.
        NotRecorded = "NOT_RECORDED",
    }
}

/// A decision that was made again.
#[derive(Clone, PartialEq, Debug)]
pub struct Recomputed {
    /// As it was made.
    pub decided: Decided,
    /// How it comes out now.
    pub result: Recomputation,
    /// The digest of what came out, where it was made again.
    pub digest: Option<Digest>,
    /// What came out, before policy, where it is different: neither named nor numbered.
    pub again: Option<Decided>,
    /// The version of the program that made it again.
    pub program: &'static str,
}

/// How a decision came out: without the decision itself.
struct Came(Recomputation, Option<Digest>, Option<Decided>);

impl From<Recomputation> for Came {
    fn from(result: Recomputation) -> Self {
        Self(result, None, None)
    }
}

impl Ops {
    /// Makes the decision `id` again for `by`, who works at the desk. Nothing is changed; the audit has it, and
    /// intake's has that its content was read.
    ///
    /// # Errors
    /// NOT_FOUND where there is no such decision; UNAVAILABLE where intake does not answer; where the database
    /// refuses.
    pub async fn recompute_decision(
        &self,
        by: &Party,
        officer: Option<&str>,
        id: DecisionId,
    ) -> Result<Recomputed> {
        let core = &self.core;
        let db = &core.parts.db;
        let found = store::find_decision(db.reader(), id).await?;
        let decided = found.ok_or_else(Error::not_found)?;
        let Came(result, digest, again) = core.make_again(&decided).await?;
        let now = core.now();
        let mut entry = core.desk_entry(now, by, officer, ACTION, decided.referral);
        entry.purpose = Some(format!("{}: {result}", liaison_grpc::wire::resource(id)));
        db.write_tx(ACTION, |tx| {
            let entry = entry.clone();
            Box::pin(async move { audit::record(tx, vec![entry]).await })
        })
        .await?;
        Ok(Recomputed {
            decided,
            result,
            digest,
            again,
            program: PROGRAM,
        })
    }
}

impl Core {
    async fn make_again(self: &Arc<Self>, decided: &Decided) -> Result<Came> {
        let Some(making) = decided.making.clone() else {
            return Ok(Recomputation::NotRecorded.into());
        };
        let Some(set) = self.rule_set(&decided.rule_set).await? else {
            return Ok(Recomputation::RuleSetUnknown.into());
        };
        let mut inputs = self.parts.inputs.inputs(&[decided.referral]).await?;
        let found = inputs.pop().filter(|(of, _)| *of == decided.referral);
        let Some(((_, input), known)) = found.zip(making.input) else {
            return Ok(Recomputation::InputGone.into());
        };
        // What cannot be read is not what was decided on.
        let input = match input {
            Ok(input) if Digest::of_input(&input) == known => input,
            Ok(_) | Err(_) => return Ok(Recomputation::InputChanged.into()),
        };
        let (decided, making) = (decided.clone(), making);
        tokio::task::spawn_blocking(move || Self::compare(&set, &input, &decided, &making))
            .await
            .map_err(|_| Error::internal("deciding did not end"))?
    }

    fn compare(
        set: &Loaded,
        input: &CaseInput,
        decided: &Decided,
        making: &Making,
    ) -> Result<Came> {
        let decision = Self::decide(&set.rules, &input.as_input())?;
        let digest = Digest::of_decision(&decision)?;
        if digest == making.decision {
            return Ok(Came(Recomputation::Same, Some(digest), None));
        }
        let again = unnamed(decision, decided.referral, decided.at);
        Ok(Came(Recomputation::Different, Some(digest), Some(again)))
    }

    /// The rule set of this version: the one in use where it is that, else from what is kept; nothing where it is
    /// not kept, or cannot be loaded. One that is not in use is loaded by one call at a time, and the last one
    /// is held for the next.
    async fn rule_set(&self, version: &str) -> Result<Option<Arc<Loaded>>> {
        let in_use = self.parts.rules.in_use();
        if in_use.active.version() == version {
            return Ok(Some(Arc::clone(&in_use.active)));
        }
        let mut last = self.recomputing_by.lock().await;
        if let Some(set) = last.as_ref().filter(|set| set.version() == version) {
            return Ok(Some(Arc::clone(set)));
        }
        let db = self.parts.db.reader();
        let Some(digest) = store::digest_of(db, version).await? else {
            return Ok(None);
        };
        let checked = match store::files_of(db, version).await {
            Ok(files) => Loaded::check(version, digest, files).await,
            // Not of the decision, as the caller would read it.
            Err(error) if error.kind() == ErrorKind::NotFound => Err(error),
            Err(error) => return Err(error),
        };
        match checked {
            Ok(loaded) => {
                let loaded = Arc::new(loaded);
                *last = Some(Arc::clone(&loaded));
                Ok(Some(loaded))
            }
            Err(error) => {
                tracing::error!(
                    rule_set = version,
                    cause = %error.chain(),
                    "the rule set {version} cannot be loaded, and its decisions not be made again"
                );
                Ok(None)
            }
        }
    }
}
