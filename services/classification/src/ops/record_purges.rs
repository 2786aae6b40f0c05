//! The content of referrals was purged: what the triage desk wrote about them goes too.

use liaison_store::{Tx, audit};
use liaison_types::{Result, Timestamp};

use super::{Ops, PERMIT};
use crate::convert::Purged;
use crate::store;

const ACTION: &str = "classification.purge";

impl Ops {
    /// Destroys the desk's reasoning, by destroying the data keys it is sealed under. What remains is who
    /// decided what when, by which rules: a later reading finds the reasoning empty, and what is written
    /// later is not kept. Where a referral was purged before nothing happens, and where it is not known
    /// here nothing will be kept of it.
    ///
    /// To be called in the transaction that found out that the facts are new.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn record_purges(
        &self,
        tx: &Tx<'_>,
        now: Timestamp,
        purges: &[Purged],
    ) -> Result<()> {
        let Some(Purged { source, .. }) = purges.first() else {
            return Ok(());
        };
        let mut referrals: Vec<_> = purges.iter().map(|purged| purged.referral).collect();
        referrals.sort_unstable();
        referrals.dedup();
        // Whoever decides by hand holds one of these.
        store::lock(tx, &referrals).await?;
        let core = &self.core;
        let new = store::purge(tx, &core.parts.vault, now, &referrals).await?;
        let entry = |referral| core.entry(now, source, ACTION, referral, PERMIT, Vec::new());
        audit::record(tx, new.into_iter().map(entry).collect()).await
    }
}
