//! Referrals with a decision. Lists and markings are JSON.

use sea_orm::entity::prelude::*;

/// A referral and its latest decision.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "routed_case")]
pub struct Model {
    /// The referral.
    #[sea_orm(primary_key, auto_increment = false)]
    pub referral_id: Uuid,
    /// The suite's reference.
    pub reference: String,
    /// Whose it is.
    pub bureau: String,
    /// Its kind.
    pub kind: String,
    /// How pressing it is.
    pub urgency: String,
    /// Markings as the source set them.
    pub markings: String,
    /// When it was received.
    pub received_at: i64,
    /// The completion clock: its start,
    pub completion_started_at: Option<i64>,
    /// its end,
    pub completion_due_at: Option<i64>,
    /// and the rule that set it.
    pub completion_rule: Option<String>,
    /// Training traffic.
    pub exercise: bool,
    /// The latest decision.
    pub decision_id: Uuid,
    /// Its revision.
    pub revision: i32,
    /// The unit that leads by it; empty where people found it no unit's business.
    pub lead: String,
    /// That unit's desk.
    pub desk: Option<String>,
    /// Units that support, the most fitting first.
    pub supporting: String,
    /// Rules that decided.
    pub rules: String,
    /// Whether a person decided.
    pub by_person: bool,
    /// Why the decision came to nothing.
    pub returned: Option<String>,
    /// When the first decision arrived.
    pub created_at: i64,
    /// When the row last changed.
    pub updated_at: i64,
}

/// None that the code follows.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
