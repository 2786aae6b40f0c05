//! A person at the triage desk corrects a decision that routing has.

use liaison_store::Tx;
use liaison_telemetry::propagation;
use liaison_types::{DecisionId, Error, ErrorKind, Reason, Result, Rule, Violation};

use super::keep_corrections::Said;
use super::{Core, Ops};
use crate::case::{Actor, CaseStep, Course, Decided};
use crate::convert::Sealed;
use crate::desk::{Correcting, Routing, Ruling, permit};
use crate::store::{self, Conclusion};

const ACTION: &str = "classification.correct_decision";
/// The rule of every correction.
const RULE: &str = "triage.correction";

impl Ops {
    /// Lets `by`, who works at the desk, decide otherwise than a decision that is the referral's latest and
    /// with routing. What they decide is a decision like any other, with the next revision: routing, which
    /// alone knows who has committed itself to what, makes of it what it makes of every later decision. A
    /// lead that has not accepted gives way to the new one; one that has accepted stays, and the new one
    /// supports; after a lead has completed nothing is assigned any more. Where it is no unit's business after
    /// all, whoever has not accepted loses it, and what was refused may be given to a unit after all. So there is
    /// one lead at any time, and the case is always somebody's or its owner is told why not. What was said of the
    /// decision is kept whatever becomes of it.
    ///
    /// Repeated by the same officer with the same answer, it changes nothing and answers the decision made.
    ///
    /// # Errors
    /// NOT_FOUND where there is no such decision; UNKNOWN_UNIT where there is no such unit; STALE_ETAG where
    /// the decision is not the latest on its referral any more; CONTENT_PURGED; ILLEGAL_STATE where people have yet to
    /// decide, at the desk; INVALID_ARGUMENT where nothing would change; UNIT_EXCLUDED where a unit must not
    /// have its part, which is also in the audit.
    pub async fn correct_decision(&self, by: &Actor, correcting: &Correcting) -> Result<Decided> {
        let core = &self.core;
        let decision = correcting.decision;
        let found = store::referral_of(core.parts.db.reader(), decision).await?;
        let ruling = correcting.ruling(found.ok_or_else(Error::not_found)?);
        core.check_units(&ruling.finding)?;
        let trace = propagation::current_traceparent();
        let (ruling, trace) = (&ruling, trace.as_deref());
        core.parts
            .db
            .write_tx("classification.correct_decision", |tx| {
                Box::pin(async move { core.correct(tx, by, decision, ruling, trace).await })
            })
            .await?
    }
}

impl Core {
    /// The inner error is a refusal whose trace in the audit has to be kept.
    async fn correct(
        &self,
        tx: &Tx<'_>,
        by: &Actor,
        decision: DecisionId,
        ruling: &Ruling,
        trace: Option<&str>,
    ) -> Result<Result<Decided>> {
        let now = self.now();
        let referral = ruling.referral;
        let case = store::lock(tx, &[referral]).await?.pop();
        let mut case = case.ok_or_else(Error::not_found)?;
        let before = store::without_notes(tx, &[referral])
            .await?
            .remove(&referral);
        let before = before.unwrap_or_default();
        let Some(latest) = before.first().filter(|latest| latest.id == decision) else {
            return repeated(&before, decision, by, ruling)
                .cloned()
                .map(Ok)
                .ok_or_else(|| Error::new(ErrorKind::Aborted, Reason::StaleEtag));
        };
        if store::is_purged(tx, referral).await? {
            // Nothing is left for a unit to work on.
            return Err(Error::new(
                ErrorKind::FailedPrecondition,
                Reason::ContentPurged,
            ));
        }
        case.state = case.state.next(match ruling.finding.course() {
            Course::Refuse(_) => CaseStep::CorrectToRefusal,
            Course::Route | Course::Review => CaseStep::Correct,
        })?;
        let envelope = Sealed::of(&case)?;
        let routing = Routing {
            policy: &self.parts.policy,
            markings: &envelope.facts.markings,
            declined: &case.declined,
        };
        if let Err(refused) = permit(&ruling.finding, &routing) {
            let told = self.keep_refusal(tx, now, by, ACTION, referral, &refused);
            return Ok(Err(told.await?));
        }
        let decided = Decided {
            exercise: envelope.facts.exercise,
            ..self.by_hand(&mut case, by, ruling, RULE, now)
        };
        if latest.answers_as(&decided) && latest.course == decided.course {
            let same = Violation::new("lead", Rule::ConflictsWith("name"));
            return Err(Error::invalid(vec![same]));
        }
        let entry = self.ruling_entry(now, by, ACTION, ruling);
        let said = Said {
            referral,
            exercise: decided.exercise,
            at: now,
            before: &before,
        };
        self.keep_correction(tx, said, &decided).await?;
        let events = self
            .publisher
            .classified(&mut case, &envelope, &decided, trace);
        let conclusion = Conclusion {
            case,
            decided: Some(decided.clone()),
            item: None,
            audit: vec![entry],
            events,
            difference: None,
        };
        store::write(
            tx,
            &self.parts.vault,
            &self.parts.outbox,
            now,
            &[&conclusion],
        )
        .await?;
        Ok(Ok(decided))
    }
}

/// The latest decision, where it is what came of the same correction before.
fn repeated<'a>(
    before: &'a [Decided],
    decision: DecisionId,
    by: &Actor,
    ruling: &Ruling,
) -> Option<&'a Decided> {
    let [latest, corrected, ..] = before else {
        return None;
    };
    let same = corrected.id == decision
        && latest.by.as_ref() == Some(by)
        && latest.rules() == [RULE]
        && ruling.finding.is_of(latest);
    same.then_some(latest)
}
