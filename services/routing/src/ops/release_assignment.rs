//! A unit gives an assignment back without an answer.

use liaison_types::{AssignmentId, Result};

use super::change::{Intent, put_unanswered};
use super::{Assigned, Ops};
use crate::domain::{Actor, Assignment, LeaseTerms, TokenHash};
use crate::store::{Board, Cause};

/// Gives back what the unit holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReleaseAssignment {
    /// What is given back.
    pub assignment: AssignmentId,
    /// Proves the lease.
    pub proof: TokenHash,
}

impl Ops {
    /// Gives back: it waits again, or is a dead letter where that was the last attempt.
    ///
    /// # Errors
    /// NOT_FOUND where it is not the caller's; STALE_LEASE; ILLEGAL_STATE.
    pub async fn release_assignment(
        &self,
        by: &Actor,
        request: ReleaseAssignment,
    ) -> Result<Assigned> {
        self.change(by, Intent::Release(request)).await
    }
}

impl ReleaseAssignment {
    pub(super) fn apply(
        &self,
        board: &mut Board,
        mut assignment: Assignment,
        terms: &LeaseTerms,
        cause: &Cause,
    ) -> Result<()> {
        let step = assignment.release(self.proof, terms, cause.at)?;
        put_unanswered(board, assignment, step, cause)
    }
}
