//! People at the duty desk may find that a referral is no unit's business, with the ground.

use liaison_store::migration as m;
use sea_orm::DbErr;
use sea_orm_migration::sea_query::Table;
use sea_orm_migration::{MigrationTrait, SchemaManager};

pub(super) fn step() -> Box<dyn MigrationTrait> {
    m::step("m20261124_000005_refusals", |manager| Box::pin(up(manager)))
}

async fn up(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut alter = Table::alter();
    let alter = alter
        .table("referral")
        .add_column(m::text_null("said_refusal"));
    manager.alter_table(alter.to_owned()).await
}
