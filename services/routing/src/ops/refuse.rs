//! Answering requests that are not valid.

use liaison_types::{AssignmentId, Error, Result, TaskId};

use super::Ops;
use super::permission::may_view;
use crate::domain::Actor;
use crate::store;

/// What an invalid request is about, where it named it properly.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum About {
    /// Nothing that could be hidden.
    Nothing,
    /// An assignment.
    Assignment(AssignmentId),
    /// A task.
    Task(TaskId),
}

/// A request that could not be read.
#[derive(Debug)]
pub struct Refused {
    /// What it is about.
    pub about: About,
    /// Everything that is wrong with it.
    pub error: Error,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self {
            about: About::Nothing,
            error,
        }
    }
}

impl Ops {
    /// The answer to a request that is not valid: what is wrong with it goes only to those who may
    /// know what it is about. To everybody else that does not exist, valid request or not.
    pub async fn refuse(&self, by: &Actor, refused: Refused) -> Error {
        match self.is_visible(by, refused.about).await {
            Ok(true) => refused.error,
            Ok(false) => Error::not_found(),
            Err(error) => error,
        }
    }

    async fn is_visible(&self, by: &Actor, about: About) -> Result<bool> {
        let db = self.core.parts.db.reader();
        let assignment = match about {
            About::Nothing => return Ok(true),
            About::Assignment(id) => Some(id),
            About::Task(id) => store::assignment_of(db, id).await?,
        };
        let Some(id) = assignment else {
            return Ok(false);
        };
        let found = store::find_assignment(db, id).await?;
        let policy = &self.core.parts.policy;
        Ok(found.is_some_and(|found| may_view(policy, &by.party, &found)))
    }
}
