//! Content is sealed, steps are signed, and the audit is sealed and says what policy looked at.

use liaison_store::migration::{bytes_null, text_null};
use liaison_store::{audit, sealed};
use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::sea_query::Table;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait::async_trait};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261122_000003_protection"
    }
}

#[expect(
    elided_lifetimes_in_paths,
    reason = "the trait elides it too, and a method of an async trait must be spelt like the trait's"
)]
#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        refuse_plain_content(manager).await?;
        sealed::create_table(manager).await?;
        for (table, column) in [
            ("custody", bytes_null("content")),
            ("custody", bytes_null("signature")),
            ("custody", text_null("key_id")),
            ("referral", bytes_null("review_note")),
        ] {
            let alter = Table::alter().table(table).add_column(column).to_owned();
            manager.alter_table(alter).await?;
        }
        let drop = Table::alter()
            .table("referral")
            .drop_column("review_reason")
            .to_owned();
        manager.alter_table(drop).await?;
        audit::add_decision_columns(manager).await?;
        audit::create_seal_tables(manager).await
    }
}

/// A migration has no keys: what was kept in the clear cannot be sealed here, and must not stay.
async fn refuse_plain_content(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let statement = "SELECT 1 FROM dossier LIMIT 1";
    let found = manager
        .get_connection()
        .query_one_raw(sea_orm::Statement::from_string(
            manager.get_database_backend(),
            statement,
        ));
    match found.await? {
        None => Ok(()),
        Some(_) => Err(DbErr::Migration(
            "the database holds dossiers of a version before 0.1, which kept them unsealed; begin with \
             an empty database"
                .to_owned(),
        )),
    }
}
