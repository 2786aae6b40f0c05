//! Events on their way.

use sea_orm::entity::prelude::*;

/// One event for one destination. Instants are microseconds since the epoch, in UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub struct Model {
    /// The event's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Who gets it.
    pub destination: String,
    /// What it is about.
    pub subject: String,
    /// Its position within the subject.
    pub sequence: i64,
    /// What kind of fact it is.
    pub kind: String,
    /// The fact itself.
    pub payload: Vec<u8>,
    /// The trace it belongs to.
    pub traceparent: Option<String>,
    /// When it was enqueued.
    pub created_at: i64,
    /// Not claimed before this instant.
    pub due_at: i64,
    /// How often it was claimed.
    pub attempts: i32,
    /// The claim that holds it, new with each one: the fencing token.
    pub lease_token: Option<Uuid>,
    /// Until when.
    pub lease_until: Option<i64>,
    /// Why the last attempt failed: the name of a [`liaison_types::Reason`].
    pub reason: Option<String>,
    /// Since when it is a dead letter.
    pub dead_at: Option<i64>,
}

/// No relations: subjects are names, not rows of this table's making.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
