//! What is said of decisions afterwards is kept, and decisions hold what figures are made of.

use liaison_store::migration as m;
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait as _, DbErr};
use sea_orm_migration::sea_query::Table;
use sea_orm_migration::{MigrationTrait, SchemaManager};

pub(super) fn step() -> Box<dyn MigrationTrait> {
    m::step("m20261122_000004_corrections", |manager| {
        Box::pin(up(manager))
    })
}

/// Partial indexes, in the words that both databases and the queries of `store` share.
///
/// `decision_by_machine` is walked for the figures of some weeks.
const PARTIAL_INDEXES: &str = "
CREATE INDEX decision_by_machine ON decision (decided_at) WHERE party IS NULL;
";

async fn up(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    // A statement a column: SQLite adds one at a time.
    let exercise = m::boolean("exercise")
        .default(Expr::value(false))
        .to_owned();
    for column in [
        m::text_null("suggestions"),
        m::double_null("confidence"),
        exercise,
    ] {
        let mut add = Table::alter().table("decision").to_owned();
        manager
            .alter_table(add.add_column(column).to_owned())
            .await?;
    }
    let correction = m::table("correction")
        .col(m::id("id"))
        .col(m::uuid("referral_id"))
        .col(m::text("cause"))
        .col(m::uuid_null("before_id"))
        .col(m::text_null("before_lead"))
        .col(m::uuid_null("after_id"))
        .col(m::text_null("after_lead"))
        .col(m::text_null("after_supporting"))
        .col(m::uuid_null("machine_id"))
        .col(m::text("rule_set"))
        .col(m::text_null("language"))
        .col(m::double_null("confidence"))
        .col(m::boolean("exercise"))
        .col(m::timestamp("made_at"))
        .to_owned();
    manager.create_table(correction).await?;
    for columns in [
        &["referral_id", "made_at", "id"][..],
        &["machine_id", "made_at", "id"],
        &["made_at", "id"],
    ] {
        manager
            .create_index(m::index("correction", columns))
            .await?;
    }
    let connection = manager.get_connection();
    connection.execute_unprepared(PARTIAL_INDEXES).await?;
    Ok(())
}
