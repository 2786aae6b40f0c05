//! The database: cases, assignments, tasks. Entities and their conversion end here.
//!
//! Locks are taken in one order everywhere, so that transactions wait for each other and never
//! deadlock: cases by id, then assignments by id. A task is guarded by its assignment's lock. On
//! SQLite, where there is one writer, locking clauses mean nothing and are left out.

mod assignments;
mod board;
mod cases;
pub mod entity;
mod json;
pub mod migration;
mod purge;
mod tasks;
mod texts;

pub(crate) use assignments::{
    Queue, claim, expired, find_assignment, is_waiting, list_assignments, lock_all, referrals_of,
};
pub(crate) use board::{Board, Cause};
pub(crate) use cases::{find_cases, lock_cases};
pub use migration::Migrator;
pub(crate) use purge::{purge, purged};
pub(crate) use tasks::{
    assignment_of, count_open_tasks, count_tasks, find_task, find_task_by_request, tasks_of,
};
pub(crate) use texts::Texts;

use sea_orm::sea_query::extension::postgres::PgFunc;
use sea_orm::sea_query::{Expr, ExprTrait as _, SimpleExpr};
use sea_orm::{ColumnTrait, DbBackend};
use uuid::Uuid;

/// `column` is one of `ids`. On PostgreSQL the ids are one array, so that the statement's text is the
/// same for any number of them and is prepared once.
fn any_of<C: ColumnTrait>(
    backend: DbBackend,
    column: C,
    ids: impl IntoIterator<Item = Uuid>,
) -> SimpleExpr {
    match backend {
        DbBackend::Postgres => {
            let ids: Vec<Uuid> = ids.into_iter().collect();
            Expr::col((column.entity_name(), column)).eq(PgFunc::any(ids))
        }
        _ => column.is_in(ids),
    }
}
