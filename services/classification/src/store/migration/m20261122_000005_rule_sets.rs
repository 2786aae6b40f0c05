//! Rule sets are kept, with their files; decisions say what made them, and of what; what a shadow would have
//! decided otherwise is kept beside them.

use liaison_store::migration as m;
use sea_orm::{ConnectionTrait as _, DbErr};
use sea_orm_migration::sea_query::{Index, Table};
use sea_orm_migration::{MigrationTrait, SchemaManager};

pub(super) fn step() -> Box<dyn MigrationTrait> {
    m::step("m20261122_000005_rule_sets", |manager| {
        Box::pin(up(manager))
    })
}

/// One decides and one decides beside it, at most, whoever else writes at the same time.
const ONE_OF_EACH: &str = "
CREATE UNIQUE INDEX rule_set_active ON rule_set (state) WHERE state = 'ACTIVE';
CREATE UNIQUE INDEX rule_set_shadow ON rule_set (state) WHERE state = 'SHADOW';
";

async fn up(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let rule_set = m::table("rule_set")
        .col(m::text("version").primary_key())
        .col(m::bytes("digest"))
        .col(m::text("state"))
        .col(m::timestamp("added_at"))
        .col(m::text("added_by"))
        .col(m::timestamp_null("activated_at"))
        .col(m::text_null("activated_by"))
        .col(m::boolean("held"))
        .col(m::text_null("before"))
        .col(m::text("figures"))
        .to_owned();
    manager.create_table(rule_set).await?;
    let connection = manager.get_connection();
    connection.execute_unprepared(ONE_OF_EACH).await?;
    m::keeps_rows(manager, "rule_set").await?;

    let file = m::table("rule_set_file")
        .col(m::text("version"))
        .col(m::text("name"))
        .col(m::bytes("content"))
        .primary_key(Index::create().col("version").col("name"))
        .to_owned();
    manager.create_table(file).await?;
    m::append_only(manager, "rule_set_file").await?;

    let difference = m::table("shadow_difference")
        .col(m::id("decision_id"))
        .col(m::uuid("referral_id"))
        .col(m::timestamp("at"))
        .col(m::text("active_rule_set"))
        .col(m::text("active_outcome"))
        .col(m::text_null("active_lead"))
        .col(m::text("active_supporting"))
        .col(m::double("active_probability"))
        .col(m::text("shadow_rule_set"))
        .col(m::text("shadow_outcome"))
        .col(m::text_null("shadow_lead"))
        .col(m::text("shadow_supporting"))
        .col(m::double("shadow_probability"))
        .to_owned();
    manager.create_table(difference).await?;
    manager
        .create_index(m::index("shadow_difference", &["shadow_rule_set", "at"]))
        .await?;
    m::append_only(manager, "shadow_difference").await?;

    for column in [
        m::text_null("model"),
        m::text_null("program"),
        m::bytes_null("input_digest"),
        m::bytes_null("decision_digest"),
    ] {
        // SQLite adds one column a statement.
        let mut alter = Table::alter();
        let alter = alter.table("decision").add_column(column);
        manager.alter_table(alter.to_owned()).await?;
    }
    Ok(())
}
