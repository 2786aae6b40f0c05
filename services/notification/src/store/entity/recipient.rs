//! A party that has notifications, and how many.

use sea_orm::entity::prelude::*;

/// One row a party.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "recipient")]
pub struct Model {
    /// The party's short form.
    #[sea_orm(primary_key, auto_increment = false)]
    pub party: String,
    /// Position of its last notification.
    pub last_position: i64,
}

/// No relations: notifications are found by their key.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
