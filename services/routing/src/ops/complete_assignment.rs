//! A unit reports what came of its share.

use liaison_types::{AssignmentId, Result};

use super::change::Intent;
use super::{Assigned, Ops};
use crate::domain::{Actor, Assignment, Outcome};
use crate::store::{Board, Cause};

/// Reports the outcome.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompleteAssignment {
    /// What is completed.
    pub assignment: AssignmentId,
    /// What came of it.
    pub outcome: Outcome,
    /// In words; may be empty.
    pub note: String,
}

impl Ops {
    /// Completes. Every task has to be finished first.
    ///
    /// # Errors
    /// NOT_FOUND where it is not the caller's; ILLEGAL_STATE.
    pub async fn complete_assignment(
        &self,
        by: &Actor,
        request: CompleteAssignment,
    ) -> Result<Assigned> {
        self.change(by, Intent::Complete(request)).await
    }
}

impl CompleteAssignment {
    pub(super) fn apply(
        &self,
        board: &mut Board,
        mut assignment: Assignment,
        open_tasks: u64,
        cause: &Cause,
    ) -> Result<()> {
        let step = assignment.complete(self.outcome, open_tasks, cause.at)?;
        board.put_assignment(assignment, step, cause)
    }
}
