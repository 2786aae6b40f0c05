//! A unit says that it has no direct access to what is asked for.

use std::sync::Arc;

use liaison_policy::clock;
use liaison_types::{AssignmentId, Error, Result};

use super::change::Intent;
use super::{Assigned, Ops};
use crate::domain::{Actor, Assignment, AssignmentStep, CompletionClock, Envelope};
use crate::store::{Board, Cause};

/// Declares that the unit has only indirect access to the information.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeclareIndirectAccess {
    /// The assignment that leads.
    pub assignment: AssignmentId,
}

impl Ops {
    /// Declares it: an urgent clock runs for three days from receipt instead of eight hours. Declared
    /// before, nothing changes.
    ///
    /// # Errors
    /// NOT_FOUND where it is not the caller's; ILLEGAL_STATE where the unit does not lead, has not
    /// accepted, or the clock is none that this extends.
    pub async fn declare_indirect_access(
        &self,
        by: &Actor,
        request: DeclareIndirectAccess,
    ) -> Result<Assigned> {
        self.change(by, Intent::DeclareIndirectAccess(request))
            .await
    }
}

/// Carries the declaration out.
pub(super) fn apply(board: &mut Board, mut assignment: Assignment, cause: &Cause) -> Result<()> {
    let step = assignment.declare_indirect_access(cause.at)?;
    let case = board.case(assignment.referral)?;
    let envelope = &case.envelope;
    let in_force = envelope.completion.as_ref();
    let Some(rule) = clock::indirect_access(in_force.map(|clock| clock.rule.as_str())) else {
        let state = assignment.state.as_str();
        let declared = AssignmentStep::IndirectAccessDeclared;
        return Err(Error::illegal_state(declared.as_str(), state)
            .message("indirect access extends the clock of an urgent referral alone"));
    };
    if in_force.is_some_and(|clock| clock.rule == rule.id) {
        return Ok(());
    }
    let completion = CompletionClock {
        started_at: envelope.received_at,
        due_at: envelope.received_at + rule.length,
        rule: rule.id.to_owned(),
    };
    let mut case = case.clone();
    case.envelope = Arc::new(Envelope {
        completion: Some(completion),
        ..Envelope::clone(envelope)
    });
    case.updated_at = cause.at;
    board.put_case(case);
    board.put_assignment(assignment, step, cause)
}
