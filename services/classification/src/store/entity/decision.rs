//! A decision. Rows are written once, but for what a purge clears.

use sea_orm::entity::prelude::*;

/// One row a decision.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "decision")]
pub struct Model {
    /// The decision.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The referral.
    pub referral_id: Uuid,
    /// 1 for the first on a referral.
    pub revision: i32,
    /// `ROUTE`, `REVIEW` or `REFUSE`.
    pub outcome: String,
    /// The unit that leads.
    pub lead: Option<String>,
    /// Units that support, as a JSON list.
    pub supporting: String,
    /// The desk that gets it.
    pub desk: Option<String>,
    /// How probable each answer is, as a JSON list.
    pub probabilities: String,
    /// Why: rules, codes, concepts and places, as a JSON list. No words of the text.
    pub grounds: String,
    /// The version of the rule set; empty where a person decided.
    pub rule_set: String,
    /// The language of the text.
    pub language: Option<String>,
    /// When it was decided, in microseconds.
    pub decided_at: i64,
    /// The party that decided; absent for the machine.
    pub party: Option<String>,
    /// The officer who decided.
    pub officer: Option<String>,
    /// The officer's reasoning, sealed.
    pub note: Option<Vec<u8>>,
    /// Offences that the text suggests, as a JSON list; NULL in rows of before they were kept.
    pub suggestions: Option<String>,
    /// How probable its own answer is; NULL where a person decided.
    pub confidence: Option<f64>,
    /// Training traffic.
    pub exercise: bool,
    /// The version of the text model; absent where none took part.
    pub model: Option<String>,
    /// The version of the program; absent where a person decided.
    pub program: Option<String>,
    /// SHA-256 of what was decided on; cleared by a purge.
    pub input_digest: Option<Vec<u8>>,
    /// SHA-256 of what the machine decided, before policy; absent where a person decided.
    pub decision_digest: Option<Vec<u8>>,
    /// Signs that the case may be pressing, with places, as a JSON list; NULL in rows of before they were kept. No
    /// words of the text.
    pub urgency_hints: Option<String>,
    /// On what ground the referral is refused; with `REFUSE` only.
    pub refusal_ground: Option<String>,
}

/// None that the code follows.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
