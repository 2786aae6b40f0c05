//! The owner's answer to a share that waits for it.

use liaison_grpc::wire;
use liaison_policy::Decided;
use liaison_policy::attribute::Consent;
use liaison_runtime::record_decision;
use liaison_store::sealed::DataKey;
use liaison_store::{Tx, audit};
use liaison_telemetry::propagation;
use liaison_types::{Error, Result, ShareId};

use super::share_referral::denied;
use super::{Core, Ops, PERMIT, content_purged};
use crate::domain::{Actor, ReferralStep, Share, ShareStep, Words};
use crate::store::{self, Record};

const ACTION: &str = "intake.decide_consent";

/// What an owner answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The share.
    pub id: ShareId,
    /// Who answers, for the owner.
    pub actor: Actor,
    /// Whether it may be passed on.
    pub give: bool,
    /// Why.
    pub reason: Words,
}

impl Ops {
    /// Gives or refuses consent. What is consented to is shared in the same transaction, as far as policy
    /// still permits it.
    ///
    /// # Errors
    /// NOT_FOUND where there is no such share and where it is not the caller's to answer; ILLEGAL_STATE
    /// where it does not wait for an answer any more; POLICY_DENIED where a rule forbids it meanwhile;
    /// CONTENT_PURGED where there is nothing left to pass on.
    pub async fn decide_consent(&self, answer: &Answer) -> Result<Share> {
        let core = &*self.core;
        let trace = propagation::current_traceparent();
        let trace = trace.as_deref();
        let decided = core
            .db
            .write_tx("intake.decide_consent", |tx| {
                Box::pin(async move { core.answer(tx, answer, trace).await })
            })
            .await?;
        decided.map_err(|refusal| denied(&refusal))
    }
}

impl Core {
    /// The share after the answer, or what forbids it, which is kept as well.
    async fn answer(
        &self,
        tx: &Tx<'_>,
        answer: &Answer,
        trace: Option<&str>,
    ) -> Result<Result<Share, Decided>> {
        let (record, key, mut share) = self.locked_share(tx, answer.id).await?;
        if share.owner != answer.actor.party {
            return Err(Error::not_found());
        }
        let key = key.ok_or_else(content_purged)?;
        let now = self.clock.now();
        let step = if answer.give {
            ShareStep::Give
        } else {
            ShareStep::Refuse
        };
        let told = share.take(step, now)?;
        let subject = wire::resource(share.id);
        let mut entry = self.entry(now, &answer.actor, ACTION, subject, PERMIT);
        entry.purpose = Some(told.as_str().to_owned());
        let mut steps = vec![told];
        if answer.give {
            let (asked, recipient) = (&share.requested_by, &share.recipient);
            let decided = self
                .may_share(tx, &record, asked, recipient, share.terms, Consent::Given)
                .await?;
            record_decision(&mut entry, &decided);
            if !decided.is_allowed() {
                audit::record(tx, vec![entry]).await?;
                return Ok(Err(decided));
            }
            share.rules = decided.rules();
            steps.push(ReferralStep::Shared);
        }
        audit::record(tx, vec![entry]).await?;
        share.decided_by = Some(answer.actor.clone());
        share.decision_reason = answer.reason.clone();
        store::save_share(tx, &self.vault, &key, &share).await?;
        self.told(tx, record, &share, &steps, &answer.actor, now, trace)
            .await?;
        Ok(Ok(share))
    }

    /// A share with its referral, which is locked, and the key of its words unless the content was purged.
    ///
    /// # Errors
    /// NOT_FOUND where there is none.
    pub(super) async fn locked_share(
        &self,
        tx: &Tx<'_>,
        id: ShareId,
    ) -> Result<(Record, Option<DataKey>, Share)> {
        let referral = store::find_share(tx, id)
            .await?
            .ok_or_else(Error::not_found)?;
        let record = store::lock(tx, &[referral]).await?.pop();
        let record = record.ok_or_else(Error::not_found)?;
        let key = if record.is_purged() {
            None
        } else {
            Some(self.vault.key(tx, referral.uuid()).await?)
        };
        let share = store::lock_share(tx, key.as_ref(), id).await?;
        Ok((record, key, share.ok_or_else(Error::not_found)?))
    }
}
