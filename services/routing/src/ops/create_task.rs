//! A unit divides its work.

use liaison_grpc::wire;
use liaison_types::{AssignmentId, Error, ErrorKind, Reason, Result, TaskId, Timestamp};
use uuid::Uuid;

use super::Ops;
use crate::domain::task::FIRST_VERSION;
use crate::domain::{Actor, AssignmentStep, Task, TaskState};
use crate::store::{self, Texts};

/// Creates a task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreateTask {
    /// Under which assignment.
    pub assignment: AssignmentId,
    /// What is to be done.
    pub title: String,
    /// By when.
    pub due_at: Option<Timestamp>,
    /// Makes the call repeatable.
    pub request_id: Uuid,
}

impl Ops {
    /// The new task, which can be claimed at once; or, where the request is repeated, the task as it is
    /// by now.
    ///
    /// # Errors
    /// NOT_FOUND where the assignment is not the caller's; REQUEST_ID_REUSED; ILLEGAL_STATE where it is
    /// not accepted or has as many tasks as it may.
    pub async fn create_task(&self, by: &Actor, request: CreateTask) -> Result<Task> {
        let core = &self.core;
        let (request, cause) = (&request, &core.called_by(by));
        let task = core
            .parts
            .db
            .write_tx("routing.create_task", |tx| {
                Box::pin(async move {
                    let (mut board, mut assignment, permission) =
                        core.own_with_case(tx, by, request.assignment).await?;
                    let (id, request_id) = (request.assignment, request.request_id);
                    let referral = assignment.referral;
                    let texts = Texts::of(tx, &core.parts.vault, [referral]).await?;
                    let known =
                        store::find_task_by_request(tx, id, request_id, referral, &texts).await?;
                    if let Some(task) = known {
                        return match task.is_repetition(&request.title, request.due_at) {
                            true => Ok(task),
                            false => Err(Error::new(
                                ErrorKind::AlreadyExists,
                                Reason::RequestIdReused,
                            )),
                        };
                    }
                    let step = assignment.add_task(cause.at)?;
                    if store::count_tasks(tx, id).await? >= core.parts.max_tasks as u64 {
                        let most = core.parts.max_tasks;
                        let step = AssignmentStep::TaskCreated.as_str();
                        return Err(Error::illegal_state(step, assignment.state.as_str())
                            .message(format!("an assignment has at most {most} tasks")));
                    }
                    let task = Task {
                        id: TaskId::new(cause.at, core.parts.random.as_ref()),
                        assignment: id,
                        title: request.title.clone(),
                        state: TaskState::Ready,
                        claimed_by: None,
                        due_at: request.due_at,
                        request_id,
                        result: String::new(),
                        version: FIRST_VERSION,
                        created_at: cause.at,
                        updated_at: cause.at,
                        completed_at: None,
                    };
                    board.know(texts);
                    board.put_assignment(assignment, step, cause)?;
                    board.add_task(task.clone(), cause)?;
                    let subject = wire::resource(task.id);
                    let mut entry =
                        core.permitted(cause, "routing.create_task", subject, &permission, None);
                    entry.request_id = Some(request_id.to_string());
                    board.audit(entry);
                    core.save(tx, board, cause.at).await?;
                    Ok(task)
                })
            })
            .await?;
        Ok(task)
    }
}
