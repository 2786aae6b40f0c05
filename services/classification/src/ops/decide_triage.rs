//! A person at the triage desk decides.

use liaison_store::Tx;
use liaison_telemetry::propagation;
use liaison_types::{
    DecisionId, Error, ErrorKind, Form, Reason, Result, Rule, Timestamp, UnitCode, Violation,
};

use super::keep_corrections::Said;
use super::{Core, Ops};
use crate::case::{Actor, Case, CaseStep, Course, Decided, Ground};
use crate::convert::Sealed;
use crate::desk::{Finding, Routing, Ruling, permit};
use crate::store::{self, Conclusion, ItemChange};

const ACTION: &str = "classification.decide_triage";
/// The rule of every decision by hand.
const RULE: &str = "triage.desk";

impl Ops {
    /// Lets `by`, who works at the desk, decide: which units get it, or that it is no unit's business, which
    /// refuses the referral. Routing and intake are told.
    ///
    /// # Errors
    /// UNKNOWN_UNIT where there is no such unit; NOT_FOUND where no such item ever was at the desk;
    /// ILLEGAL_STATE where it does not wait there now; UNIT_EXCLUDED where a unit must not have its
    /// part, which is also in the audit.
    pub async fn decide_triage(&self, by: &Actor, ruling: &Ruling) -> Result<Decided> {
        let core = &self.core;
        core.check_units(&ruling.finding)?;
        let trace = propagation::current_traceparent();
        let trace = trace.as_deref();
        let decided = core
            .parts
            .db
            .write_tx("classification.decide_triage", |tx| {
                Box::pin(async move { core.decide_by_hand(tx, by, ruling, trace).await })
            })
            .await??;
        Ok(decided)
    }
}

impl Core {
    /// What `by` decided on `case`, by `rule`.
    pub(super) fn by_hand(
        &self,
        case: &mut Case,
        by: &Actor,
        ruling: &Ruling,
        rule: &'static str,
        now: Timestamp,
    ) -> Decided {
        Decided {
            id: DecisionId::new(now, self.parts.random.as_ref()),
            referral: case.referral,
            revision: case.next_revision(),
            course: ruling.finding.course(),
            lead: ruling.finding.lead().cloned(),
            supporting: ruling.finding.supporting().to_vec(),
            desk: None,
            probabilities: Vec::new(),
            grounds: vec![Ground::rule(rule)],
            suggestions: Vec::new(),
            urgency_hints: Vec::new(),
            rule_set: String::new(),
            language: None,
            at: now,
            by: Some(by.clone()),
            note: Some(ruling.reason.clone()),
            exercise: false,
            model: String::new(),
            making: None,
        }
    }

    /// Whether there are such units.
    ///
    /// # Errors
    /// UNKNOWN_UNIT with the field of one that is none.
    pub(super) fn check_units(&self, finding: &Finding) -> Result<()> {
        let in_use = self.parts.rules.in_use();
        let units = in_use.active.rules.units();
        let known = |unit: &UnitCode| units.iter().any(|info| info.code == *unit);
        match finding.units().find(|unit| !known(unit)) {
            None => Ok(()),
            Some(unit) => {
                let field = if Some(unit) == finding.lead() {
                    "lead"
                } else {
                    "supporting"
                };
                let rule = Rule::NotAmong(Form::ConfiguredUnit);
                Err(Error::new(ErrorKind::InvalidArgument, Reason::UnknownUnit)
                    .metadata("unit", unit.to_string())
                    .violations(vec![Violation::new(field, rule)]))
            }
        }
    }

    /// The inner error is a refusal whose trace in the audit has to be kept.
    async fn decide_by_hand(
        &self,
        tx: &Tx<'_>,
        by: &Actor,
        ruling: &Ruling,
        trace: Option<&str>,
    ) -> Result<Result<Decided>> {
        let now = self.now();
        let referral = ruling.referral;
        let case = store::lock(tx, &[referral]).await?.pop();
        let item = store::items_of(tx, &[referral]).await?.remove(&referral);
        let (Some(mut case), Some(mut item)) = (case, item) else {
            return Err(Error::not_found());
        };
        case.state = case.state.next(match ruling.finding.course() {
            Course::Refuse(_) => CaseStep::Refuse,
            Course::Route | Course::Review => CaseStep::Decide,
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
        let entry = self.ruling_entry(now, by, ACTION, ruling);
        let before = store::without_notes(tx, &[referral])
            .await?
            .remove(&referral);
        let decided = Decided {
            exercise: envelope.facts.exercise,
            ..self.by_hand(&mut case, by, ruling, RULE, now)
        };
        let events = self
            .publisher
            .classified(&mut case, &envelope, &decided, trace);
        let said = Said {
            referral,
            exercise: decided.exercise,
            at: now,
            before: &before.unwrap_or_default(),
        };
        self.keep_ruling(tx, said, item.cause, &decided).await?;
        item.open = false;
        let conclusion = Conclusion {
            case,
            decided: Some(decided.clone()),
            item: Some(ItemChange::Changed(item)),
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
