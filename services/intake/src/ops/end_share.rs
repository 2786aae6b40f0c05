//! Ending a share.

use liaison_grpc::wire;
use liaison_store::{Tx, audit};
use liaison_telemetry::propagation;
use liaison_types::{Error, Result, ShareId};

use super::{Core, Ops, PERMIT, content_purged};
use crate::domain::{Actor, Share, ShareStep};
use crate::store;

const ACTION: &str = "intake.end_share";

impl Ops {
    /// Ends a share, or withdraws the wish for one: the recipient may no longer open the dossier.
    ///
    /// # Errors
    /// NOT_FOUND where there is no such share, and where the caller neither owns the referral nor asked for
    /// the share; ILLEGAL_STATE where it is over already, CONTENT_PURGED where that ended it.
    pub async fn end_share(&self, actor: &Actor, id: ShareId) -> Result<Share> {
        let core = &*self.core;
        let trace = propagation::current_traceparent();
        let trace = trace.as_deref();
        core.db
            .write_tx("intake.end_share", |tx| {
                Box::pin(async move { core.end(tx, actor, id, trace).await })
            })
            .await
    }
}

impl Core {
    async fn end(
        &self,
        tx: &Tx<'_>,
        actor: &Actor,
        id: ShareId,
        trace: Option<&str>,
    ) -> Result<Share> {
        let (record, key, mut share) = self.locked_share(tx, id).await?;
        if actor.party != share.owner && actor.party != share.requested_by.party {
            return Err(Error::not_found());
        }
        let key = key.ok_or_else(content_purged)?;
        let now = self.clock.now();
        let step = share.take(ShareStep::End, now)?;
        let entry = self.entry(now, actor, ACTION, wire::resource(id), PERMIT);
        audit::record(tx, vec![entry]).await?;
        store::save_share(tx, &self.vault, &key, &share).await?;
        self.told(tx, record, &share, &[step], actor, now, trace)
            .await?;
        Ok(share)
    }
}
