//! The reasoning of the triage desk's officers is sealed, and can be purged. Envelopes no longer hold the text
//! of H3, which is content.

use liaison_store::migration as m;
use liaison_store::sealed;
use sea_orm::{ConnectionTrait as _, DbErr, Statement};
use sea_orm_migration::sea_query::Table;
use sea_orm_migration::{MigrationTrait, SchemaManager};

pub(super) fn step() -> Box<dyn MigrationTrait> {
    m::step("m20261122_000003_sealed_notes", |manager| {
        Box::pin(up(manager))
    })
}

async fn up(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    refuse_plain_texts(manager).await?;
    sealed::create_table(manager).await?;
    let purged = m::table("purged_referral")
        .col(m::id("referral_id"))
        .col(m::timestamp("purged_at"))
        .to_owned();
    manager.create_table(purged).await?;
    let alter = || Table::alter().table("decision").to_owned();
    let mut drop = alter();
    manager
        .alter_table(drop.drop_column("note").to_owned())
        .await?;
    let mut add = alter();
    manager
        .alter_table(add.add_column(m::bytes_null("note")).to_owned())
        .await
}

/// A migration has no keys: what was kept in the clear cannot be sealed here, and must not stay. Wherever
/// there is a case, its envelope or its decisions may hold such a text.
async fn refuse_plain_texts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let statement = Statement::from_string(
        manager.get_database_backend(),
        "SELECT 1 FROM referral_case LIMIT 1",
    );
    match manager.get_connection().query_one_raw(statement).await? {
        None => Ok(()),
        Some(_) => Err(DbErr::Migration(
            "the database holds cases of a version before 0.1, which kept what people wrote unsealed; \
             begin with an empty database"
                .to_owned(),
        )),
    }
}
