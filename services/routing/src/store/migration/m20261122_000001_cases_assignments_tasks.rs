//! Cases, assignments, tasks and the audit.

#![expect(
    elided_lifetimes_in_paths,
    reason = "the trait elides them, and its macro tells the two spellings apart"
)]

use liaison_store::audit;
use liaison_store::migration::{
    bigint, boolean, bytes_null, id, index, integer, table, text, text_null, timestamp,
    timestamp_null, unique_index, uuid,
};
use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// See the module.
#[derive(Debug)]
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261122_000001_cases_assignments_tasks"
    }
}

/// Partial indexes, in the words that both databases and the queries of `store` share.
///
/// `assignment_waiting` is walked by pulls in the order of the queue, `assignment_leases` by the
/// search for leases that ran out. `assignment_one_open` promises that a unit never has two open
/// assignments of one referral.
const PARTIAL_INDEXES: &str = "
CREATE INDEX assignment_waiting ON assignment (unit, priority, received_at, id)
    WHERE state = 'QUEUED' AND granted;
CREATE INDEX assignment_leases ON assignment (lease_until) WHERE state = 'LEASED';
CREATE UNIQUE INDEX assignment_one_open ON assignment (referral_id, unit)
    WHERE state IN ('QUEUED', 'LEASED', 'ACCEPTED', 'TRANSFER_OFFERED');
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                table("routed_case")
                    .col(id("referral_id"))
                    .col(text("reference"))
                    .col(text("bureau"))
                    .col(text("kind"))
                    .col(text("urgency"))
                    .col(text("markings"))
                    .col(timestamp("received_at"))
                    .col(timestamp_null("completion_started_at"))
                    .col(timestamp_null("completion_due_at"))
                    .col(text_null("completion_rule"))
                    .col(boolean("exercise"))
                    .col(uuid("decision_id"))
                    .col(integer("revision"))
                    .col(text("lead"))
                    .col(text_null("desk"))
                    .col(text("supporting"))
                    .col(text("rules"))
                    .col(boolean("by_person"))
                    .col(text_null("returned"))
                    .col(timestamp("created_at"))
                    .col(timestamp("updated_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                table("assignment")
                    .col(id("id"))
                    .col(uuid("referral_id"))
                    .col(text("unit"))
                    .col(text_null("desk"))
                    .col(text("role"))
                    .col(text("state"))
                    .col(boolean("granted"))
                    .col(integer("priority"))
                    .col(timestamp("received_at"))
                    .col(boolean("exercise"))
                    .col(text("rules"))
                    .col(bytes_null("lease_token"))
                    .col(timestamp_null("lease_pulled_at"))
                    .col(timestamp_null("lease_until"))
                    .col(integer("attempt"))
                    .col(boolean("work_started"))
                    .col(text_null("decline_reason"))
                    .col(text_null("outcome"))
                    .col(bigint("version"))
                    .col(text_null("traceparent"))
                    .col(timestamp("created_at"))
                    .col(timestamp("updated_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("assignment", &["referral_id"]))
            .await?;
        manager
            .create_index(index("assignment", &["unit", "id"]))
            .await?;
        manager
            .create_table(
                table("task")
                    .col(id("id"))
                    .col(uuid("assignment_id"))
                    .col(text("title"))
                    .col(text("state"))
                    .col(text_null("claimed_party"))
                    .col(text_null("claimed_officer"))
                    .col(timestamp_null("due_at"))
                    .col(uuid("request_id"))
                    .col(text("result"))
                    .col(bigint("version"))
                    .col(timestamp("created_at"))
                    .col(timestamp("updated_at"))
                    .col(timestamp_null("completed_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(unique_index("task", &["assignment_id", "request_id"]))
            .await?;
        manager
            .get_connection()
            .execute_unprepared(PARTIAL_INDEXES)
            .await?;
        audit::create_table(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .get_connection()
            .execute_unprepared(
                "DROP TABLE audit; DROP TABLE task; DROP TABLE assignment; DROP TABLE routed_case;",
            )
            .await?;
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
