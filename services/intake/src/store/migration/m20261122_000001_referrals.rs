//! Referrals, their content, their history, who may open them, and the counters of their references.

use liaison_store::audit;
use liaison_store::migration::{
    append_only, bigint, bigint_null, boolean, bytes, id, index, integer, integer_null, table,
    text, text_null, timestamp, timestamp_null, unique_index, uuid,
};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::sea_query::Index;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait::async_trait};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261122_000001_referrals"
    }
}

#[expect(
    elided_lifetimes_in_paths,
    reason = "the trait elides it too, and a method of an async trait must be spelt like the trait's"
)]
#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        referral(manager).await?;
        dossier(manager).await?;
        custody(manager).await?;
        grants(manager).await?;
        manager
            .create_table(
                table("bureau_counter")
                    .col(text("prefix"))
                    .col(integer("year"))
                    .col(bigint("last"))
                    .primary_key(Index::create().col("prefix").col("year"))
                    .to_owned(),
            )
            .await?;
        audit::create_table(manager).await
    }
}

async fn referral(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            table("referral")
                .col(id("id"))
                .col(text("reference"))
                .col(text("bureau_reference"))
                .col(text("owner"))
                .col(text_null("officer"))
                .col(uuid("request_id"))
                .col(bytes("body_digest"))
                .col(text("kind"))
                .col(text("urgency"))
                .col(text("state"))
                .col(text("first_state"))
                .col(text("markings"))
                .col(text("rules"))
                .col(boolean("exercise"))
                .col(timestamp("received_at"))
                .col(timestamp("updated_at"))
                .col(timestamp("admissibility_due_at"))
                .col(text("admissibility_rule"))
                .col(timestamp_null("completion_due_at"))
                .col(text_null("completion_rule"))
                .col(text_null("refusal_ground"))
                .col(text_null("review_reason"))
                .col(text_null("lead_unit"))
                .col(text("supporting_units"))
                .col(text_null("outcome"))
                .col(bigint_null("said_sequence"))
                .col(timestamp_null("said_at"))
                .col(integer_null("said_revision"))
                .col(bigint("version"))
                .col(bigint("last_position"))
                .col(bytes("last_digest"))
                .to_owned(),
        )
        .await?;
    // The request first: a batch looks for its requests, whoever their owners are.
    manager
        .create_index(unique_index("referral", &["request_id", "owner"]))
        .await?;
    // Ids sort by time, so that the newest come first by going backwards.
    manager
        .create_index(index("referral", &["owner", "id"]))
        .await?;
    // What waits for the compliance desk: few rows of many.
    manager
        .get_connection()
        .execute_unprepared(
            "CREATE INDEX referral_under_review ON referral (id) WHERE state = 'UNDER_REVIEW'",
        )
        .await?;
    if manager.get_database_backend() == DbBackend::Postgres {
        // Each referral changes a few times in its life, on indexed columns only when a review ends:
        // room on the page keeps those changes out of the indexes.
        manager
            .get_connection()
            .execute_unprepared("ALTER TABLE referral SET (fillfactor = 80)")
            .await?;
    }
    Ok(())
}

async fn dossier(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            table("dossier")
                .col(id("referral_id"))
                .col(bytes("content"))
                .to_owned(),
        )
        .await?;
    if manager.get_database_backend() == DbBackend::Postgres {
        // Written once and read a few times: no time is spent on compressing it, and what fits a page
        // stays in the row.
        manager
            .get_connection()
            .execute_unprepared(
                "ALTER TABLE dossier ALTER COLUMN content SET STORAGE EXTERNAL; \
                 ALTER TABLE dossier SET (toast_tuple_target = 8160)",
            )
            .await?;
    }
    Ok(())
}

async fn custody(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            table("custody")
                .col(uuid("referral_id"))
                .col(bigint("position"))
                .col(text("step"))
                .col(text("state"))
                .col(timestamp("at"))
                .col(text("party"))
                .col(text_null("officer"))
                .col(text_null("unit"))
                .col(text("detail"))
                .col(bytes("digest"))
                .primary_key(Index::create().col("referral_id").col("position"))
                .to_owned(),
        )
        .await?;
    append_only(manager, "custody").await
}

async fn grants(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            table("dossier_grant")
                .col(id("assignment_id"))
                .col(uuid("referral_id"))
                .col(text("unit"))
                .col(text("role"))
                .col(text("state"))
                .col(bigint("sequence"))
                .col(boolean("active"))
                .col(timestamp_null("lead_since"))
                .col(boolean("work_started"))
                .col(text_null("outcome"))
                .to_owned(),
        )
        .await?;
    manager
        .create_index(index("dossier_grant", &["referral_id"]))
        .await
}
