//! A unit commits itself.

use liaison_types::{AssignmentId, Result};

use super::change::Intent;
use super::{Assigned, Ops};
use crate::domain::{Actor, Assignment, TokenHash};
use crate::store::{Board, Cause};

/// Commits the unit that holds the lease.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AcceptAssignment {
    /// What is accepted.
    pub assignment: AssignmentId,
    /// Proves the lease.
    pub proof: TokenHash,
}

impl Ops {
    /// Accepts. Repeating the call with the same lease answers what the first one did.
    ///
    /// # Errors
    /// NOT_FOUND where it is not the caller's; STALE_LEASE; ILLEGAL_STATE.
    pub async fn accept_assignment(
        &self,
        by: &Actor,
        request: AcceptAssignment,
    ) -> Result<Assigned> {
        self.change(by, Intent::Accept(request)).await
    }
}

impl AcceptAssignment {
    pub(super) fn apply(
        &self,
        board: &mut Board,
        mut assignment: Assignment,
        cause: &Cause,
    ) -> Result<()> {
        match assignment.accept(self.proof, cause.at)? {
            Some(step) => board.put_assignment(assignment, step, cause),
            None => Ok(()),
        }
    }
}
