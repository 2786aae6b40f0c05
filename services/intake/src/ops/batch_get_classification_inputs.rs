//! What classification reads: contents, in batches.

use std::collections::HashMap;

use liaison_grpc::wire;
use liaison_store::audit;
use liaison_types::{Party, ReferralId, Result};

use super::{Ops, PERMIT, only};
use crate::domain::Actor;
use crate::store;

const SERVICE: &str = "service/classification";
const ACTION: &str = "intake.get_classification_input";
const RULE: &str = "view.classification";

/// The most bytes of content in one answer. With the names it stays below the 4 MiB that a message
/// may have.
const MAX_BYTES: usize = 3 << 20;

/// Whether `caller` is the service that classifies; the first question, before anything is read.
///
/// # Errors
/// CALLER_NOT_ALLOWED where it is not.
pub fn may_read(caller: &Party) -> Result<()> {
    only(caller, SERVICE)
}

impl Ops {
    /// The encoded contents of those of `ids` that are admitted, in the order of `ids`, as many as fit
    /// one answer; at least one. The caller asks again for what is left.
    ///
    /// Each reading is in the audit. It is no step of the history: a machine's reading of every
    /// referral would tell the owner nothing, and would make each wait for the referral's lock.
    ///
    /// # Errors
    /// CALLER_NOT_ALLOWED for anybody but classification; where the database refuses.
    pub async fn batch_get_classification_inputs(
        &self,
        caller: &Party,
        ids: &[ReferralId],
    ) -> Result<Vec<(ReferralId, Vec<u8>)>> {
        may_read(caller)?;
        let core = &*self.core;
        let actor = &Actor::machine(caller.clone());
        let contents = core
            .db
            .write_tx("intake.get_classification_inputs", |tx| {
                Box::pin(async move {
                    let contents = match ids {
                        // It fits, whatever its size.
                        [_] => store::contents(tx, &core.vault, ids).await?,
                        _ => {
                            let sizes = store::content_sizes(tx, ids).await?;
                            let sizes = sizes.into_iter().collect();
                            store::contents(tx, &core.vault, &fitting(ids, &sizes)).await?
                        }
                    };
                    let now = core.clock.now();
                    let entries = contents.iter().map(|(id, _)| {
                        let subject = wire::resource(*id);
                        let mut entry = core.entry(now, actor, ACTION, subject, PERMIT);
                        entry.rules = vec![RULE.to_owned()];
                        entry
                    });
                    audit::record(tx, entries.collect()).await?;
                    Ok(contents)
                })
            })
            .await?;
        let mut contents: HashMap<ReferralId, Vec<u8>> = contents.into_iter().collect();
        Ok(ids
            .iter()
            .filter_map(|id| contents.remove(id).map(|content| (*id, content)))
            .collect())
    }
}

/// The first of `ids` that are there and fit one answer together; the very first one in any case.
fn fitting(ids: &[ReferralId], sizes: &HashMap<ReferralId, usize>) -> Vec<ReferralId> {
    let mut left = MAX_BYTES;
    let mut taken = Vec::with_capacity(ids.len());
    for (id, size) in ids
        .iter()
        .filter_map(|id| sizes.get(id).map(|size| (*id, *size)))
    {
        if size > left && !taken.is_empty() {
            break;
        }
        left = left.saturating_sub(size);
        taken.push(id);
    }
    taken
}
