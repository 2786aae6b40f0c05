//! What callers are shown.

use liaison_grpc::wire;
use liaison_proto::{common, routing};
use liaison_types::{AssignmentId, TaskId, Timestamp};

use crate::domain::{Actor, AssignmentState, Task};
use crate::ops::{Assigned, Pulled};

/// An actor on the wire.
pub(super) fn actor(actor: &Actor) -> common::Actor {
    wire::actor(&actor.party, actor.officer.as_deref().unwrap_or_default())
}

/// An assignment.
pub(crate) fn assignment(assigned: &Assigned) -> routing::Assignment {
    let Assigned {
        assignment,
        envelope,
    } = assigned;
    let leased = assignment.state == AssignmentState::Leased;
    routing::Assignment {
        name: wire::resource::<AssignmentId>(assignment.id),
        referral: wire::resource(assignment.referral),
        reference: envelope.reference.clone(),
        unit: assignment.unit.to_string(),
        desk: assignment
            .desk
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        role: wire::number::<common::AssignmentRole>(assignment.role.as_str()),
        state: wire::number::<common::AssignmentState>(assignment.state.as_str()),
        kind: wire::number::<common::ReferralKind>(envelope.kind.as_str()),
        urgency: wire::number::<common::Urgency>(envelope.urgency.as_str()),
        markings: Some(wire::markings(&envelope.markings)),
        // The clock changes with what the unit does that leads now: no reply is due from one whose share
        // has ended, and what becomes of the referral is no longer its business.
        completion: envelope
            .completion
            .as_ref()
            .filter(|_| assignment.is_current())
            .map(|clock| wire::clock(clock.started_at, clock.due_at, &clock.rule)),
        lease_until: assignment
            .lease
            .filter(|_| leased)
            .map(|lease| wire::timestamp(lease.until)),
        delivery_attempt: assignment.attempt,
        created_at: Some(wire::timestamp(assignment.created_at)),
        updated_at: Some(wire::timestamp(assignment.updated_at)),
        outcome: assignment.outcome.map_or(0, |outcome| {
            wire::number::<common::Outcome>(outcome.as_str())
        }),
        decline_reason: assignment.decline_reason.map_or(0, |reason| {
            wire::number::<common::DeclineReason>(reason.as_str())
        }),
        exercise: envelope.exercise,
        etag: etag(assignment.version),
        rules: assignment.rules.clone(),
        bureau: envelope.bureau.clone(),
    }
}

/// An assignment and the lease on it.
pub(crate) fn pulled(pulled: &Pulled) -> routing::PulledAssignment {
    routing::PulledAssignment {
        assignment: Some(assignment(&pulled.assigned)),
        lease_token: pulled.token.as_str().to_owned(),
    }
}

/// A task.
pub(crate) fn task(task: &Task) -> routing::Task {
    let at = |at: Timestamp| wire::timestamp(at);
    routing::Task {
        name: wire::resource::<TaskId>(task.id),
        assignment: wire::resource(task.assignment),
        title: task.title.clone(),
        state: wire::number::<routing::TaskState>(task.state.as_str()),
        claimed_by: task.claimed_by.as_ref().map(actor),
        due_at: task.due_at.map(at),
        created_at: Some(at(task.created_at)),
        completed_at: task.completed_at.map(at),
        result: task.result.clone(),
        etag: etag(task.version),
    }
}

fn etag(version: i64) -> String {
    format!("v{version}")
}

#[cfg(test)]
mod tests {
    use liaison_proto::event;

    use super::*;
    use crate::domain::fact::Audience;
    use crate::domain::{
        AssignmentStep, DeclineReason, Outcome, ReferralKind, Role, TaskState, TriageCause, Urgency,
    };

    #[test]
    fn every_name_of_ours_is_a_name_of_the_schema() {
        fn known<E: wire::Named>(names: impl Iterator<Item = &'static str>) {
            for name in names {
                assert_ne!(wire::number::<E>(name), 0, "{name}");
            }
        }
        known::<common::AssignmentState>(AssignmentState::ALL.iter().map(|v| v.as_str()));
        known::<common::AssignmentRole>(Role::ALL.iter().map(|v| v.as_str()));
        known::<common::ReferralKind>(ReferralKind::ALL.iter().map(|v| v.as_str()));
        known::<common::Urgency>(Urgency::ALL.iter().map(|v| v.as_str()));
        known::<common::Outcome>(Outcome::ALL.iter().map(|v| v.as_str()));
        known::<common::DeclineReason>(DeclineReason::ALL.iter().map(|v| v.as_str()));
        known::<routing::TaskState>(TaskState::ALL.iter().map(|v| v.as_str()));
        known::<event::TriageCause>(TriageCause::ALL.iter().map(|v| v.as_str()));
        let told = AssignmentStep::ALL.iter().filter(|step| {
            use AssignmentStep as E;
            // Steps that nobody is told of, and those of transfers, which the schema has not yet.
            !matches!(
                step,
                E::LeaseExtended
                    | E::TaskCreated
                    | E::Failed
                    | E::TransferOffered
                    | E::TransferRefused
                    | E::Transferred
            )
        });
        known::<event::AssignmentStep>(told.map(|step| step.as_str()));
        assert_eq!(
            crate::convert::event::destination(Audience::Intake).as_str(),
            "intake"
        );
    }
}
