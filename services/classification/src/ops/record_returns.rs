//! Cases come back from routing: people decide again.

use std::collections::{BTreeMap, HashMap};

use liaison_store::Tx;
use liaison_types::{Error, ReferralId, Result, Rule, Timestamp, Violation};

use super::{Core, Ops};
use crate::case::{Case, CaseState, CaseStep};
use crate::convert::{Returned, Sealed};
use crate::desk::Item;
use crate::store::{self, Conclusion, ItemChange};

const ACTION: &str = "classification.reopen";
const REVIEW: &str = "REVIEW";

impl Ops {
    /// Puts cases that came back to the desk, in their order, by a fixed number of statements.
    /// Units that declined are remembered; they must not lead any more. A return of a decision that
    /// was replaced since has no effect, but what a unit says of the decision is kept.
    ///
    /// To be called in the transaction that found out that the facts are new.
    ///
    /// # Errors
    /// NOT_FOUND where there is no such case; INVALID_ARGUMENT where it names a decision that was
    /// never made. Neither will change.
    pub async fn record_returns(
        &self,
        tx: &Tx<'_>,
        now: Timestamp,
        returns: &[Returned],
    ) -> Result<()> {
        if returns.is_empty() {
            return Ok(());
        }
        let mut referrals: Vec<ReferralId> = returns.iter().map(|back| back.referral).collect();
        referrals.sort_unstable();
        referrals.dedup();
        let mut cases: BTreeMap<ReferralId, Case> = store::lock(tx, &referrals)
            .await?
            .into_iter()
            .map(|case| (case.referral, case))
            .collect();
        let items = store::items_of(tx, &referrals).await?;
        let mut conclusions = Vec::with_capacity(returns.len());
        let mut exercises = HashMap::new();
        for back in returns {
            let case = cases.get_mut(&back.referral).ok_or_else(Error::not_found)?;
            let known = items.contains_key(&back.referral);
            let envelope = Sealed::of(case)?;
            exercises.insert(back.referral, envelope.facts.exercise);
            conclusions.extend(self.core.reopen(case, &envelope, back, known, now)?);
        }
        self.core
            .keep_wrong_units(tx, now, returns, &exercises)
            .await?;
        let conclusions: Vec<&Conclusion> = conclusions.iter().collect();
        store::write(
            tx,
            &self.core.parts.vault,
            &self.core.parts.outbox,
            now,
            &conclusions,
        )
        .await
    }
}

impl Core {
    /// What becomes of `case`; nothing where it is not with routing by that decision.
    fn reopen(
        &self,
        case: &mut Case,
        envelope: &Sealed,
        back: &Returned,
        known: bool,
        now: Timestamp,
    ) -> Result<Option<Conclusion>> {
        if back.revision > case.revision {
            let range = Rule::OutOfRange(1, i64::from(case.revision));
            return Err(Error::invalid(vec![Violation::new("revision", range)]));
        }
        if back.revision < case.revision || case.state != CaseState::Routed {
            tracing::info!(
                referral.id = %case.referral,
                revision = back.revision,
                "a return of {} is out of date",
                case.referral
            );
            return Ok(None);
        }
        case.state = case.state.next(CaseStep::Return)?;
        case.exclude(back.declined.iter().cloned());
        let trace = back.traceparent.as_deref();
        let events = self
            .publisher
            .triage_requested(case, envelope, back.cause, now, trace);
        let item = Item {
            referral: case.referral,
            open: true,
            cause: back.cause,
            urgency: case.urgency,
            waiting_since: now,
            exercise: envelope.facts.exercise,
        };
        let rules = vec![back.cause.rule().to_owned()];
        Ok(Some(Conclusion {
            audit: vec![self.entry(now, &back.source, ACTION, case.referral, REVIEW, rules)],
            case: case.clone(),
            decided: None,
            item: Some(if known {
                ItemChange::Changed(item)
            } else {
                ItemChange::New(item)
            }),
            events,
            difference: None,
        }))
    }
}
