//! Listing the tasks of an assignment.

use liaison_types::{AssignmentId, Error, Result};

use super::Ops;
use super::permission::may_work;
use crate::domain::{Actor, Task};
use crate::store::{self, Texts};

/// Asks for the tasks of an assignment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListTasks {
    /// Which one.
    pub assignment: AssignmentId,
}

impl Ops {
    /// The tasks, the oldest first.
    ///
    /// # Errors
    /// NOT_FOUND where the assignment is not the caller's.
    pub async fn list_tasks(&self, by: &Actor, request: ListTasks) -> Result<Vec<Task>> {
        let (db, vault) = (self.core.parts.db.reader(), &self.core.parts.vault);
        let assignment = store::find_assignment(db, request.assignment)
            .await?
            .filter(|found| may_work(&self.core.parts.policy, &by.party, found).is_some())
            .ok_or_else(Error::not_found)?;
        let referral = assignment.referral;
        let texts = Texts::of(db, vault, [referral]).await?;
        store::tasks_of(db, request.assignment, referral, &texts).await
    }
}
