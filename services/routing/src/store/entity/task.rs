//! Tasks.

use sea_orm::entity::prelude::*;

/// A piece of work under an assignment.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "task")]
pub struct Model {
    /// The task.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The assignment.
    pub assignment_id: Uuid,
    /// What is to be done, sealed.
    pub title: Option<Vec<u8>>,
    /// Where it stands.
    pub state: String,
    /// The party that works on it,
    pub claimed_party: Option<String>,
    /// and its officer.
    pub claimed_officer: Option<String>,
    /// By when.
    pub due_at: Option<i64>,
    /// The caller's id of the request that created it.
    pub request_id: Uuid,
    /// What was found, sealed.
    pub result: Option<Vec<u8>>,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub created_at: i64,
    /// When it last changed.
    pub updated_at: i64,
    /// When it was finished.
    pub completed_at: Option<i64>,
}

/// None that the code follows.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
