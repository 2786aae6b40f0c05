//! The steps of a referral: append-only, each chained to the one before.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "custody")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub referral_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
    pub step: String,
    pub state: String,
    pub at: i64,
    pub party: String,
    pub officer: Option<String>,
    pub unit: Option<String>,
    pub detail: String,
    pub digest: Vec<u8>,
    /// SHA-256 of the dossier, where the step is its submission.
    pub content: Option<Vec<u8>>,
    /// Covers this step and all before it; absent where that of a later step of the same transaction does.
    pub signature: Option<Vec<u8>>,
    /// Which key signed.
    pub key_id: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
