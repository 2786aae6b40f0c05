//! An officer finishes a task.

use liaison_grpc::wire;
use liaison_types::{Error, Result, TaskId};

use super::Ops;
use super::claim_task::required_officer;
use crate::domain::{Actor, Task};
use crate::store::{self, Texts};

/// Finishes a task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompleteTask {
    /// Which one.
    pub task: TaskId,
    /// What was found; may be empty.
    pub result: String,
}

impl Ops {
    /// The finished task. Only the officer who claimed it may finish it; repeating the call with the
    /// same result answers what the first one did.
    ///
    /// # Errors
    /// OFFICER_REQUIRED; NOT_FOUND where the task is not the caller's; PERMISSION_DENIED to another
    /// officer; ILLEGAL_STATE.
    pub async fn complete_task(&self, by: &Actor, request: CompleteTask) -> Result<Task> {
        required_officer(by)?;
        let core = &self.core;
        let (request, cause) = (&request, &core.called_by(by));
        let task = core
            .parts
            .db
            .write_tx("routing.complete_task", |tx| {
                Box::pin(async move {
                    let assignment = store::assignment_of(tx, request.task).await?;
                    let assignment = assignment.ok_or_else(Error::not_found)?;
                    let (mut board, assignment, permission) = core.own(tx, by, assignment).await?;
                    // Under the assignment's lock, which is the task's.
                    let referral = assignment.referral;
                    let texts = Texts::of(tx, &core.parts.vault, [referral]).await?;
                    let task = store::find_task(tx, request.task, referral, &texts).await?;
                    let mut task = task.ok_or_else(Error::not_found)?;
                    if !task.complete(by, &request.result, cause.at)? {
                        return Ok(task);
                    }
                    board.know(texts);
                    board.change_task(task.clone(), cause)?;
                    let subject = wire::resource(task.id);
                    let action = "routing.complete_task";
                    board.audit(core.permitted(cause, action, subject, &permission, None));
                    core.save(tx, board, cause.at).await?;
                    Ok(task)
                })
            })
            .await?;
        Ok(task)
    }
}
