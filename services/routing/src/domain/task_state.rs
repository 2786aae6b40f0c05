//! The life of a task: the one table of its states and steps.

use liaison_types::{Error, Result};

liaison_types::names! {
    /// Where a task stands.
    TaskState {
        /// Being written.
        Draft = "DRAFT",
        /// Can be claimed.
        Ready = "READY",
        /// Taken by an officer.
        Claimed = "CLAIMED",
        /// Being worked on.
        InProgress = "IN_PROGRESS",
        /// Waits.
        OnHold = "ON_HOLD",
        /// Waits for another task.
        Blocked = "BLOCKED",
        /// Done.
        Completed = "COMPLETED",
        /// Could not be done.
        Failed = "FAILED",
        /// Not wanted any more.
        Cancelled = "CANCELLED",
        /// Overtaken by events.
        Obsolete = "OBSOLETE",
    }
    /// What can happen to a task.
    TaskStep {
        /// The draft is finished.
        Publish = "PUBLISH_TASK",
        /// An officer takes it.
        Claim = "CLAIM_TASK",
        /// The officer begins.
        Start = "START_TASK",
        /// The officer gives it back.
        Release = "RELEASE_TASK",
        /// It has to wait.
        Hold = "HOLD_TASK",
        /// It goes on.
        Resume = "RESUME_TASK",
        /// Another task has to come first.
        Block = "BLOCK_TASK",
        /// The other task is finished.
        Unblock = "UNBLOCK_TASK",
        /// It is done.
        Complete = "COMPLETE_TASK",
        /// It cannot be done.
        Fail = "FAIL_TASK",
        /// It is not wanted any more.
        Cancel = "CANCEL_TASK",
        /// Events have overtaken it.
        Supersede = "SUPERSEDE_TASK",
    }
}

/// The table. A step that is not here is not possible.
const TABLE: &[(TaskState, TaskStep, TaskState)] = {
    use TaskState as S;
    use TaskStep as E;
    &[
        (S::Draft, E::Publish, S::Ready),
        (S::Draft, E::Cancel, S::Cancelled),
        (S::Ready, E::Claim, S::Claimed),
        (S::Ready, E::Block, S::Blocked),
        (S::Ready, E::Cancel, S::Cancelled),
        (S::Ready, E::Supersede, S::Obsolete),
        (S::Claimed, E::Start, S::InProgress),
        (S::Claimed, E::Release, S::Ready),
        (S::Claimed, E::Complete, S::Completed),
        (S::Claimed, E::Fail, S::Failed),
        (S::Claimed, E::Cancel, S::Cancelled),
        (S::Claimed, E::Supersede, S::Obsolete),
        (S::InProgress, E::Hold, S::OnHold),
        (S::InProgress, E::Release, S::Ready),
        (S::InProgress, E::Complete, S::Completed),
        (S::InProgress, E::Fail, S::Failed),
        (S::InProgress, E::Cancel, S::Cancelled),
        (S::InProgress, E::Supersede, S::Obsolete),
        (S::OnHold, E::Resume, S::InProgress),
        (S::OnHold, E::Cancel, S::Cancelled),
        (S::OnHold, E::Supersede, S::Obsolete),
        (S::Blocked, E::Unblock, S::Ready),
        (S::Blocked, E::Cancel, S::Cancelled),
        (S::Blocked, E::Supersede, S::Obsolete),
    ]
};

/// The state after `step`.
///
/// # Errors
/// FAILED_PRECONDITION, ILLEGAL_STATE where the table has no such step.
pub fn next(state: TaskState, step: TaskStep) -> Result<TaskState> {
    TABLE
        .iter()
        .find(|(from, by, _)| *from == state && *by == step)
        .map(|(_, _, to)| *to)
        .ok_or_else(|| Error::illegal_state(step.as_str(), state.as_str()))
}

impl TaskState {
    /// Whether it still has to be finished. An assignment with such a task cannot be completed.
    #[must_use]
    pub fn is_open(self) -> bool {
        TABLE.iter().any(|(from, _, _)| *from == self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use TaskState as S;

    #[test]
    fn the_table_has_one_row_for_a_state_and_a_step_and_reaches_every_state() {
        for (index, (from, step, _)) in TABLE.iter().enumerate() {
            let again = TABLE[index + 1..]
                .iter()
                .any(|(f, s, _)| f == from && s == step);
            assert!(!again, "{from} {step}");
        }
        for state in S::ALL {
            let reached = *state == S::Draft || TABLE.iter().any(|(_, _, to)| to == state);
            assert!(reached, "{state}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_tried_nothing_is_done_that_nobody_claimed_and_an_end_is_an_end(
            tried in prop::collection::vec(prop::sample::select(TaskStep::ALL), 0..40),
        ) {
            let (mut state, mut claimed) = (S::Draft, false);
            for step in tried {
                let Ok(after) = next(state, step) else {
                    continue;
                };
                prop_assert!(state.is_open(), "nothing follows {state}");
                claimed = match after {
                    S::Claimed => true,
                    S::Ready => false,
                    _ => claimed,
                };
                prop_assert!(!matches!(after, S::Completed | S::Failed) || claimed);
                state = after;
            }
        }
    }
}
