//! Deciding on a flagged referral.

use liaison_grpc::wire;
use liaison_policy::ReviewFacts;
use liaison_store::Tx;
use liaison_store::audit;
use liaison_telemetry::propagation;
use liaison_types::{Error, ErrorKind, Party, Reason, ReferralId, Result};

use super::{Core, Ops, only};
use crate::domain::{Actor, NewStep, Referral, ReferralState, ReferralStep, RefusalGround, review};
use crate::store::{self, Change};

const DESK: &str = "desk/compliance";
const ACTION: &str = "intake.decide_review";

/// What a reviewer finds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReviewVerdict {
    /// Admissible.
    Compliant,
    /// Refused on this ground.
    NonCompliant(RefusalGround),
}

/// A reviewer's decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// The referral.
    pub id: ReferralId,
    /// Who decides: the compliance desk.
    pub desk: Party,
    /// The officer who answers for it.
    pub officer: String,
    /// What they find.
    pub verdict: ReviewVerdict,
    /// Their reasoning.
    pub reason: String,
    /// The referral as they read it; not checked where absent.
    pub etag: Option<String>,
}

/// Whether `caller` is the desk that reviews; the first question, before anything is read.
///
/// # Errors
/// CALLER_NOT_ALLOWED where it is not.
pub fn may_review(caller: &Party) -> Result<()> {
    only(caller, DESK)
}

impl Ops {
    /// Admits or refuses a referral that is under review.
    ///
    /// # Errors
    /// NOT_FOUND where there is none; SEPARATION_OF_DUTIES where the officer submitted it; STALE_ETAG
    /// where it changed since it was read; ILLEGAL_STATE where it is not under review.
    pub async fn decide_review(&self, verdict: &Verdict) -> Result<Referral> {
        may_review(&verdict.desk)?;
        let core = &*self.core;
        let trace = propagation::current_traceparent();
        let trace = trace.as_deref();
        let referral = core
            .db
            .write_tx("intake.decide_review", |tx| {
                Box::pin(async move { core.decide(tx, verdict, trace).await })
            })
            .await??;
        Ok(referral)
    }
}

impl Core {
    /// The inner error is a refusal whose trace in the audit has to be kept.
    async fn decide(
        &self,
        tx: &Tx<'_>,
        verdict: &Verdict,
        trace: Option<&str>,
    ) -> Result<Result<Referral>> {
        let mut record = store::lock(tx, &[verdict.id])
            .await?
            .pop()
            .ok_or_else(Error::not_found)?;
        let now = self.clock.now();
        let actor = Actor {
            party: verdict.desk.clone(),
            officer: Some(verdict.officer.clone()),
        };
        let facts = ReviewFacts {
            reviewer: &verdict.desk,
            officer: Some(&verdict.officer),
            submitting_officer: record.submitting_officer.as_deref(),
        };
        let decided = self.policy.decide(facts.facts());
        let subject = wire::resource(verdict.id);
        let mut entry = self.decided_entry(now, &actor, ACTION, subject, &decided);
        if !decided.is_allowed() {
            audit::record(tx, vec![entry]).await?;
            return Ok(Err(Error::new(
                ErrorKind::PermissionDenied,
                Reason::SeparationOfDuties,
            )
            .metadata("rules", decided.rules().join(" "))));
        }
        if verdict
            .etag
            .as_ref()
            .is_some_and(|etag| *etag != record.referral.etag())
        {
            return Err(Error::new(ErrorKind::Aborted, Reason::StaleEtag));
        }
        let (step, ground) = match verdict.verdict {
            ReviewVerdict::Compliant => (ReferralStep::Admitted, None),
            ReviewVerdict::NonCompliant(ground) => (ReferralStep::Refused, Some(ground)),
        };
        let state = review::next(record.referral.state, step)?;
        let detail = ground.map_or_else(|| decided.rule(), |ground| ground.as_str());
        let mut step = record.chain.append(NewStep {
            step,
            state,
            at: now,
            actor: actor.clone(),
            unit: None,
            detail: detail.to_owned(),
            content: None,
        });
        self.sign(std::slice::from_mut(&mut step));
        let key = self.vault.key(tx, verdict.id.uuid()).await?;
        let cell = store::review_note_cell(verdict.id);
        record.review_note = Some(self.vault.seal(&key, cell, verdict.reason.as_bytes()));
        let referral = &mut record.referral;
        (referral.state, referral.refusal_ground) = (state, ground);
        (referral.updated_at, referral.last_position) = (now, step.position);
        referral.version += 1;
        let referral = referral.clone();

        let mut events = vec![self.publisher.changed(&referral, &step, trace)];
        if state == ReferralState::Admitted {
            events.push(self.publisher.admitted(&referral, &step, trace));
        }
        entry.purpose = Some(step.what.step.as_str().to_owned());
        store::save(tx, Change::Review, [&record]).await?;
        store::append(tx, vec![(verdict.id, &step)]).await?;
        audit::record(tx, vec![entry]).await?;
        self.outbox.enqueue(tx, now, events).await?;
        Ok(Ok(referral))
    }
}
