//! A rule set. Its version and what belongs to it never change; where it stands does.

use sea_orm::entity::prelude::*;

/// One row a version.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rule_set")]
pub struct Model {
    /// The version.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: String,
    /// SHA-256 of its files.
    pub digest: Vec<u8>,
    /// `CANDIDATE`, `SHADOW`, `ACTIVE` or `RETIRED`.
    pub state: String,
    /// When it was added, in microseconds.
    pub added_at: i64,
    /// The party that added it.
    pub added_by: String,
    /// When it last became active, in microseconds.
    pub activated_at: Option<i64>,
    /// The party that made it active last.
    pub activated_by: Option<String>,
    /// An operator chose it: starts leave it alone.
    pub held: bool,
    /// The version that it took the place of.
    pub before: Option<String>,
    /// What was measured of it.
    pub figures: String,
}

/// None that the code follows.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
