//! A party that a referral was or is to be passed on to.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "share")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub referral_id: Uuid,
    pub owner: String,
    pub recipient: String,
    pub state: String,
    pub purpose: String,
    pub action: String,
    pub usage: String,
    pub requested_party: String,
    pub requested_officer: Option<String>,
    pub requested_at: i64,
    /// Unique for each party that asks: what makes the call repeatable.
    pub request_id: Uuid,
    pub consent_due_at: Option<i64>,
    pub consent_rule: Option<String>,
    pub decided_party: Option<String>,
    pub decided_officer: Option<String>,
    pub updated_at: i64,
    /// JSON.
    pub rules: String,
    pub exercise: bool,
    /// Sealed with the referral's key.
    pub reason: Vec<u8>,
    /// Sealed with the referral's key.
    pub decision_reason: Option<Vec<u8>>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
