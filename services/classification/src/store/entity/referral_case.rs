//! A referral on its way through classification.

use sea_orm::entity::prelude::*;

/// One row a referral.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "referral_case")]
pub struct Model {
    /// The referral.
    #[sea_orm(primary_key, auto_increment = false)]
    pub referral_id: Uuid,
    /// Where it stands.
    pub state: String,
    /// Revision of the latest decision.
    pub revision: i32,
    /// Position of the latest fact told.
    pub sequence: i64,
    /// How pressing it is.
    pub urgency: String,
    /// Its place in the queue, smaller first.
    pub priority: i32,
    /// Units that declined it, as a JSON list.
    pub declined: String,
    /// The envelope, as `liaison.event.v1.Envelope`.
    pub envelope: Vec<u8>,
    /// Attempts to decide it.
    pub attempts: i32,
    /// While it is pending: from when on it may be claimed. A claim moves this to the claim's end.
    pub due_at: i64,
    /// The trace it belongs to.
    pub traceparent: Option<String>,
    /// When it was admitted here, in microseconds.
    pub created_at: i64,
    /// When it last changed, in microseconds.
    pub updated_at: i64,
}

/// None that the code follows.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
