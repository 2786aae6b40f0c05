//! Taking in what the other services tell.

use std::collections::HashMap;

use liaison_outbox::NewEvent;
use liaison_store::Tx;
use liaison_types::{AssignmentId, Error, ReferralId, Result, Timestamp};

use super::{Core, Ops};
use crate::domain::{
    Admission, Fact, Grant, NewStep, Progress, ReferralStep, Step, with_indirect_access,
};
use crate::store::{self, Change, Record};

/// A fact and the trace it belongs to.
#[derive(Clone, Debug)]
pub struct ToldFact {
    /// The fact.
    pub fact: Fact,
    /// Its trace.
    pub traceparent: Option<String>,
}

/// A referral while facts about it are taken in.
struct Open {
    record: Record,
    progress: Progress,
    /// The shares as they are stored.
    stored: HashMap<AssignmentId, Grant>,
    steps: Vec<Step>,
}

impl Ops {
    /// Takes facts in, in their order: each is one step of the history, changes the state as
    /// [`Progress`] says, and is told to the owner. Grants begin and end here. A fixed number of
    /// statements, whatever the number of facts.
    ///
    /// To be called in the transaction that found out that the facts are new.
    ///
    /// # Errors
    /// NOT_FOUND where there is no such referral, ILLEGAL_STATE where it is not admitted: neither will
    /// change, for facts come only after admission.
    pub async fn record_facts(
        &self,
        tx: &Tx<'_>,
        now: Timestamp,
        facts: &[ToldFact],
    ) -> Result<()> {
        let core = &*self.core;
        let mut ids: Vec<ReferralId> = facts.iter().map(|told| told.fact.referral).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut open = read(tx, &ids).await?;
        let mut events = Vec::with_capacity(facts.len());
        for told in facts {
            let open = open
                .get_mut(&told.fact.referral)
                .ok_or_else(Error::not_found)?;
            events.extend(core.take_in(open, told, now)?);
        }
        for open in open.values_mut() {
            core.sign(&mut open.steps);
        }
        write(tx, &ids, &open).await?;
        self.core.outbox.enqueue(tx, now, events).await
    }
}

impl Core {
    fn take_in(
        &self,
        open: &mut Open,
        told: &ToldFact,
        now: Timestamp,
    ) -> Result<Option<NewEvent>> {
        let fact = &told.fact;
        if open.progress.admission != Admission::Admitted {
            let state = open.record.referral.state.as_str();
            let step = fact
                .trace()
                .map_or("ASSIGNMENT", |trace| trace.step.as_str());
            return Err(Error::illegal_state(step, state));
        }
        open.progress.apply(fact);
        let progress = &open.progress;
        let referral = &mut open.record.referral;
        referral.state = progress.state();
        referral.lead = progress.lead().map(|lead| lead.unit.clone());
        referral.supporting = progress.supporting();
        referral.outcome = progress.outcome();
        referral.refusal_ground = progress.refusal();
        open.record.classification = progress.classification;
        if fact.declares_indirect_access() {
            let received_at = referral.received_at;
            referral.completion = with_indirect_access(referral.completion, received_at);
        }
        let Some(mut trace) = fact.trace() else {
            return Ok(None);
        };
        if trace.step == ReferralStep::Refused && referral.refusal_ground.is_none() {
            // A unit has committed itself to lead: it is said of it, and it is not refused.
            trace.step = ReferralStep::Classified;
        }
        let step = open.record.chain.append(NewStep {
            step: trace.step,
            state: referral.state,
            at: fact.at,
            actor: fact.actor.clone(),
            unit: trace.unit,
            detail: trace.detail,
            content: None,
        });
        (referral.updated_at, referral.last_position) = (now, step.position);
        referral.version += 1;
        let event = self
            .publisher
            .changed(referral, &step, told.traceparent.as_deref());
        open.steps.push(step);
        Ok(Some(event))
    }
}

async fn read(tx: &Tx<'_>, ids: &[ReferralId]) -> Result<HashMap<ReferralId, Open>> {
    let records = store::lock(tx, ids).await?;
    let mut grants = store::grants_of(tx, ids).await?;
    Ok(records
        .into_iter()
        .map(|record| {
            let id = record.referral.id;
            let grants = grants.remove(&id).unwrap_or_default();
            let stored = grants
                .iter()
                .map(|grant| (grant.assignment, grant.clone()))
                .collect();
            let progress = Progress {
                admission: record.admission(),
                classification: record.classification,
                grants,
                purged: record.is_purged(),
            };
            (
                id,
                Open {
                    record,
                    progress,
                    stored,
                    steps: Vec::new(),
                },
            )
        })
        .collect())
}

/// In the order of the ids, in which the rows are locked.
async fn write(tx: &Tx<'_>, ids: &[ReferralId], open: &HashMap<ReferralId, Open>) -> Result<()> {
    let open: Vec<&Open> = ids.iter().filter_map(|id| open.get(id)).collect();
    let grants = |wanted: fn(Option<&Grant>, &Grant) -> bool| {
        open.iter().flat_map(move |open| {
            let id = open.record.referral.id;
            open.progress
                .grants
                .iter()
                .filter(move |grant| wanted(open.stored.get(&grant.assignment), grant))
                .map(move |grant| (id, grant))
        })
    };
    let new = grants(|stored, _| stored.is_none()).collect::<Vec<_>>();
    let changed =
        grants(|stored, grant| stored.is_some_and(|stored| stored != grant)).collect::<Vec<_>>();
    store::save_grants(tx, new, changed).await?;
    store::save(tx, Change::Progress, open.iter().map(|open| &open.record)).await?;
    let mut steps = Vec::new();
    for open in open {
        steps.extend(
            open.steps
                .iter()
                .map(|step| (open.record.referral.id, step)),
        );
    }
    store::append(tx, steps).await
}
