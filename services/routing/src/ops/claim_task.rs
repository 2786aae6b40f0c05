//! An officer takes a task; work begins.

use liaison_grpc::wire;
use liaison_types::{Error, ErrorKind, Reason, Result, TaskId};

use super::Ops;
use crate::domain::{Actor, Task};
use crate::store::{self, Texts};

/// Takes a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClaimTask {
    /// Which one.
    pub task: TaskId,
}

impl Ops {
    /// The task, claimed by the acting officer. The first claim of an assignment says that work on it
    /// has begun. An officer who has the task already gets it again.
    ///
    /// # Errors
    /// OFFICER_REQUIRED; NOT_FOUND where the task is not the caller's; ILLEGAL_STATE.
    pub async fn claim_task(&self, by: &Actor, request: ClaimTask) -> Result<Task> {
        required_officer(by)?;
        let core = &self.core;
        let cause = &core.called_by(by);
        let task = core
            .parts
            .db
            .write_tx("routing.claim_task", |tx| {
                Box::pin(async move {
                    let assignment = store::assignment_of(tx, request.task).await?;
                    let assignment = assignment.ok_or_else(Error::not_found)?;
                    let (mut board, mut assignment, permission) =
                        core.own(tx, by, assignment).await?;
                    // Under the assignment's lock, which is the task's.
                    let referral = assignment.referral;
                    let texts = Texts::of(tx, &core.parts.vault, [referral]).await?;
                    let task = store::find_task(tx, request.task, referral, &texts).await?;
                    let mut task = task.ok_or_else(Error::not_found)?;
                    if !task.claim(by, cause.at)? {
                        return Ok(task);
                    }
                    if let Some(step) = assignment.start_work(cause.at)? {
                        board.put_assignment(assignment, step, cause)?;
                    }
                    board.know(texts);
                    board.change_task(task.clone(), cause)?;
                    let subject = wire::resource(task.id);
                    board.audit(core.permitted(
                        cause,
                        "routing.claim_task",
                        subject,
                        &permission,
                        None,
                    ));
                    core.save(tx, board, cause.at).await?;
                    Ok(task)
                })
            })
            .await?;
        Ok(task)
    }
}

/// What people have to answer for, they sign for.
pub(super) fn required_officer(by: &Actor) -> Result<()> {
    match by.officer {
        Some(_) => Ok(()),
        None => Err(Error::new(
            ErrorKind::PermissionDenied,
            Reason::OfficerRequired,
        )),
    }
}
