//! A notification.

use sea_orm::entity::prelude::*;

/// One row a recipient and fact.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notification")]
pub struct Model {
    /// The recipient's short form.
    #[sea_orm(primary_key, auto_increment = false)]
    pub recipient: String,
    /// 1 for the recipient's first, without gaps.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
    /// Training traffic.
    pub exercise: bool,
    /// The event, as `liaison.event.v1.Event`.
    pub event: Vec<u8>,
    /// When it was kept, in microseconds.
    pub kept_at: i64,
}

/// No relations: a recipient's row is only its counter.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
