//! Shares of referrals, and what a referral is for.

use liaison_store::migration as m;
use sea_orm::{ConnectionTrait as _, DbErr};
use sea_orm_migration::sea_query::Table;
use sea_orm_migration::{MigrationTrait, SchemaManager};

pub(super) fn step() -> Box<dyn MigrationTrait> {
    m::step("m20261122_000004_shares", |manager| Box::pin(up(manager)))
}

/// In the words that both databases and the queries of `store` share.
const INDEXES: &str = "
CREATE INDEX share_active ON share (recipient, referral_id) WHERE state = 'ACTIVE';
CREATE INDEX share_awaiting ON share (owner, id) WHERE state = 'AWAITING_CONSENT';
CREATE INDEX share_due ON share (consent_due_at) WHERE state = 'AWAITING_CONSENT';
";

async fn up(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let purpose = Table::alter()
        .table("referral")
        .add_column(m::text_null("purpose"))
        .to_owned();
    manager.alter_table(purpose).await?;
    let share = m::table("share")
        .col(m::id("id"))
        .col(m::uuid("referral_id"))
        .col(m::text("owner"))
        .col(m::text("recipient"))
        .col(m::text("state"))
        .col(m::text("purpose"))
        .col(m::text("action"))
        .col(m::text("usage"))
        .col(m::text("requested_party"))
        .col(m::text_null("requested_officer"))
        .col(m::timestamp("requested_at"))
        .col(m::uuid("request_id"))
        .col(m::timestamp_null("consent_due_at"))
        .col(m::text_null("consent_rule"))
        .col(m::text_null("decided_party"))
        .col(m::text_null("decided_officer"))
        .col(m::timestamp("updated_at"))
        .col(m::text("rules"))
        .col(m::boolean("exercise"))
        .col(m::bytes("reason"))
        .col(m::bytes_null("decision_reason"))
        .to_owned();
    manager.create_table(share).await?;
    manager
        .create_index(m::index("share", &["referral_id", "id"]))
        .await?;
    manager
        .create_index(m::unique_index("share", &["request_id", "requested_party"]))
        .await?;
    manager.get_connection().execute_unprepared(INDEXES).await?;
    Ok(())
}
