//! `liaison task …`: the work under an assignment.

use liaison_proto::routing::{
    ClaimTaskRequest, CompleteTaskRequest, CreateTaskRequest, ListTasksRequest, Task,
};
use serde_json::{Value, json};

use crate::cli::{AssignmentArgs, Output, TaskArgs, TaskCommand};
use crate::connection::Connection;
use crate::failure::{Failure, Outcome};
use crate::output::{actor, document, instant, records, word};
use crate::proto_json::to_json;

use super::resource;
use super::submit::request_id;

const TASK: &str = "liaison.routing.v1.Task";

/// Runs the command.
///
/// # Errors
/// What keeps it from being done.
pub async fn run(output: &Output, command: &TaskCommand) -> Outcome {
    let task = match command {
        TaskCommand::List(args) => return list(output, args).await,
        TaskCommand::Create(args) => {
            let AssignmentArgs { name, connect } = &args.assignment;
            Connection::open(connect, None)?
                .routing()?
                .create_task(CreateTaskRequest {
                    assignment: resource("assignments", name),
                    title: args.title.clone(),
                    due_at: None,
                    request_id: request_id(),
                })
                .await
                .map_err(Failure::refused(name))?
                .into_inner()
                .task
        }
        TaskCommand::Claim(args) => {
            Connection::open(&args.connect, None)?
                .routing()?
                .claim_task(ClaimTaskRequest {
                    name: resource("tasks", &args.name),
                })
                .await
                .map_err(Failure::refused(&args.name))?
                .into_inner()
                .task
        }
        TaskCommand::Complete(args) => {
            let TaskArgs { name, connect } = &args.task;
            Connection::open(connect, None)?
                .routing()?
                .complete_task(CompleteTaskRequest {
                    name: resource("tasks", name),
                    result: args.result.clone(),
                })
                .await
                .map_err(Failure::refused(name))?
                .into_inner()
                .task
        }
    }
    .unwrap_or_default();
    document(output, &to_json(TASK, &task), || {
        records(HEADERS, vec![row(&task)])
    })?;
    Ok(())
}

const HEADERS: &[&str] = &["title", "state", "who", "created", "task"];

fn row(task: &Task) -> Vec<String> {
    let who = task
        .claimed_by
        .as_ref()
        .map_or_else(|| "–".to_owned(), |by| actor(Some(by)));
    vec![
        task.title.clone(),
        word(task.state().as_str_name(), "TASK_STATE_"),
        who,
        instant(task.created_at.as_ref()),
        task.name.clone(),
    ]
}

async fn list(output: &Output, args: &AssignmentArgs) -> Outcome {
    let tasks = Connection::open(&args.connect, None)?
        .routing()?
        .list_tasks(ListTasksRequest {
            assignment: resource("assignments", &args.name),
        })
        .await
        .map_err(Failure::refused(&args.name))?
        .into_inner()
        .tasks;
    let json: Vec<Value> = tasks.iter().map(|task| to_json(TASK, task)).collect();
    document(output, &json!({ "tasks": json }), || {
        records(HEADERS, tasks.iter().map(row).collect())
    })?;
    Ok(())
}
