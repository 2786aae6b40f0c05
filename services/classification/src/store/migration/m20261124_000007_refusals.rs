//! A decision by hand may be that a referral is no unit's business, with the ground.

use liaison_store::migration as m;
use sea_orm::DbErr;
use sea_orm_migration::sea_query::Table;
use sea_orm_migration::{MigrationTrait, SchemaManager};

pub(super) fn step() -> Box<dyn MigrationTrait> {
    m::step("m20261124_000007_refusals", |manager| Box::pin(up(manager)))
}

async fn up(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut alter = Table::alter();
    let alter = alter
        .table("decision")
        .add_column(m::text_null("refusal_ground"));
    manager.alter_table(alter.to_owned()).await
}
