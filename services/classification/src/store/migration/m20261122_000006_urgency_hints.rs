//! Decisions hold the signs that a case may be more pressing than it was called.

use liaison_store::migration as m;
use sea_orm::DbErr;
use sea_orm_migration::sea_query::Table;
use sea_orm_migration::{MigrationTrait, SchemaManager};

pub(super) fn step() -> Box<dyn MigrationTrait> {
    m::step("m20261122_000006_urgency_hints", |manager| {
        Box::pin(up(manager))
    })
}

async fn up(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut alter = Table::alter();
    let alter = alter
        .table("decision")
        .add_column(m::text_null("urgency_hints"));
    manager.alter_table(alter.to_owned()).await
}
