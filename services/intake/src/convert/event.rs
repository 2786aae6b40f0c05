//! Events, in both directions.

use liaison_grpc::event_delivery::ReceivedEvent;
use liaison_grpc::wire::{self, Checks, Path};
use liaison_proto::event::event::Data;
use liaison_proto::{common, event};
use liaison_types::{Form, Party, ReferralId, Result, Rule};

use crate::domain::{
    Actor, AssignmentStep, Fact, FactKind, Outcome, Referral, RefusalGround, Role, Step,
};

/// A step of a referral, for whom it concerns.
#[must_use]
pub fn changed(referral: &Referral, step: &Step) -> Data {
    informed(referral, step, &[])
}

/// A step of a referral, for its owner and those `informed`.
#[must_use]
pub fn informed(referral: &Referral, step: &Step, informed: &[Party]) -> Data {
    Data::ReferralChanged(event::ReferralChanged {
        referral: wire::resource(referral.id),
        reference: referral.reference.clone(),
        bureau: referral.bureau(),
        step: wire::number::<event::ReferralStep>(step.what.step.as_str()),
        state: wire::number::<common::ReferralState>(step.what.state.as_str()),
        unit: step
            .what
            .unit
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        detail: step.what.detail.clone(),
        exercise: referral.exercise,
        informed: informed.iter().map(ToString::to_string).collect(),
    })
}

/// An admitted referral, for classification.
#[must_use]
pub fn admitted(referral: &Referral) -> Data {
    Data::ReferralAdmitted(event::ReferralAdmitted {
        envelope: Some(event::Envelope {
            referral: wire::resource(referral.id),
            reference: referral.reference.clone(),
            bureau: referral.bureau(),
            kind: wire::number::<common::ReferralKind>(referral.kind.as_str()),
            urgency: wire::number::<common::Urgency>(referral.urgency.as_str()),
            markings: Some(wire::markings(&referral.markings)),
            received_at: Some(wire::timestamp(referral.received_at)),
            completion: referral
                .completion
                .map(|clock| wire::clock(referral.received_at, clock.due_at, clock.rule)),
            exercise: referral.exercise,
        }),
    })
}

/// A referral whose content was destroyed, for those who keep what was written about it.
#[must_use]
pub fn purged(referral: &Referral) -> Data {
    Data::ReferralPurged(event::ReferralPurged {
        referral: wire::resource(referral.id),
    })
}

/// Whether intake takes such a fact from `source`.
#[must_use]
pub fn accepts(source: &Party, data: &Data) -> bool {
    let Party::Service(name) = source else {
        return false;
    };
    match data {
        Data::CaseClassified(_) | Data::TriageRequested(_) => name.as_str() == "classification",
        Data::AssignmentChanged(_) => name.as_str() == "routing",
        Data::ReferralAdmitted(_)
        | Data::ReferralChanged(_)
        | Data::CaseReturned(_)
        | Data::TaskChanged(_)
        | Data::ReferralPurged(_) => false,
    }
}

/// What an event tells.
///
/// # Errors
/// INVALID_ARGUMENT with every violation; what is not for intake is one.
pub fn fact(received: &ReceivedEvent) -> Result<Fact> {
    let mut checks = Checks::default();
    let read = match &received.data {
        Data::CaseClassified(data) => classified(&mut checks, data),
        Data::TriageRequested(data) => triage(&mut checks, data),
        Data::AssignmentChanged(data) => assignment(&mut checks, data),
        Data::ReferralAdmitted(_)
        | Data::ReferralChanged(_)
        | Data::CaseReturned(_)
        | Data::TaskChanged(_)
        | Data::ReferralPurged(_) => {
            checks.add(Path::root("data"), Rule::NotAllowed);
            None
        }
    };
    let (referral, actor, kind) = checks.finish(read)?;
    Ok(Fact {
        referral,
        sequence: received.sequence,
        at: received.at,
        actor: actor.unwrap_or_else(|| Actor::machine(Party::clone(&received.source))),
        kind,
    })
}

type Read = Option<(ReferralId, Option<Actor>, FactKind)>;

fn classified(checks: &mut Checks, data: &event::CaseClassified) -> Read {
    let envelope = checks.required(Path::root("envelope"), data.envelope.as_ref())?;
    let referral = checks.resource(Path::root("envelope.referral"), &envelope.referral);
    checks.ensure(
        data.revision > 0,
        Path::root("revision"),
        Rule::OutOfRange(1, i32::MAX.into()),
    );
    let path = Path::root("refusal_ground");
    let ground: Option<RefusalGround> =
        checks.optional_named::<common::RefusalGround, _>(path, data.refusal_ground);
    let revision = data.revision;
    let kind = if data.refusal_ground == 0 {
        let lead = checks.parse(Path::root("lead"), &data.lead, Form::UnitName);
        lead.map(|lead| FactKind::Classified {
            revision,
            lead,
            rule: data.rules.first().cloned().unwrap_or_default(),
        })
    } else {
        let nobody = data.lead.is_empty() && data.supporting.is_empty();
        checks.ensure(nobody, path, Rule::ConflictsWith("lead"));
        ground.map(|ground| FactKind::Refused { revision, ground })
    };
    let actor = actor(checks, data.actor.as_ref(), "classification");
    Some((referral?, actor, kind?))
}

/// Who acted, where somebody did; a party that makes no sense stands for the service itself.
fn actor(
    checks: &mut Checks,
    given: Option<&common::Actor>,
    service: &'static str,
) -> Option<Actor> {
    given.map(|given| Actor {
        party: checks
            .parse(Path::root("actor.party"), &given.party, Form::PartyName)
            .unwrap_or_else(|| Party::service(service)),
        officer: Some(given.officer.clone()).filter(|officer| !officer.is_empty()),
    })
}

fn triage(checks: &mut Checks, data: &event::TriageRequested) -> Read {
    let referral = checks.resource(Path::root("referral"), &data.referral);
    let cause = checks.enum_value::<event::TriageCause>(Path::root("cause"), data.cause);
    Some((
        referral?,
        None,
        FactKind::TriageRequested {
            cause: wire::name(cause?),
        },
    ))
}

fn assignment(checks: &mut Checks, data: &event::AssignmentChanged) -> Read {
    let referral = checks.resource(Path::root("referral"), &data.referral);
    let assignment = checks.resource(Path::root("assignment"), &data.assignment);
    let unit = checks.parse(Path::root("unit"), &data.unit, Form::UnitName);
    let role: Option<Role> =
        checks.named::<common::AssignmentRole, _>(Path::root("role"), data.role);
    let step: Option<AssignmentStep> =
        checks.named::<event::AssignmentStep, _>(Path::root("step"), data.step);
    let state = checks.named::<common::AssignmentState, _>(Path::root("state"), data.state);
    let path = Path::root("decline_reason");
    let decline_reason =
        checks.optional_enum_value::<common::DeclineReason>(path, data.decline_reason);
    let outcome: Option<Outcome> =
        checks.optional_named::<common::Outcome, _>(Path::root("outcome"), data.outcome);
    let actor = actor(checks, data.actor.as_ref(), "routing");
    let kind = FactKind::Assignment {
        assignment: assignment?,
        unit: unit?,
        role: role?,
        step: step?,
        state: state?,
        decline_reason: decline_reason.map(wire::name),
        outcome,
    };
    Some((referral?, actor, kind))
}
