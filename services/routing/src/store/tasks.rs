//! Tasks. They are guarded by their assignment's lock and have none of their own.

use std::collections::HashMap;

use liaison_store::{DbResult as _, Inconsistency};
use liaison_types::{AssignmentId, Party, Result, TaskId, Timestamp};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QuerySelect as _,
};
use uuid::Uuid;

use super::any_of;
use super::entity::task::{Column, Entity, Model};
use crate::domain::{Actor, Task, TaskState};

/// The columns that change after creation.
pub(super) const CHANGING: [Column; 7] = [
    Column::State,
    Column::ClaimedParty,
    Column::ClaimedOfficer,
    Column::Result,
    Column::Version,
    Column::UpdatedAt,
    Column::CompletedAt,
];

/// The row of `task`.
pub(super) fn row(task: &Task) -> Model {
    let claimed_by = task.claimed_by.as_ref();
    Model {
        id: task.id.uuid(),
        assignment_id: task.assignment.uuid(),
        title: task.title.clone(),
        state: task.state.to_string(),
        claimed_party: claimed_by.map(|actor| actor.party.to_string()),
        claimed_officer: claimed_by.and_then(|actor| actor.officer.clone()),
        due_at: task.due_at.map(Timestamp::as_micros),
        request_id: task.request_id,
        result: task.result.clone(),
        version: task.version,
        created_at: task.created_at.as_micros(),
        updated_at: task.updated_at.as_micros(),
        completed_at: task.completed_at.map(Timestamp::as_micros),
    }
}

fn read(row: Model) -> Result<Task> {
    let on = Inconsistency::on("task").row(row.id);
    let claimed_by = match row.claimed_party {
        Some(party) => Some(Actor {
            party: party
                .parse::<Party>()
                .map_err(|e| on.column("claimed_party").source(e))?,
            officer: row.claimed_officer,
        }),
        None => None,
    };
    Ok(Task {
        id: TaskId::from_uuid(row.id),
        assignment: AssignmentId::from_uuid(row.assignment_id),
        title: row.title,
        state: row
            .state
            .parse()
            .map_err(|e| on.column("state").source(e))?,
        claimed_by,
        due_at: row.due_at.map(Timestamp::from_micros),
        request_id: row.request_id,
        result: row.result,
        version: row.version,
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
        completed_at: row.completed_at.map(Timestamp::from_micros),
    })
}

/// The task.
pub(crate) async fn find_task<C: ConnectionTrait>(db: &C, id: TaskId) -> Result<Option<Task>> {
    Entity::find_by_id(id.uuid())
        .one(db)
        .await
        .db()?
        .map(read)
        .transpose()
}

/// The task of this assignment that this request created.
pub(crate) async fn find_task_by_request<C: ConnectionTrait>(
    db: &C,
    assignment: AssignmentId,
    request_id: Uuid,
) -> Result<Option<Task>> {
    Entity::find()
        .filter(Column::AssignmentId.eq(assignment.uuid()))
        .filter(Column::RequestId.eq(request_id))
        .one(db)
        .await
        .db()?
        .map(read)
        .transpose()
}

/// The tasks of the assignment, the oldest first. They are few: the settings bound them.
pub(crate) async fn tasks_of<C: ConnectionTrait>(
    db: &C,
    assignment: AssignmentId,
) -> Result<Vec<Task>> {
    let rows = Entity::find()
        .filter(Column::AssignmentId.eq(assignment.uuid()))
        .all(db)
        .await
        .db()?;
    let mut tasks: Vec<Task> = rows.into_iter().map(read).collect::<Result<_>>()?;
    tasks.sort_by_key(|task| (task.created_at, task.id));
    Ok(tasks)
}

/// How many tasks of each of these assignments have to be finished; an assignment without any is
/// not in the answer.
pub(crate) async fn count_open_tasks<C: ConnectionTrait>(
    tx: &C,
    assignments: &[AssignmentId],
) -> Result<HashMap<AssignmentId, u64>> {
    if assignments.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = assignments.iter().map(|id| id.uuid());
    let open = TaskState::ALL
        .iter()
        .filter(|state| state.is_open())
        .map(|state| state.as_str());
    let found: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::AssignmentId)
        .filter(any_of(tx.get_database_backend(), Column::AssignmentId, ids))
        .filter(Column::State.is_in(open))
        .into_tuple()
        .all(tx)
        .await
        .db()?;
    let mut counts = HashMap::new();
    for id in found {
        *counts.entry(AssignmentId::from_uuid(id)).or_insert(0) += 1;
    }
    Ok(counts)
}
