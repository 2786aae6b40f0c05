//! The index of what waits no longer says whether it is granted.
//!
//! Every assignment is granted a moment after it came. With the grant in an index's condition
//! PostgreSQL wrote each row into every index of the table once more; now the new version of the row
//! goes beside the old one, and nothing else is written. A pull walks over what waits for its grant,
//! which is much only while intake is away.

#![expect(
    elided_lifetimes_in_paths,
    reason = "the trait elides them, and its macro tells the two spellings apart"
)]

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// See the module.
#[derive(Debug)]
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261122_000002_grants_in_place"
    }
}

const UP: &str = "
DROP INDEX assignment_waiting;
CREATE INDEX assignment_waiting ON assignment (unit, priority, received_at, id)
    WHERE state = 'QUEUED';
";
const DOWN: &str = "
DROP INDEX assignment_waiting;
CREATE INDEX assignment_waiting ON assignment (unit, priority, received_at, id)
    WHERE state = 'QUEUED' AND granted;
";
/// Assignments that came together are granted together, so that every row of a page changes at once.
const POSTGRES_ROOM: &str = "ALTER TABLE assignment SET (fillfactor = 50)";
const POSTGRES_NO_ROOM: &str = "ALTER TABLE assignment RESET (fillfactor)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared(UP).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            connection.execute_unprepared(POSTGRES_ROOM).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared(DOWN).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            connection.execute_unprepared(POSTGRES_NO_ROOM).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
