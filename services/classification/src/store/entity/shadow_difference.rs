//! What a shadow would have decided otherwise. Rows are never changed; they hold no words.

use sea_orm::entity::prelude::*;

/// One row a decision.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "shadow_difference")]
pub struct Model {
    /// The decision that took effect.
    #[sea_orm(primary_key, auto_increment = false)]
    pub decision_id: Uuid,
    /// The referral.
    pub referral_id: Uuid,
    /// When, in microseconds.
    pub at: i64,
    /// The rule set that decided.
    pub active_rule_set: String,
    /// `ROUTE` or `REVIEW`.
    pub active_outcome: String,
    /// The unit that leads.
    pub active_lead: Option<String>,
    /// Units that support, as a JSON list.
    pub active_supporting: String,
    /// How probable the lead is.
    pub active_probability: f64,
    /// The rule set that would have decided otherwise.
    pub shadow_rule_set: String,
    /// `ROUTE` or `REVIEW`.
    pub shadow_outcome: String,
    /// The unit that would lead.
    pub shadow_lead: Option<String>,
    /// Units that would support, as a JSON list.
    pub shadow_supporting: String,
    /// How probable the lead would be.
    pub shadow_probability: f64,
}

/// None that the code follows.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
