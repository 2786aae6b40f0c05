//! What people write is sealed, and can be purged: titles and results of tasks, and what a unit says when it declines or
//! completes. Markings no longer hold the text of H3, which is content.

use liaison_store::migration::{self as m, bytes_null, id, table, timestamp};
use liaison_store::sealed;
use sea_orm::{ConnectionTrait as _, DbErr, Statement};
use sea_orm_migration::sea_query::Table;
use sea_orm_migration::{MigrationTrait, SchemaManager};

pub(super) fn step() -> Box<dyn MigrationTrait> {
    m::step("m20261122_000004_sealed_texts", |manager| {
        Box::pin(up(manager))
    })
}

async fn up(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    refuse_plain_texts(manager).await?;
    sealed::create_table(manager).await?;
    let purged = table("purged_referral")
        .col(id("referral_id"))
        .col(timestamp("purged_at"))
        .to_owned();
    manager.create_table(purged).await?;
    for column in ["title", "result"] {
        let drop = Table::alter().table("task").drop_column(column).to_owned();
        manager.alter_table(drop).await?;
    }
    for (to, column) in [
        ("task", "title"),
        ("task", "result"),
        ("assignment", "note"),
    ] {
        let add = Table::alter()
            .table(to)
            .add_column(bytes_null(column))
            .to_owned();
        manager.alter_table(add).await?;
    }
    Ok(())
}

/// A migration has no keys: what was kept in the clear cannot be sealed here, and must not stay. Wherever
/// there is a case, its markings or the audit may hold such a text.
async fn refuse_plain_texts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let statement = Statement::from_string(
        manager.get_database_backend(),
        "SELECT 1 FROM routed_case LIMIT 1",
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
