//! A unit asks for more time.

use std::time::Duration;

use liaison_types::{AssignmentId, Result};

use super::change::Intent;
use super::{Assigned, Ops};
use crate::domain::{Actor, Assignment, LeaseTerms, TokenHash};
use crate::store::{Board, Cause};

/// Extends the lease that the unit holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExtendLease {
    /// What is held.
    pub assignment: AssignmentId,
    /// Proves the lease.
    pub proof: TokenHash,
    /// From now on.
    pub lease: Duration,
}

impl Ops {
    /// Extends, never beyond the longest lease after the pull.
    ///
    /// # Errors
    /// NOT_FOUND where it is not the caller's; STALE_LEASE; ILLEGAL_STATE.
    pub async fn extend_lease(&self, by: &Actor, request: ExtendLease) -> Result<Assigned> {
        self.change(by, Intent::Extend(request)).await
    }
}

impl ExtendLease {
    pub(super) fn apply(
        &self,
        board: &mut Board,
        mut assignment: Assignment,
        terms: &LeaseTerms,
        cause: &Cause,
    ) -> Result<()> {
        let step = assignment.extend(self.proof, self.lease, terms, cause.at)?;
        board.put_assignment(assignment, step, cause)
    }
}
