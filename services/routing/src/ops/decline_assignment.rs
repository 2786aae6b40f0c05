//! A unit will not do it: who is asked next?

use liaison_types::{AssignmentId, Error, Result};

use super::change::Intent;
use super::{Assigned, Core, Ops};
use crate::domain::plan::{Next, after_decline};
use crate::domain::{Actor, Assignment, AssignmentStep, DeclineReason, TokenHash};
use crate::store::{Board, Cause};

/// Declines what the unit holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeclineAssignment {
    /// What is declined.
    pub assignment: AssignmentId,
    /// Proves the lease.
    pub proof: TokenHash,
    /// Why.
    pub reason: DeclineReason,
    /// In words.
    pub note: String,
}

impl Ops {
    /// Declines. The unit is not asked again. Where it led, the next candidate leads, or the case goes
    /// back to the duty desk. Repeating the call with the same lease answers what the first one did.
    ///
    /// # Errors
    /// NOT_FOUND where it is not the caller's; STALE_LEASE; ILLEGAL_STATE.
    pub async fn decline_assignment(
        &self,
        by: &Actor,
        request: DeclineAssignment,
    ) -> Result<Assigned> {
        self.change(by, Intent::Decline(request)).await
    }
}

impl Core {
    pub(super) fn decline(
        &self,
        board: &mut Board,
        mut assignment: Assignment,
        request: &DeclineAssignment,
        cause: &Cause,
    ) -> Result<()> {
        let Some(step) = assignment.decline(request.proof, request.reason, cause.at)? else {
            return Ok(());
        };
        let (referral, unit) = (assignment.referral, assignment.unit.clone());
        // The hub reacts by itself: the unit did not act on the others.
        let hub = Cause {
            actor: None,
            ..cause.clone()
        };
        let others = board
            .assignments_of(referral)
            .into_iter()
            .filter(|a| a.id != assignment.id);
        let all: Vec<&Assignment> = others.chain([&assignment]).collect();
        let (policy, case) = (&self.parts.policy, board.case(referral)?);
        let (next, asked) = after_decline(policy, case, &all, &assignment, request.reason);
        self.record_asked(board, referral, &asked, &hub);
        match next {
            Next::Nothing => board.put_assignment(assignment, step, cause),
            Next::Promote(id) => {
                let mut next = board.assignment(id).cloned().ok_or_else(Error::not_found)?;
                let promoted = next.promote(hub.at).map_err(Error::internal)?;
                board.put_assignment(assignment, step, cause)?;
                board.put_assignment(next, promoted, &hub)
            }
            Next::Create(share) => {
                board.put_assignment(assignment, step, cause)?;
                let next = self.new_assignment(referral, share, &hub);
                board.put_assignment(next, AssignmentStep::Created, &hub)
            }
            Next::GiveBack(why) => {
                board.put_assignment(assignment, step, cause)?;
                board.give_back(referral, why, Some(&unit), &hub)
            }
        }
    }
}
