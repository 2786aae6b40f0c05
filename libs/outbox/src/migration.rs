//! The two tables. A service puts [`migrations`] first in its own list.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// The migrations of this crate, oldest first.
#[must_use]
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(OutboxAndInbox),
        Box::new(OutboxHolds),
        Box::new(NoFunction),
    ]
}

struct OutboxAndInbox;

impl MigrationName for OutboxAndInbox {
    fn name(&self) -> &'static str {
        "liaison_outbox_0001_outbox_and_inbox"
    }
}

/// Room for the claim's update on the row's own page: it touches no indexed column, so no index is
/// written. Rows come and go all day, hence the vacuum by count instead of by share of the table.
const POSTGRES_TABLES: &str = "
CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    destination text NOT NULL,
    subject text NOT NULL,
    sequence bigint NOT NULL,
    kind text NOT NULL,
    payload bytea NOT NULL,
    traceparent text,
    created_at bigint NOT NULL,
    due_at bigint NOT NULL,
    attempts integer NOT NULL,
    lease_token uuid,
    lease_until bigint,
    reason text,
    dead_at bigint
) WITH (
    fillfactor = 60,
    autovacuum_vacuum_scale_factor = 0.0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0.2,
    autovacuum_analyze_scale_factor = 0.2,
    autovacuum_analyze_threshold = 5000
);
CREATE TABLE inbox (
    id uuid PRIMARY KEY,
    received_at bigint NOT NULL
);
";

const SQLITE_TABLES: &str = "
CREATE TABLE outbox (
    id blob NOT NULL PRIMARY KEY,
    destination text NOT NULL,
    subject text NOT NULL,
    sequence integer NOT NULL,
    kind text NOT NULL,
    payload blob NOT NULL,
    traceparent text,
    created_at integer NOT NULL,
    due_at integer NOT NULL,
    attempts integer NOT NULL,
    lease_token blob,
    lease_until integer,
    reason text,
    dead_at integer
) STRICT;
CREATE TABLE inbox (
    id blob NOT NULL PRIMARY KEY,
    received_at integer NOT NULL
) STRICT, WITHOUT ROWID;
";

/// `outbox_due` is walked by the claim, `outbox_order` answers whether an earlier event of the pair
/// is left, `outbox_dead` serves the list of dead letters.
const INDEXES: &str = "
CREATE INDEX outbox_due ON outbox (destination, due_at, id) WHERE dead_at IS NULL;
CREATE INDEX outbox_order ON outbox (destination, subject, sequence, id);
CREATE INDEX outbox_dead ON outbox (id) WHERE dead_at IS NOT NULL;
";

#[expect(
    elided_lifetimes_in_paths,
    reason = "the trait's own signature, which must be matched"
)]
#[async_trait::async_trait]
impl MigrationTrait for OutboxAndInbox {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let tables = match manager.get_database_backend() {
            DbBackend::Postgres => POSTGRES_TABLES,
            _ => SQLITE_TABLES,
        };
        connection.execute_unprepared(tables).await?;
        connection.execute_unprepared(INDEXES).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .get_connection()
            .execute_unprepared("DROP TABLE outbox; DROP TABLE inbox;")
            .await?;
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// Asks whether a pair of destination and subject has rows left, by the index whatever the planner
/// believes of the table: it is empty at one moment and long at the next, and a plan made for the
/// empty one would read the long one from end to end for each pair.
const POSTGRES_FUNCTION: &str = "
CREATE FUNCTION outbox_holds(of_destination text, of_subject text) RETURNS boolean
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    RETURN EXISTS (
        SELECT 1 FROM outbox WHERE destination = of_destination AND subject = of_subject
    );
END
$$;
";

/// Rows are stored with the lease they need, so that few are changed before they go: no room is kept
/// for that any more.
const POSTGRES_ROOM: &str = "ALTER TABLE outbox SET (fillfactor = 90)";

struct OutboxHolds;

impl MigrationName for OutboxHolds {
    fn name(&self) -> &'static str {
        "liaison_outbox_0002_outbox_holds"
    }
}

#[expect(
    elided_lifetimes_in_paths,
    reason = "the trait's own signature, which must be matched"
)]
#[async_trait::async_trait]
impl MigrationTrait for OutboxHolds {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            let connection = manager.get_connection();
            connection.execute_unprepared(POSTGRES_ROOM).await?;
            connection.execute_unprepared(POSTGRES_FUNCTION).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            let connection = manager.get_connection();
            connection
                .execute_unprepared(
                    "DROP FUNCTION outbox_holds(text, text); \
                     ALTER TABLE outbox SET (fillfactor = 60);",
                )
                .await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// The relay asks in a statement of its own now, with what it has in memory. Every connection walks
/// indexes of itself, so that the function is not needed for that either.
struct NoFunction;

impl MigrationName for NoFunction {
    fn name(&self) -> &'static str {
        "liaison_outbox_0003_no_function"
    }
}

#[expect(
    elided_lifetimes_in_paths,
    reason = "the trait's own signature, which must be matched"
)]
#[async_trait::async_trait]
impl MigrationTrait for NoFunction {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            let connection = manager.get_connection();
            connection
                .execute_unprepared("DROP FUNCTION outbox_holds(text, text)")
                .await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            let connection = manager.get_connection();
            connection.execute_unprepared(POSTGRES_FUNCTION).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
