//! Showing one assignment.

use liaison_store::Inconsistency;
use liaison_types::{AssignmentId, Error, Result};

use super::permission::may_view;
use super::{Assigned, Ops};
use crate::domain::Actor;
use crate::store;

/// Asks for an assignment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GetAssignment {
    /// Which one.
    pub assignment: AssignmentId,
}

impl Ops {
    /// The assignment, to its unit and to the duty desk.
    ///
    /// # Errors
    /// NOT_FOUND where it does not exist or the caller may not see it.
    pub async fn get_assignment(&self, by: &Actor, request: GetAssignment) -> Result<Assigned> {
        let db = self.core.parts.db.reader();
        let assignment = store::find_assignment(db, request.assignment)
            .await?
            .filter(|found| may_view(&self.core.parts.policy, &by.party, found))
            .ok_or_else(Error::not_found)?;
        let case = store::find_cases(db, [assignment.referral]).await?.pop();
        let case = case.ok_or_else(|| Inconsistency::on("routed_case").row(assignment.referral))?;
        Ok(Assigned {
            assignment,
            envelope: case.envelope,
        })
    }
}
