//! Shares whose owner did not answer in time.

use liaison_grpc::wire;
use liaison_store::{Tx, audit};
use liaison_types::{Result, ShareId, Timestamp};

use super::{Core, Ops, content_purged};
use crate::domain::{Actor, ShareState, ShareStep};
use crate::store;

const ACTION: &str = "intake.expire_consent";
/// How it stands in the audit.
const EXPIRED: &str = "EXPIRED";
/// As many at a time.
const BATCH: u64 = 100;

impl Ops {
    /// Ends what waited too long: no answer is a refusal. Answers how many there were.
    ///
    /// # Errors
    /// Where the database refuses; what was ended before stays so.
    pub async fn expire_consents(&self) -> Result<u64> {
        let core = &*self.core;
        let mut ended = 0;
        loop {
            let now = core.clock.now();
            let due = store::expired_consents(core.db.reader(), now, BATCH).await?;
            if due.is_empty() {
                return Ok(ended);
            }
            for (id, _) in due {
                core.db
                    .write_tx("intake.expire_consent", |tx| {
                        Box::pin(async move { core.expire(tx, id, now).await })
                    })
                    .await?;
                ended += 1;
            }
        }
    }
}

impl Core {
    async fn expire(&self, tx: &Tx<'_>, id: ShareId, now: Timestamp) -> Result<()> {
        let (record, key, mut share) = self.locked_share(tx, id).await?;
        // Another replica was faster, or the owner was.
        if share.state != ShareState::AwaitingConsent {
            return Ok(());
        }
        let key = key.ok_or_else(content_purged)?;
        let step = share.take(ShareStep::Expire, now)?;
        let actor = Actor::machine(self.service.clone());
        let entry = self.entry(now, &actor, ACTION, wire::resource(id), EXPIRED);
        audit::record(tx, vec![entry]).await?;
        store::save_share(tx, &self.vault, &key, &share).await?;
        self.told(tx, record, &share, &[step], &actor, now, None)
            .await
            .map(drop)
    }
}
