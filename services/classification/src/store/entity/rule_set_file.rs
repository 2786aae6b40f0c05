//! The files of rule sets. Rows are never changed.

use sea_orm::entity::prelude::*;

/// One row a file of a version.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rule_set_file")]
pub struct Model {
    /// The version.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: String,
    /// The name, `/` between folder and file.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// The bytes.
    pub content: Vec<u8>,
}

/// None that the code follows.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
