//! The content of referrals was purged: what units wrote about them goes too.

use liaison_grpc::wire;
use liaison_store::Tx;
use liaison_store::audit::{self, AuditEntry};
use liaison_types::{AuditId, Party, ReferralId, Result, Timestamp};

use super::{Ops, PERMIT};
use crate::store;

const ACTION: &str = "routing.purge";

impl Ops {
    /// Destroys titles and results of tasks and the notes of declines and completions, by destroying the
    /// data keys they are sealed under. What remains is who did what when: a later reading finds the texts
    /// empty, no task can be created any more, and what else is written is not kept. Where a referral was
    /// purged before nothing happens; where it is not known here yet, nothing will be kept of it.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn purge_referrals(
        &self,
        tx: &Tx<'_>,
        now: Timestamp,
        source: &Party,
        mut referrals: Vec<ReferralId>,
    ) -> Result<()> {
        if referrals.is_empty() {
            return Ok(());
        }
        referrals.sort_unstable();
        referrals.dedup();
        let parts = &self.core.parts;
        // Whoever writes about one of them holds one of these locks.
        let known = store::lock_cases(tx, referrals.iter().copied()).await?;
        let known = known.iter().map(|case| case.envelope.referral);
        store::lock_all(tx, [], known).await?;
        let new = store::purge(tx, &parts.vault, now, &referrals).await?;
        let entry = |referral| {
            let id = AuditId::new(now, parts.random.as_ref());
            let subject = wire::resource::<ReferralId>(referral);
            AuditEntry::new(id, now, source.clone(), ACTION, subject, PERMIT)
        };
        audit::record(tx, new.into_iter().map(entry).collect()).await
    }
}
