//! The envelope of a referral, what is known of its progress, and the end of its history.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "referral")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub reference: String,
    pub bureau_reference: String,
    pub owner: String,
    pub officer: Option<String>,
    /// Unique per owner: what makes a submission repeatable.
    pub request_id: Uuid,
    /// SHA-256 of the dossier as it was submitted.
    pub body_digest: Vec<u8>,
    pub kind: String,
    pub urgency: String,
    pub purpose: Option<String>,
    pub state: String,
    /// Whether the state is UNDER_REVIEW: what the index of the compliance desk's work holds.
    pub under_review: bool,
    /// The state that the submission was answered with.
    pub first_state: String,
    /// JSON.
    pub markings: String,
    /// JSON.
    pub rules: String,
    pub exercise: bool,
    pub received_at: i64,
    pub updated_at: i64,
    pub admissibility_due_at: i64,
    pub admissibility_rule: String,
    pub completion_due_at: Option<i64>,
    pub completion_rule: Option<String>,
    pub refusal_ground: Option<String>,
    /// The reviewer's reasoning, sealed.
    pub review_note: Option<Vec<u8>>,
    pub lead_unit: Option<String>,
    /// JSON.
    pub supporting_units: String,
    pub outcome: Option<String>,
    /// The latest word of classification: its position, its time, and the revision, 0 for triage.
    pub said_sequence: Option<i64>,
    pub said_at: Option<i64>,
    pub said_revision: Option<i32>,
    /// With it: on what ground people refused the referral as no unit's business.
    pub said_refusal: Option<String>,
    pub version: i64,
    pub last_position: i64,
    pub last_digest: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
