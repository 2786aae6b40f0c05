//! Recipients and their notifications.

use liaison_store::migration as m;
use sea_orm::DbErr;
use sea_orm::sea_query::Index;
use sea_orm_migration::{MigrationTrait, SchemaManager};

pub(super) fn step() -> Box<dyn MigrationTrait> {
    m::step("m20261122_000001_notifications", |manager| {
        Box::pin(up(manager))
    })
}

async fn up(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let recipient = m::table("recipient")
        .col(m::text("party").primary_key())
        .col(m::bigint("last_position"))
        .to_owned();
    manager.create_table(recipient).await?;
    let notification = m::table("notification")
        .col(m::text("recipient"))
        .col(m::bigint("position"))
        .col(m::boolean("exercise"))
        .col(m::bytes("event"))
        .col(m::timestamp("kept_at"))
        .primary_key(Index::create().col("recipient").col("position"))
        .to_owned();
    manager.create_table(notification).await
}
