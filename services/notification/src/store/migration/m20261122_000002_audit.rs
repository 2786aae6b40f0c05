//! The audit: what operators did about dead letters, and who read the audit.

use liaison_store::audit;
use liaison_store::migration as m;
use sea_orm::DbErr;
use sea_orm_migration::{MigrationTrait, SchemaManager};

pub(super) fn step() -> Box<dyn MigrationTrait> {
    m::step("m20261122_000002_audit", |manager| Box::pin(up(manager)))
}

async fn up(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    audit::create_table(manager).await?;
    audit::add_decision_columns(manager).await?;
    audit::create_seal_tables(manager).await
}
