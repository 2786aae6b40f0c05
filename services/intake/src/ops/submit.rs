//! Submitting a referral.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use liaison_grpc::wire;
use liaison_policy::{Decided, SubmissionFacts};
use liaison_store::audit;
use liaison_telemetry::propagation;
use liaison_types::{Error, ErrorKind, Party, Reason, ReferralId, Result};
use uuid::Uuid;

use super::{Core, Ops, counted};
use crate::domain::{
    Actor, Chain, Clocks, NewStep, Referral, ReferralState, ReferralStep, Series, Submission,
    review,
};
use crate::store::{self, NewReferral, Record};

impl Ops {
    /// Takes a complete submission. When it returns, the referral is durable; with the same request id
    /// and body again it returns what it returned first.
    ///
    /// # Errors
    /// OFFICER_REQUIRED where the submission is flagged for review and names no acting officer: the
    /// reviewer has to be somebody else. REQUEST_ID_REUSED where the owner used the request id for
    /// another body; where the database refuses.
    pub async fn submit(&self, submission: Submission) -> Result<Referral> {
        let request_id = submission
            .request_id
            .ok_or_else(|| Error::internal("a submission to be kept came without a request id"))?;
        let new = self.screened(submission, request_id)?;
        self.submissions.call(Arc::new(new)).await
    }

    /// What [`Ops::submit`] would say of state and clocks. Nothing is kept, and the referral has no
    /// name and no reference.
    ///
    /// # Errors
    /// As [`Ops::submit`], without those of the database.
    pub fn check(&self, submission: Submission) -> Result<Referral> {
        let new = self.screened(submission, Uuid::nil())?;
        Ok(Referral {
            last_position: 0,
            version: 0,
            ..new.referral(String::new())
        })
    }

    fn screened(&self, mut submission: Submission, request_id: Uuid) -> Result<NewReferral> {
        let core = &self.core;
        let now = core.clock.now();
        let id = ReferralId::new(now, core.random.as_ref());
        let (decided, step) = core.screening(&submission);
        let state = review::next(ReferralState::Submitted, step)?;
        if state == ReferralState::UnderReview && submission.officer.is_none() {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                Reason::OfficerRequired,
            ));
        }
        let mut chain = Chain::new(id);
        let received = NewStep {
            step: ReferralStep::Submitted,
            state: ReferralState::Submitted,
            at: now,
            actor: submitter(&submission),
            unit: None,
            detail: String::new(),
            content: Some(submission.digest),
        };
        let result = NewStep {
            step,
            state,
            at: now,
            actor: Actor::machine(core.service.clone()),
            unit: None,
            detail: decided.rule().to_owned(),
            content: None,
        };
        let mut steps = [chain.append(received), chain.append(result)];
        core.sign(&mut steps);
        let (key, wrapped) = core.vault.new_key(id.uuid());
        let content = std::mem::take(&mut submission.content);
        let content = core.vault.seal(&key, store::content_cell(id), &content);
        Ok(NewReferral {
            id,
            content,
            key: wrapped,
            clocks: Clocks::new(submission.kind, submission.urgency, now),
            submission,
            request_id,
            received_at: now,
            state,
            decided,
            steps,
            chain,
            traceparent: propagation::current_traceparent(),
        })
    }
}

fn submitter(submission: &Submission) -> Actor {
    Actor {
        party: submission.owner.clone(),
        officer: submission.officer.clone(),
    }
}

impl Core {
    /// What policy says of a submission, and the step it leads to.
    fn screening(&self, submission: &Submission) -> (Decided, ReferralStep) {
        let facts = SubmissionFacts {
            offences: &submission.offences,
            markings: &submission.markings,
            minor_suspected: submission.minor_suspected(),
        };
        let decided = self.policy.decide(facts.facts());
        // No rule set refuses here, and would one, a person had to look.
        let step = if decided.is_allowed() {
            ReferralStep::Admitted
        } else {
            ReferralStep::ReviewRequested
        };
        (decided, step)
    }
}

/// What becomes of one request of a batch.
enum Place {
    /// Stored now, as the one at this place among the new.
    New(usize),
    /// Stored before, with this first answer.
    Known(Box<Referral>),
    /// Stored before, for another body.
    Reused,
}

/// Stores a batch in one transaction: eight statements, whatever its size.
pub(super) async fn submit_all(
    core: &Core,
    batch: &[Arc<NewReferral>],
) -> Result<Vec<Result<Referral>>> {
    let series: Vec<Series> = batch
        .iter()
        .map(|new| series_of(new))
        .collect::<Result<_>>()?;
    let series = series.as_slice();
    let answers = core
        .db
        .write_tx("intake.submit", |tx| {
            Box::pin(async move {
                let requests: Vec<Uuid> = batch.iter().map(|new| new.request_id).collect();
                let known = store::find_requests(tx, &requests).await?;
                let known: Requests = known
                    .into_iter()
                    .map(|known| ((known.owner, known.request_id), known.record))
                    .collect();
                let (places, fresh) = sort_out(batch, &known);
                let new: Vec<&Arc<NewReferral>> =
                    fresh.iter().map(|place| &batch[*place]).collect();
                store::insert_contents(tx, &new).await?;
                audit::record(tx, entries(core, &new)).await?;
                // Late, because from here to the commit other batches of the same owners wait: numbers
                // have no gaps. A request that another batch has stored since it was looked for
                // violates the unique key below, and the repetition of the transaction finds it.
                let series = fresh.iter().map(|place| &series[*place]);
                let mut numbers = store::reserve(tx, &counted(series.clone().cloned())).await?;
                let new: Vec<(Arc<NewReferral>, Referral)> = new
                    .into_iter()
                    .zip(series)
                    .map(|(new, series)| {
                        let reference = series.reference(next_number(&mut numbers, series)?);
                        Ok((Arc::clone(new), new.referral(reference)))
                    })
                    .collect::<Result<_>>()?;
                store::insert_referrals(tx, &new).await?;
                let now = core.clock.now();
                core.outbox.enqueue(tx, now, events(core, &new)).await?;
                Ok(answers(places, &new))
            })
        })
        .await?;
    Ok(answers)
}

type Requests = HashMap<(Party, Uuid), Record>;

fn series_of(new: &NewReferral) -> Result<Series> {
    Series::of(&new.submission.owner, new.received_at)
        .ok_or_else(|| Error::new(ErrorKind::PermissionDenied, Reason::CallerNotAllowed))
}

/// Which requests are new, by their place in the batch, and what becomes of each. Of several with one
/// request id the first is new.
fn sort_out(batch: &[Arc<NewReferral>], known: &Requests) -> (Vec<Place>, Vec<usize>) {
    let mut places = Vec::with_capacity(batch.len());
    let mut fresh: Vec<usize> = Vec::with_capacity(batch.len());
    let mut seen: HashMap<(&Party, Uuid), usize> = HashMap::with_capacity(batch.len());
    for (index, new) in batch.iter().enumerate() {
        let owner = &new.submission.owner;
        let digest = &new.submission.digest;
        if let Some(record) = known.get(&(owner.clone(), new.request_id)) {
            places.push(if record.body_digest == *digest {
                Place::Known(Box::new(record.clone().first_answer()))
            } else {
                Place::Reused
            });
        } else if let Some(at) = seen.get(&(owner, new.request_id)) {
            let same = batch[fresh[*at]].submission.digest == *digest;
            places.push(if same { Place::New(*at) } else { Place::Reused });
        } else {
            seen.insert((owner, new.request_id), fresh.len());
            places.push(Place::New(fresh.len()));
            fresh.push(index);
        }
    }
    (places, fresh)
}

fn next_number(numbers: &mut BTreeMap<Series, i64>, series: &Series) -> Result<i64> {
    let next = numbers
        .get_mut(series)
        .ok_or_else(|| Error::internal("no numbers were reserved for a series of the batch"))?;
    let number = *next;
    *next += 1;
    Ok(number)
}

fn entries(core: &Core, new: &[&Arc<NewReferral>]) -> Vec<audit::AuditEntry> {
    new.iter()
        .map(|new| {
            let actor = submitter(&new.submission);
            let subject = wire::resource(new.id);
            let (at, decided) = (new.received_at, &new.decided);
            let mut entry = core.decided_entry(at, &actor, "intake.submit", subject, decided);
            entry.request_id = Some(new.request_id.to_string());
            entry
        })
        .collect()
}

/// Both steps for the owner; what is admitted goes on to classification.
fn events(core: &Core, new: &[(Arc<NewReferral>, Referral)]) -> Vec<liaison_outbox::NewEvent> {
    let mut events = Vec::with_capacity(new.len() * 3);
    for (new, referral) in new {
        let trace = new.traceparent.as_deref();
        for step in &new.steps {
            events.push(core.publisher.changed(referral, step, trace));
        }
        if new.state == ReferralState::Admitted {
            events.push(core.publisher.admitted(referral, &new.steps[1], trace));
        }
    }
    events
}

fn answers(places: Vec<Place>, new: &[(Arc<NewReferral>, Referral)]) -> Vec<Result<Referral>> {
    places
        .into_iter()
        .map(|place| match place {
            Place::New(index) => Ok(new[index].1.clone()),
            Place::Known(first) => Ok(*first),
            Place::Reused => Err(Error::new(
                ErrorKind::AlreadyExists,
                Reason::RequestIdReused,
            )),
        })
        .collect()
}
