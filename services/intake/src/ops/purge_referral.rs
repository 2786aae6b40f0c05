//! Destroying the content of a referral.

use liaison_grpc::wire;
use liaison_policy::attribute::{Retention, Stage};
use liaison_policy::{Decided, PurgeFacts, clock};
use liaison_store::{Tx, audit};
use liaison_telemetry::propagation;
use liaison_types::{Error, ErrorKind, Party, Reason, ReferralId, Result, Timestamp};

use super::share_referral::denied;
use super::{Core, Ops, access, stage};
use crate::domain::{Actor, NewStep, Referral, ReferralState, ReferralStep, ShareState, ShareStep};
use crate::store::{self, Change, Record};

const ACTION: &str = "intake.purge_referral";
/// More shares than a referral ever has.
const ALL_SHARES: u64 = u32::MAX as u64;

/// Who wants the content of which referral destroyed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Purge {
    /// The referral.
    pub id: ReferralId,
    /// Who.
    pub actor: Actor,
    /// The referral as they read it; not checked where absent.
    pub etag: Option<String>,
}

/// What became of the wish.
enum Outcome {
    Purged(Box<Referral>),
    Hidden,
    Denied(Decided),
}

impl Ops {
    /// Destroys the data key of a referral, its dossier and everything that was written about it, ends its
    /// shares, and has the other services destroy what they keep. The envelope, the history and the digest
    /// of the dossier stay. Everybody who could open the dossier is told. Again, it changes nothing. What
    /// is refused is in the audit too.
    ///
    /// # Errors
    /// NOT_FOUND where there is no such referral and where it is hidden; POLICY_DENIED with the rules;
    /// STALE_ETAG where it changed since it was read.
    pub async fn purge_referral(&self, purge: &Purge) -> Result<Referral> {
        let core = &*self.core;
        let trace = propagation::current_traceparent();
        let trace = trace.as_deref();
        let outcome = core
            .db
            .write_tx("intake.purge_referral", |tx| {
                Box::pin(async move { core.purge(tx, purge, trace).await })
            })
            .await?;
        match outcome {
            Outcome::Purged(referral) => Ok(*referral),
            Outcome::Hidden => Err(Error::not_found()),
            Outcome::Denied(refusal) => Err(denied(&refusal)),
        }
    }
}

impl Core {
    async fn purge(&self, tx: &Tx<'_>, purge: &Purge, trace: Option<&str>) -> Result<Outcome> {
        let Purge { id, actor, etag } = purge;
        let record = store::lock(tx, &[*id]).await?.pop();
        let access = access(tx, &actor.party, *id).await?;
        let Some(record) = record.filter(|record| {
            let facts = self.view(&actor.party, &record.referral, &access);
            self.policy.decide(facts.envelope()).is_allowed()
        }) else {
            return Ok(Outcome::Hidden);
        };
        let now = self.clock.now();
        let referral = &record.referral;
        let decided = self.may_purge(tx, &record, actor, now).await?;
        let permitted = decided.is_allowed();
        if permitted && record.is_purged() {
            return Ok(Outcome::Purged(Box::new(record.referral)));
        }
        if permitted && etag.as_ref().is_some_and(|etag| *etag != referral.etag()) {
            return Err(Error::new(ErrorKind::Aborted, Reason::StaleEtag));
        }
        let entry = self.decided_entry(now, actor, ACTION, wire::resource(*id), &decided);
        audit::record(tx, vec![entry]).await?;
        if !permitted {
            return Ok(Outcome::Denied(decided));
        }
        let (record, recipients) = self.end_shares(tx, record, actor, now, trace).await?;
        let referral = self
            .destroy(tx, record, actor, decided.rule(), &recipients, now, trace)
            .await?;
        Ok(Outcome::Purged(Box::new(referral)))
    }

    /// What policy says of destroying the content of `record`. What the duty desk refused is not over while a
    /// unit still has a share of it: the unit may just have committed itself, which routing decides, and what
    /// it works on must not be destroyed.
    pub(super) async fn may_purge(
        &self,
        tx: &Tx<'_>,
        record: &Record,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Decided> {
        let referral = &record.referral;
        let mut stage = stage(referral.state);
        if referral.state == ReferralState::Refused {
            let grants = store::grants_of(tx, &[referral.id]).await?;
            if grants.values().flatten().any(|grant| grant.state.is_open()) {
                stage = Stage::Open;
            }
        }
        let facts = PurgeFacts {
            actor: &actor.party,
            owner: &referral.owner,
            officer: actor.officer.as_deref(),
            submitting_officer: record.submitting_officer.as_deref(),
            retention: retention(referral.received_at, now),
            legal_hold: false,
            stage,
        };
        Ok(self.policy.decide(facts.facts()))
    }

    /// Ends what is shared or waits to be. Answers who could open the dossier besides its owner: those it
    /// was shared with, and the units that had it assigned.
    async fn end_shares(
        &self,
        tx: &Tx<'_>,
        mut record: Record,
        actor: &Actor,
        now: Timestamp,
        trace: Option<&str>,
    ) -> Result<(Record, Vec<Party>)> {
        let id = record.referral.id;
        let key = self.vault.key(tx, id.uuid()).await?;
        let shares = store::shares_of(tx, &self.vault, id, None, ALL_SHARES).await?;
        let mut grants = store::grants_of(tx, &[id]).await?;
        let mut recipients: Vec<Party> = grants
            .remove(&id)
            .into_iter()
            .flatten()
            .map(|grant| Party::Unit(grant.unit))
            .collect();
        for mut share in shares {
            if share.was_received() {
                recipients.push(share.recipient.clone());
            }
            let open = [ShareState::AwaitingConsent, ShareState::Active];
            if open.contains(&share.state) {
                let step = share.take(ShareStep::End, now)?;
                store::save_share(tx, &self.vault, &key, &share).await?;
                record = self
                    .told(tx, record, &share, &[step], actor, now, trace)
                    .await?;
            }
        }
        recipients.sort_unstable();
        recipients.dedup();
        Ok((record, recipients))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a step is what happened, to what, by whom, by which rule, when and in which trace"
    )]
    async fn destroy(
        &self,
        tx: &Tx<'_>,
        mut record: Record,
        actor: &Actor,
        rule: &str,
        recipients: &[Party],
        now: Timestamp,
        trace: Option<&str>,
    ) -> Result<Referral> {
        let id = record.referral.id;
        store::destroy_content(tx, &self.vault, id).await?;
        let mut step = record.chain.append(NewStep {
            step: ReferralStep::ContentPurged,
            state: ReferralState::Purged,
            at: now,
            actor: actor.clone(),
            unit: None,
            detail: rule.to_owned(),
            content: Some(record.body_digest),
        });
        self.sign(std::slice::from_mut(&mut step));
        record.review_note = None;
        let referral = &mut record.referral;
        referral.state = ReferralState::Purged;
        (referral.updated_at, referral.last_position) = (now, step.position);
        referral.version += 1;
        store::save(tx, Change::Purge, [&record]).await?;
        store::append(tx, vec![(id, &step)]).await?;
        let referral = record.referral;
        let told = self.publisher.informed(&referral, &step, recipients, trace);
        let purged = self.publisher.purged(&referral, &step, trace);
        let events = std::iter::once(told).chain(purged).collect();
        self.outbox.enqueue(tx, now, events).await?;
        Ok(referral)
    }
}

/// Whether the time has ended for which content is kept.
fn retention(received_at: Timestamp, now: Timestamp) -> Retention {
    if received_at + clock::retention().length <= now {
        Retention::Expired
    } else {
        Retention::Running
    }
}
