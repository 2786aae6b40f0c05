//! A piece of work under an assignment.

use liaison_types::{AssignmentId, Error, ErrorKind, Reason, Result, TaskId, Timestamp};
use uuid::Uuid;

use crate::domain::actor::Actor;
use crate::domain::task_state::{TaskState, TaskStep, next};

/// The version of a new task, which is also the sequence of its first event.
pub const FIRST_VERSION: i64 = 1;

/// A task. It changes by the methods below only, and every change has a new version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// The assignment.
    pub assignment: AssignmentId,
    /// What is to be done.
    pub title: String,
    /// Where it stands.
    pub state: TaskState,
    /// Who works on it.
    pub claimed_by: Option<Actor>,
    /// By when.
    pub due_at: Option<Timestamp>,
    /// The caller's id of the request that created it.
    pub request_id: Uuid,
    /// What was found.
    pub result: String,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was finished.
    pub completed_at: Option<Timestamp>,
}

impl Task {
    fn step(&mut self, step: TaskStep, now: Timestamp) -> Result<()> {
        self.state = next(self.state, step)?;
        self.version += 1;
        self.updated_at = now;
        Ok(())
    }

    /// Whether it was created by the same request with the same body.
    #[must_use]
    pub fn is_repetition(&self, title: &str, due_at: Option<Timestamp>) -> bool {
        self.title == title && self.due_at == due_at
    }

    /// The officer takes it. False where that officer has it already.
    ///
    /// # Errors
    /// ILLEGAL_STATE.
    pub fn claim(&mut self, by: &Actor, now: Timestamp) -> Result<bool> {
        if self.state == TaskState::Claimed && self.claimed_by.as_ref() == Some(by) {
            return Ok(false);
        }
        self.step(TaskStep::Claim, now)?;
        self.claimed_by = Some(by.clone());
        Ok(true)
    }

    /// The officer who claimed it is done. False where it was finished with this result before.
    ///
    /// # Errors
    /// ILLEGAL_STATE; PERMISSION_DENIED where another officer claimed it.
    pub fn complete(&mut self, by: &Actor, result: &str, now: Timestamp) -> Result<bool> {
        if let Some(claimed_by) = &self.claimed_by
            && claimed_by != by
        {
            return Err(
                Error::new(ErrorKind::PermissionDenied, Reason::CallerNotAllowed)
                    .message("another officer has claimed this task"),
            );
        }
        if self.state == TaskState::Completed && self.result == result {
            return Ok(false);
        }
        self.step(TaskStep::Complete, now)?;
        result.clone_into(&mut self.result);
        self.completed_at = Some(now);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn officer(name: &str) -> Actor {
        Actor {
            party: "unit/cyber".parse().unwrap(),
            officer: Some(name.to_owned()),
        }
    }

    #[test]
    fn a_task_belongs_to_the_officer_who_claimed_it() {
        let at = Timestamp::from_seconds(1_000);
        let mut task = Task {
            id: TaskId::from_uuid(Uuid::nil()),
            assignment: AssignmentId::from_uuid(Uuid::nil()),
            title: "ask the provider".into(),
            state: TaskState::Ready,
            claimed_by: None,
            due_at: None,
            request_id: Uuid::nil(),
            result: String::new(),
            version: FIRST_VERSION,
            created_at: at,
            updated_at: at,
            completed_at: None,
        };
        let (one, two) = (officer("one"), officer("two"));
        assert_eq!(
            task.complete(&one, "", at).unwrap_err().reason(),
            Reason::IllegalState
        );
        assert!(task.claim(&one, at).unwrap());
        assert!(!task.claim(&one, at).unwrap());
        assert_eq!(
            task.claim(&two, at).unwrap_err().reason(),
            Reason::IllegalState
        );
        let refused = task.complete(&two, "found", at).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
        assert!(task.complete(&one, "found", at).unwrap());
        assert!(!task.complete(&one, "found", at).unwrap());
        assert_eq!(
            task.complete(&one, "other", at).unwrap_err().reason(),
            Reason::IllegalState
        );
        assert_eq!((task.version, task.completed_at), (3, Some(at)));
    }
}
