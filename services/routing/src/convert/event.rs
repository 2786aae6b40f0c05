//! Events: what others are told, and what this service is told.

use liaison_grpc::event_delivery::{EventSource, NewFact, ReceivedEvent};
use liaison_grpc::wire::{self, Checks, Path};
use liaison_outbox::{Destination, NewEvent};
use liaison_proto::event::event::Data;
use liaison_proto::{common, event};
use liaison_types::{DecisionId, Form, ReferralId, Result, Rule, UnitCode};

use super::view::actor;
use crate::domain::fact::{AssignmentFact, Audience, ReturnedFact, TaskFact, What};
use crate::domain::{CompletionClock, Decision, Envelope, Fact};
use crate::ops::Classified;

const MAX_REFERENCE: usize = 64;
const MAX_RULES: usize = 100;
const MAX_RULE: usize = 100;
const MAX_UNITS: usize = 16;

/// Where an audience is reached.
pub(crate) const fn destination(audience: Audience) -> Destination {
    Destination::new(match audience {
        Audience::Intake => "intake",
        Audience::Classification => "classification",
        Audience::Notification => "notification",
    })
}

/// The events that tell the facts, one for each who is told.
pub(crate) fn events(source: &EventSource, facts: Vec<Fact>) -> Vec<NewEvent> {
    let mut events = Vec::with_capacity(facts.len() * 2);
    for fact in facts {
        let audience = fact.what.audience();
        if audience.is_empty() {
            continue;
        }
        let (subject, sequence, data) = match &fact.what {
            What::Assignment(what) => (
                wire::resource(what.assignment),
                what.sequence,
                assignment_changed(what),
            ),
            What::Returned(what) => (
                wire::resource(what.referral),
                i64::from(what.revision),
                case_returned(what),
            ),
            What::Task(what) => (wire::resource(what.task), what.sequence, task_changed(what)),
        };
        for to in audience {
            events.push(source.event(NewFact {
                destination: destination(*to),
                subject: subject.clone(),
                sequence,
                at: fact.at,
                traceparent: fact.traceparent.clone(),
                data: data.clone(),
            }));
        }
    }
    events
}

fn assignment_changed(fact: &AssignmentFact) -> Data {
    Data::AssignmentChanged(event::AssignmentChanged {
        assignment: wire::resource(fact.assignment),
        referral: wire::resource(fact.referral),
        reference: fact.reference.clone(),
        unit: fact.unit.to_string(),
        role: wire::number::<common::AssignmentRole>(fact.role.as_str()),
        step: wire::number::<event::AssignmentStep>(fact.step.as_str()),
        state: wire::number::<common::AssignmentState>(fact.state.as_str()),
        decline_reason: fact.decline_reason.map_or(0, |reason| {
            wire::number::<common::DeclineReason>(reason.as_str())
        }),
        outcome: fact.outcome.map_or(0, |outcome| {
            wire::number::<common::Outcome>(outcome.as_str())
        }),
        exercise: fact.exercise,
        actor: fact.actor.as_ref().map(actor),
    })
}

fn case_returned(fact: &ReturnedFact) -> Data {
    Data::CaseReturned(event::CaseReturned {
        referral: wire::resource(fact.referral),
        cause: wire::number::<event::TriageCause>(fact.cause.as_str()),
        unit: fact
            .unit
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        excluded_units: fact.declined.iter().map(ToString::to_string).collect(),
        revision: fact.revision,
    })
}

fn task_changed(fact: &TaskFact) -> Data {
    Data::TaskChanged(event::TaskChanged {
        task: wire::resource(fact.task),
        assignment: wire::resource(fact.assignment),
        unit: fact.unit.to_string(),
        state: fact.state.as_str().to_owned(),
        exercise: fact.exercise,
    })
}

/// A classified case.
///
/// # Errors
/// INVALID_ARGUMENT with everything that is wrong, also where the event is of another kind.
pub(crate) fn classified(received: &ReceivedEvent) -> Result<Classified> {
    let mut checks = Checks::default();
    let here = Path::root("case_classified");
    let Data::CaseClassified(fact) = &received.data else {
        checks.add(Path::root("data"), Rule::UnknownValue("case_classified"));
        return checks.finish(None);
    };
    let envelope = checks
        .required(here.field("envelope"), fact.envelope.as_ref())
        .and_then(|given| envelope(&mut checks, here.field("envelope"), given));
    let decision = decision(&mut checks, here, fact);
    let value = envelope
        .zip(decision)
        .map(|(envelope, decision)| Classified {
            envelope,
            decision,
            traceparent: received.traceparent.clone(),
        });
    checks.finish(value)
}

/// The referral whose content was purged.
///
/// # Errors
/// INVALID_ARGUMENT where none is named.
pub(crate) fn purged(fact: &event::ReferralPurged) -> Result<ReferralId> {
    let mut checks = Checks::default();
    let here = Path::root("referral_purged");
    let referral = checks.resource(here.field("referral"), &fact.referral);
    checks.finish(referral)
}

fn envelope(checks: &mut Checks, here: Path<'_>, given: &event::Envelope) -> Option<Envelope> {
    let referral = checks.resource::<ReferralId>(here.field("referral"), &given.referral);
    checks.required_line(here.field("reference"), &given.reference, MAX_REFERENCE);
    checks.required_line(here.field("bureau"), &given.bureau, MAX_REFERENCE);
    let kind = checks.named::<common::ReferralKind, _>(here.field("kind"), given.kind);
    let urgency = if given.urgency == 0 {
        Some(crate::domain::Urgency::Routine)
    } else {
        checks.named::<common::Urgency, _>(here.field("urgency"), given.urgency)
    };
    let path = here.field("markings");
    let markings = wire::read_envelope_markings(checks, path, given.markings.as_ref());
    let received_at = checks.instant(here.field("received_at"), given.received_at.as_ref());
    let completion = match &given.completion {
        None => Some(None),
        Some(clock) => completion(checks, here.field("completion"), clock).map(Some),
    };
    Some(Envelope {
        referral: referral?,
        reference: given.reference.clone(),
        bureau: given.bureau.clone(),
        kind: kind?,
        urgency: urgency?,
        markings,
        received_at: received_at?,
        completion: completion?,
        exercise: given.exercise,
    })
}

fn completion(
    checks: &mut Checks,
    here: Path<'_>,
    given: &common::Clock,
) -> Option<CompletionClock> {
    let started_at = checks.instant(here.field("started_at"), given.started_at.as_ref());
    let due_at = checks.instant(here.field("due_at"), given.due_at.as_ref());
    checks.required_line(here.field("rule"), &given.rule, MAX_RULE);
    Some(CompletionClock {
        started_at: started_at?,
        due_at: due_at?,
        rule: given.rule.clone(),
    })
}

fn decision(
    checks: &mut Checks,
    here: Path<'_>,
    given: &event::CaseClassified,
) -> Option<Decision> {
    let id = checks.resource::<DecisionId>(here.field("decision"), &given.decision);
    checks.ensure(
        given.revision >= 1,
        here.field("revision"),
        Rule::OutOfRange(1, i64::from(i32::MAX)),
    );
    let path = here.field("refusal_ground");
    let ground = checks.optional_enum_value::<common::RefusalGround>(path, given.refusal_ground);
    let lead = if given.refusal_ground == 0 {
        let path = here.field("lead");
        let lead = checks.parse::<UnitCode>(path, &given.lead, Form::UnitName);
        lead.map(Some)
    } else {
        let nobody = given.lead.is_empty() && given.supporting.is_empty();
        checks.ensure(nobody, path, Rule::ConflictsWith("lead"));
        ground.map(|_| None)
    };
    let path = here.field("supporting");
    let mut supporting = Vec::new();
    for (index, unit) in checks
        .at_most(path, &given.supporting, MAX_UNITS)
        .iter()
        .enumerate()
    {
        supporting.extend(checks.parse::<UnitCode>(path.index(index), unit, Form::UnitName));
    }
    let desk = checks.optional_parse(here.field("desk"), &given.desk, Form::DeskName);
    let path = here.field("rules");
    for (index, rule) in checks
        .at_most(path, &given.rules, MAX_RULES)
        .iter()
        .enumerate()
    {
        checks.required_line(path.index(index), rule, MAX_RULE);
        // A rule's id is one word, in the audit too.
        let word = !rule.contains(char::is_whitespace);
        checks.ensure(word, path.index(index), Rule::Malformed(Form::Word));
    }
    Some(Decision {
        id: id?,
        revision: given.revision,
        lead: lead?,
        desk,
        supporting,
        rules: given.rules.clone(),
        by_person: given.by_person,
    })
}
