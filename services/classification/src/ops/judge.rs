//! The machine's part: from a case and its input to what is written.

use std::panic::{AssertUnwindSafe, catch_unwind};

use liaison_telemetry::propagation;
use liaison_types::{DecisionId, Error, ReferralId, Result, Timestamp};
use tracing::Span;
use uuid::Uuid;

use super::Core;
use crate::artefacts::digest::Digest;
use crate::artefacts::shadow::Difference;
use crate::case::{Case, CaseStep, Decided, Ground, Hinted, Making, Probable, Suggested};
use crate::convert::{CaseInput, Sealed};
use crate::desk::{Fate, Item, RULE_GIVEN_UP, Refused, Routing, TriageCause, verdict};
use crate::domain::{self, Input, RuleSet, decide};
use crate::store::{Conclusion, ItemChange};

const ACTION: &str = "classification.decide";
/// The version of this program: with the rule set it is what makes a decision.
pub(super) const PROGRAM: &str = env!("CARGO_PKG_VERSION");
/// How it stands in the audit that a unit must not have the part the machine would give it.
const PERMIT_UNIT: &str = "classification.permit_unit";

impl Core {
    /// What the machine says of `input` by `rules`.
    ///
    /// # Errors
    /// INTERNAL where deciding panics, so that a text that breaks the decision breaks nothing else.
    pub(super) fn decide(rules: &RuleSet, input: &Input<'_>) -> Result<domain::Decision> {
        // The rule set is only read: nothing is left half changed.
        catch_unwind(AssertUnwindSafe(|| decide(rules, input)))
            .map_err(|_| Error::internal("the decision panicked"))
    }

    /// Decides a case.
    ///
    /// # Errors
    /// Where its envelope cannot be read or deciding fails.
    pub(super) fn judge(
        &self,
        mut case: Case,
        input: &CaseInput,
        now: Timestamp,
    ) -> Result<Conclusion> {
        let (span, trace) = span_of(&case);
        let _in = span.enter();
        let envelope = Sealed::of(&case)?;
        // One rule set from here to the end, whatever is chosen meanwhile.
        let in_use = self.parts.rules.in_use();
        let set = &in_use.active;
        let decision = Self::decide(&set.rules, &input.as_input())?;
        let making = Some(Making {
            program: PROGRAM.to_owned(),
            input: Some(Digest::of_input(input)),
            decision: Digest::of_decision(&decision)?,
        });
        let shadow = in_use.shadow.as_ref();
        let differs = shadow.and_then(|shadow| shadow.differs(&input.as_input(), &decision));
        let routing = Routing {
            policy: &self.parts.policy,
            markings: &envelope.facts.markings,
            declined: &case.declined,
        };
        let (decision, fate, refused) = verdict(decision, &routing, set.rules.review_desk());
        let decided = Decided {
            id: DecisionId::new(now, self.parts.random.as_ref()),
            revision: case.next_revision(),
            exercise: envelope.facts.exercise,
            making,
            ..unnamed(decision, case.referral, now)
        };
        let difference = differs.map(|(active, shadow)| Difference {
            decision: decided.id,
            referral: case.referral,
            at: now,
            active,
            shadow,
        });
        let mut conclusion =
            self.conclude(case, &envelope, Some(decided), fate, now, trace.as_deref())?;
        conclusion.difference = difference;
        let refusal = |refused: &Refused| {
            let referral = conclusion.case.referral;
            self.refusal(now, &self.service, PERMIT_UNIT, referral, refused)
        };
        let refusals: Vec<_> = refused.iter().map(refusal).collect();
        conclusion.audit.extend(refusals);
        Ok(conclusion)
    }

    /// Leaves a case to people because the machine cannot read it.
    ///
    /// # Errors
    /// Where its envelope cannot be read either.
    pub(super) fn give_up(&self, case: Case, now: Timestamp) -> Result<Conclusion> {
        let (span, trace) = span_of(&case);
        let _in = span.enter();
        let envelope = Sealed::of(&case)?;
        let fate = Fate::Triage(TriageCause::Uncertain);
        self.conclude(case, &envelope, None, fate, now, trace.as_deref())
    }

    fn conclude(
        &self,
        mut case: Case,
        envelope: &Sealed,
        decided: Option<Decided>,
        fate: Fate,
        now: Timestamp,
        trace: Option<&str>,
    ) -> Result<Conclusion> {
        let mut rules = match &decided {
            Some(decided) => decided.rules(),
            None => vec![RULE_GIVEN_UP.to_owned()],
        };
        let (word, item, events) = match (fate, &decided) {
            (Fate::Routed, Some(decided)) => {
                case.state = case.state.next(CaseStep::Route)?;
                let told = self
                    .publisher
                    .classified(&mut case, envelope, decided, trace);
                ("ROUTE", None, told)
            }
            (Fate::Routed, None) => {
                return Err(Error::internal("a case was routed without a decision"));
            }
            (Fate::Triage(cause), _) => {
                case.state = case.state.next(CaseStep::RequestTriage)?;
                rules.push(cause.rule().to_owned());
                let told = self
                    .publisher
                    .triage_requested(&mut case, envelope, cause, now, trace);
                let item = Item {
                    referral: case.referral,
                    open: true,
                    cause,
                    urgency: case.urgency,
                    waiting_since: now,
                    exercise: envelope.facts.exercise,
                };
                ("REVIEW", Some(ItemChange::New(item)), told)
            }
        };
        Ok(Conclusion {
            audit: vec![self.entry(now, &self.service, ACTION, case.referral, word, rules)],
            case,
            decided,
            item,
            events,
            difference: None,
        })
    }
}

/// The machine's decision, neither named nor numbered: its id is nil and its revision 0.
pub(super) fn unnamed(decision: domain::Decision, referral: ReferralId, now: Timestamp) -> Decided {
    let units = decision.probabilities.into_iter().map(|answer| Probable {
        unit: Some(answer.unit),
        probability: answer.probability.as_f64(),
    });
    let none = Probable {
        unit: None,
        probability: decision.none_probability.as_f64(),
    };
    let mut probabilities: Vec<Probable> = units.chain([none]).collect();
    // Stable: among equals the order of the rule set stays.
    probabilities.sort_by(|one, other| other.probability.total_cmp(&one.probability));
    Decided {
        id: DecisionId::from_uuid(Uuid::nil()),
        referral,
        revision: 0,
        course: decision.outcome.into(),
        lead: decision.lead,
        supporting: decision.supporting,
        desk: Some(decision.desk),
        probabilities,
        grounds: decision.reasons.into_iter().map(Ground::from).collect(),
        suggestions: decision
            .suggestions
            .into_iter()
            .map(|suggestion| Suggested {
                iccs: suggestion.iccs,
                weight: suggestion.weight.as_f64(),
            })
            .collect(),
        urgency_hints: decision.urgency.into_iter().map(Hinted::from).collect(),
        rule_set: decision.rule_set,
        language: decision.language,
        at: now,
        by: None,
        note: None,
        exercise: false,
        model: decision.model,
        making: None,
    }
}

/// A span in the trace that admitted `case`, to which the batch's span points, and where what is told
/// about the case belongs.
fn span_of(case: &Case) -> (Span, Option<String>) {
    let Some(trace) = case.traceparent.as_deref() else {
        return (Span::none(), None);
    };
    let span = tracing::info_span!("classification.decide", referral.id = %case.referral);
    if span.is_disabled() {
        return (span, Some(trace.to_owned()));
    }
    propagation::link(&Span::current(), trace);
    propagation::set_parent(&span, trace);
    let own = span.in_scope(propagation::current_traceparent);
    (span, own.or_else(|| Some(trace.to_owned())))
}
