//! What waits for the compliance desk is a column of its own.
//!
//! The state changes with every fact that arrives. An index with the state in its condition kept
//! PostgreSQL from writing the new version of a row beside the old one without an entry in every index
//! of the table.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait::async_trait};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261122_000002_under_review"
    }
}

const UP: &str = "
ALTER TABLE referral ADD COLUMN under_review boolean NOT NULL DEFAULT false;
UPDATE referral SET under_review = true WHERE state = 'UNDER_REVIEW';
DROP INDEX referral_under_review;
CREATE INDEX referral_under_review ON referral (id) WHERE under_review;
";

/// What is told of referrals that came together is written together, so that every row of a page
/// changes at once.
const POSTGRES_ROOM: &str = "ALTER TABLE referral SET (fillfactor = 50)";

#[expect(
    elided_lifetimes_in_paths,
    reason = "the trait elides it too, and a method of an async trait must be spelt like the trait's"
)]
#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared(UP).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            connection.execute_unprepared(POSTGRES_ROOM).await?;
        }
        Ok(())
    }
}
