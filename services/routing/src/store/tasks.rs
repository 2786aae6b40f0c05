//! Tasks. They are guarded by their assignment's lock and have none of their own.

use std::collections::HashMap;

use liaison_store::{DbResult as _, Inconsistency};
use liaison_types::{AssignmentId, Party, ReferralId, Result, TaskId, Timestamp};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QuerySelect as _,
};
use uuid::Uuid;

use super::any_of;
use super::entity::task::{Column, Entity, Model};
use super::texts::{Texts, result_cell, title_cell};
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

/// The row of `task`, with its texts as they are sealed.
pub(super) fn row(task: &Task, title: Option<Vec<u8>>, result: Option<Vec<u8>>) -> Model {
    let claimed_by = task.claimed_by.as_ref();
    Model {
        id: task.id.uuid(),
        assignment_id: task.assignment.uuid(),
        title,
        state: task.state.to_string(),
        claimed_party: claimed_by.map(|actor| actor.party.to_string()),
        claimed_officer: claimed_by.and_then(|actor| actor.officer.clone()),
        due_at: task.due_at.map(Timestamp::as_micros),
        request_id: task.request_id,
        result,
        version: task.version,
        created_at: task.created_at.as_micros(),
        updated_at: task.updated_at.as_micros(),
        completed_at: task.completed_at.map(Timestamp::as_micros),
    }
}

fn read(row: Model, referral: ReferralId, texts: &Texts) -> Result<Task> {
    let on = Inconsistency::on("task").row(row.id);
    let id = TaskId::from_uuid(row.id);
    let open = |cell, sealed: Option<&[u8]>| texts.open(referral, cell, sealed);
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
        id,
        assignment: AssignmentId::from_uuid(row.assignment_id),
        title: open(title_cell(id), row.title.as_deref())?,
        state: row
            .state
            .parse()
            .map_err(|e| on.column("state").source(e))?,
        claimed_by,
        due_at: row.due_at.map(Timestamp::from_micros),
        request_id: row.request_id,
        result: open(result_cell(id), row.result.as_deref())?,
        version: row.version,
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
        completed_at: row.completed_at.map(Timestamp::from_micros),
    })
}

/// The assignment that the task is part of.
pub(crate) async fn assignment_of<C: ConnectionTrait>(
    db: &C,
    task: TaskId,
) -> Result<Option<AssignmentId>> {
    let found: Option<Uuid> = Entity::find_by_id(task.uuid())
        .select_only()
        .column(Column::AssignmentId)
        .into_tuple()
        .one(db)
        .await
        .db()?;
    Ok(found.map(AssignmentId::from_uuid))
}

/// The task, which is about `referral`.
pub(crate) async fn find_task<C: ConnectionTrait>(
    db: &C,
    id: TaskId,
    referral: ReferralId,
    texts: &Texts,
) -> Result<Option<Task>> {
    let row = Entity::find_by_id(id.uuid()).one(db).await.db()?;
    row.map(|row| read(row, referral, texts)).transpose()
}

/// The task of this assignment that this request created.
pub(crate) async fn find_task_by_request<C: ConnectionTrait>(
    db: &C,
    assignment: AssignmentId,
    request_id: Uuid,
    referral: ReferralId,
    texts: &Texts,
) -> Result<Option<Task>> {
    let row = Entity::find()
        .filter(Column::AssignmentId.eq(assignment.uuid()))
        .filter(Column::RequestId.eq(request_id))
        .one(db)
        .await
        .db()?;
    row.map(|row| read(row, referral, texts)).transpose()
}

/// The tasks of the assignment, which is about `referral`, the oldest first. They are few: the settings
/// bound them.
pub(crate) async fn tasks_of<C: ConnectionTrait>(
    db: &C,
    assignment: AssignmentId,
    referral: ReferralId,
    texts: &Texts,
) -> Result<Vec<Task>> {
    let rows = Entity::find()
        .filter(Column::AssignmentId.eq(assignment.uuid()))
        .all(db)
        .await
        .db()?;
    let tasks = rows.into_iter().map(|row| read(row, referral, texts));
    let mut tasks: Vec<Task> = tasks.collect::<Result<_>>()?;
    tasks.sort_by_key(|task| (task.created_at, task.id));
    Ok(tasks)
}

/// How many tasks the assignment has.
pub(crate) async fn count_tasks<C: ConnectionTrait>(
    db: &C,
    assignment: AssignmentId,
) -> Result<u64> {
    Entity::find()
        .filter(Column::AssignmentId.eq(assignment.uuid()))
        .count(db)
        .await
        .db()
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
