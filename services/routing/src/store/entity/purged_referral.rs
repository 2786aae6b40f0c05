//! Referrals whose content was purged. Nothing is written about them any more.

use sea_orm::entity::prelude::*;

/// One row a referral.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "purged_referral")]
pub struct Model {
    /// The referral.
    #[sea_orm(primary_key, auto_increment = false)]
    pub referral_id: Uuid,
    /// When this service heard of it, in microseconds.
    pub purged_at: i64,
}

/// None that the code follows.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
