//! A unit's share of a referral, which is its grant to open the dossier.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "dossier_grant")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub assignment_id: Uuid,
    pub referral_id: Uuid,
    pub unit: String,
    pub role: String,
    pub state: String,
    /// The position of the latest step.
    pub sequence: i64,
    pub active: bool,
    pub lead_since: Option<i64>,
    pub work_started: bool,
    pub outcome: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
