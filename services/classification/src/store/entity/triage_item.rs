//! A referral at the triage desk.

use sea_orm::entity::prelude::*;

/// One row a referral that is or was at the desk.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "triage_item")]
pub struct Model {
    /// The referral.
    #[sea_orm(primary_key, auto_increment = false)]
    pub referral_id: Uuid,
    /// Whether it waits.
    pub open: bool,
    /// Why it is here.
    pub cause: String,
    /// How pressing it is.
    pub urgency: String,
    /// Its place in the queue, smaller first.
    pub priority: i32,
    /// Since when it waits, in microseconds.
    pub waiting_since: i64,
    /// Training traffic.
    pub exercise: bool,
}

/// None that the code follows.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
