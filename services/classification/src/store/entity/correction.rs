//! What was said of a decision afterwards: ids and codes, no words.

use sea_orm::entity::prelude::*;

/// One row a correction. It is written once; only the decision after it may follow later.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "correction")]
pub struct Model {
    /// The correction.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The referral.
    pub referral_id: Uuid,
    /// What brought it about.
    pub cause: String,
    /// The decision before; NULL where there was none.
    pub before_id: Option<Uuid>,
    /// The unit that was to lead by it; NULL for none of them.
    pub before_lead: Option<String>,
    /// The decision after; NULL while nobody has decided.
    pub after_id: Option<Uuid>,
    /// The unit that leads by it; NULL for none of them.
    pub after_lead: Option<String>,
    /// Units that support by it, as a JSON list; NULL while nobody has decided.
    pub after_supporting: Option<String>,
    /// The machine's decision that it speaks of; NULL where the machine made none.
    pub machine_id: Option<Uuid>,
    /// The rule set of that decision; empty where there is none.
    pub rule_set: String,
    /// The language of the text, as that decision tells it.
    pub language: Option<String>,
    /// How probable that decision's answer was.
    pub confidence: Option<f64>,
    /// Training traffic.
    pub exercise: bool,
    /// When it was said, in microseconds.
    pub made_at: i64,
}

/// None that the code follows.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
