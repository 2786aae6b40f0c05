//! Cases, decisions, the triage desk and the audit.

use liaison_store::audit;
use liaison_store::migration as m;
use sea_orm::{ConnectionTrait as _, DbBackend, DbErr};
use sea_orm_migration::{MigrationTrait, SchemaManager};

pub(super) fn step() -> Box<dyn MigrationTrait> {
    m::step("m20261122_000001_cases_decisions_triage", |manager| {
        Box::pin(up(manager))
    })
}

/// Partial indexes, in the words that both databases and the queries of `store` share.
///
/// `referral_case_pending` is walked by claims, the most pressing first; `triage_item_waiting` is the
/// order in which the desk sees its items.
const PARTIAL_INDEXES: &str = "
CREATE INDEX referral_case_pending ON referral_case (priority, due_at, referral_id)
    WHERE state = 'PENDING';
CREATE INDEX triage_item_waiting ON triage_item (priority, waiting_since, referral_id)
    WHERE open;
";

/// Each case is updated a few times soon after it came and then never again: room on its own page, and
/// a vacuum by what changed instead of by how large the table has grown.
const POSTGRES_ROOM: &str = "
ALTER TABLE referral_case SET (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.0,
    autovacuum_vacuum_threshold = 10000
);
";

async fn up(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let case = m::table("referral_case")
        .col(m::id("referral_id"))
        .col(m::text("state"))
        .col(m::integer("revision"))
        .col(m::bigint("sequence"))
        .col(m::text("urgency"))
        .col(m::integer("priority"))
        .col(m::text("declined"))
        .col(m::bytes("envelope"))
        .col(m::integer("attempts"))
        .col(m::timestamp("due_at"))
        .col(m::text_null("traceparent"))
        .col(m::timestamp("created_at"))
        .col(m::timestamp("updated_at"))
        .to_owned();
    manager.create_table(case).await?;
    let decision = m::table("decision")
        .col(m::id("id"))
        .col(m::uuid("referral_id"))
        .col(m::integer("revision"))
        .col(m::text("outcome"))
        .col(m::text_null("lead"))
        .col(m::text("supporting"))
        .col(m::text_null("desk"))
        .col(m::text("probabilities"))
        .col(m::text("grounds"))
        .col(m::text("rule_set"))
        .col(m::text_null("language"))
        .col(m::timestamp("decided_at"))
        .col(m::text_null("party"))
        .col(m::text_null("officer"))
        .col(m::text_null("note"))
        .to_owned();
    manager.create_table(decision).await?;
    manager
        .create_index(m::unique_index("decision", &["referral_id", "revision"]))
        .await?;
    let item = m::table("triage_item")
        .col(m::id("referral_id"))
        .col(m::boolean("open"))
        .col(m::text("cause"))
        .col(m::text("urgency"))
        .col(m::integer("priority"))
        .col(m::timestamp("waiting_since"))
        .col(m::boolean("exercise"))
        .to_owned();
    manager.create_table(item).await?;
    let connection = manager.get_connection();
    connection.execute_unprepared(PARTIAL_INDEXES).await?;
    if manager.get_database_backend() == DbBackend::Postgres {
        connection.execute_unprepared(POSTGRES_ROOM).await?;
    }
    audit::create_table(manager).await
}
