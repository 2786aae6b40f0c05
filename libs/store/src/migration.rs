//! Shorthands for migrations.
//!
//! The column functions name what a service stores, so that both databases and the entities agree:
//! a [`timestamp`] is an `i64` of microseconds UTC, an [`id`] a `Uuid`. A name ending in `_null` may
//! be NULL (`Option` in the entity); the others may not.
//!
//! ```
//! use liaison_store::{audit, migration as m};
//! use sea_orm_migration::{MigrationTrait, MigratorTrait, SchemaManager, sea_orm::DbErr};
//!
//! /// The schema of this service.
//! pub struct Migrator;
//!
//! impl MigratorTrait for Migrator {
//!     fn migrations() -> Vec<Box<dyn MigrationTrait>> {
//!         vec![m::step("m0001_referrals", |manager| Box::pin(referrals(manager)))]
//!     }
//! }
//!
//! async fn referrals(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
//!     let table = m::table("referral")
//!         .col(m::id("id"))
//!         .col(m::timestamp("received_at"))
//!         .col(m::text_null("remark"))
//!         .to_owned();
//!     manager.create_table(table).await?;
//!     audit::create_table(manager).await
//! }
//! ```

use futures::future::BoxFuture;
use sea_orm::prelude::async_trait::async_trait;
use sea_orm::sea_query::{
    ColumnDef, Index, IndexCreateStatement, IntoIden, Table, TableCreateStatement,
};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

/// The trigger's name on PostgreSQL; migrating recognises append-only tables by it.
pub(crate) const APPEND_ONLY: &str = "append_only";
/// The trigger's name on PostgreSQL; migrating recognises tables that keep their rows by it.
pub(crate) const KEEPS_ROWS: &str = "keeps_rows";

/// A migration named `name`, which brings the schema forward by `up`.
///
/// Names are applied in the order of the migrator's list and must never change. There is no way back:
/// a schema first grows, and shrinks only when nothing that runs needs the old part any more.
pub fn step<F>(name: &'static str, up: F) -> Box<dyn MigrationTrait>
where
    F: for<'a> Fn(&'a SchemaManager<'a>) -> BoxFuture<'a, Result<(), DbErr>>
        + Send
        + Sync
        + 'static,
{
    Box::new(Step { name, up })
}

struct Step<F> {
    name: &'static str,
    up: F,
}

impl<F> MigrationName for Step<F> {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait]
impl<F> MigrationTrait for Step<F>
where
    F: for<'a> Fn(&'a SchemaManager<'a>) -> BoxFuture<'a, Result<(), DbErr>> + Send + Sync,
{
    #[expect(
        elided_lifetimes_in_paths,
        reason = "the trait hides this lifetime, and an implementation must do the same"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        (self.up)(manager).await
    }
}

/// A table, to which columns are added.
#[must_use]
pub fn table(name: &'static str) -> TableCreateStatement {
    Table::create().table(name).to_owned()
}

/// An index over `columns` of `table`, named after them.
#[must_use]
pub fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index
        .name(format!("{table}_{}", columns.join("_")))
        .table(table);
    for &column in columns {
        index.col(column);
    }
    index
}

/// Like [`index`], and no two rows may have the same values there.
#[must_use]
pub fn unique_index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    index(table, columns).unique().to_owned()
}

/// The primary key: a `Uuid`.
#[must_use]
pub fn id(name: impl IntoIden) -> ColumnDef {
    uuid(name).primary_key().to_owned()
}

macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident, $null:ident => $type:ident;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(name: impl IntoIden) -> ColumnDef {
            ColumnDef::new(name).$type().not_null().to_owned()
        }

        $(#[$doc])*
        /// May be NULL.
        #[must_use]
        pub fn $null(name: impl IntoIden) -> ColumnDef {
            ColumnDef::new(name).$type().null().to_owned()
        }
    )*};
}

columns! {
    /// A `Uuid`.
    uuid, uuid_null => uuid;
    /// A `String` of any length.
    text, text_null => text;
    /// A `bool`.
    boolean, boolean_null => boolean;
    /// An `i32`.
    integer, integer_null => integer;
    /// An `i64`.
    bigint, bigint_null => big_integer;
    /// An instant: an `i64` of microseconds since the epoch, UTC.
    timestamp, timestamp_null => big_integer;
    /// An `f64`.
    double, double_null => double;
    /// A `Vec<u8>`.
    bytes, bytes_null => blob;
}

/// Makes a table append-only: triggers refuse UPDATE, DELETE and TRUNCATE, also by REPLACE and by ON
/// CONFLICT DO UPDATE, and [`migrate`](crate::migrate()) grants the serving role SELECT and INSERT only.
///
/// Whoever owns the table can still drop the triggers or the table; that is what the serving role and
/// the chained digests are for.
///
/// # Errors
/// Where the database refuses, for example because the table does not exist.
pub async fn append_only(manager: &SchemaManager<'_>, table: &str) -> Result<(), DbErr> {
    refuse(
        manager,
        table,
        APPEND_ONLY,
        "is append-only",
        &["UPDATE", "DELETE"],
    )
    .await
}

/// Makes a table keep its rows: triggers refuse DELETE and TRUNCATE, also by REPLACE, and
/// [`migrate`](crate::migrate()) grants the serving role SELECT, INSERT and UPDATE only.
///
/// # Errors
/// Where the database refuses, for example because the table does not exist.
pub async fn keeps_rows(manager: &SchemaManager<'_>, table: &str) -> Result<(), DbErr> {
    refuse(manager, table, KEEPS_ROWS, "keeps its rows", &["DELETE"]).await
}

async fn refuse(
    manager: &SchemaManager<'_>,
    table: &str,
    name: &str,
    why: &str,
    verbs: &[&str],
) -> Result<(), DbErr> {
    let sql = match manager.get_database_backend() {
        DbBackend::Postgres => refuse_postgres(table, name, why, verbs),
        _ => refuse_sqlite(table, name, why, verbs),
    };
    manager.get_connection().execute_unprepared(&sql).await?;
    Ok(())
}

fn refuse_postgres(table: &str, name: &str, why: &str, verbs: &[&str]) -> String {
    // One trigger per statement also fires where no row matches. ALWAYS: replication mode, which any
    // superuser may set for a session, does not silence it.
    format!(
        r#"CREATE OR REPLACE FUNCTION liaison_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % %', TG_TABLE_NAME, coalesce(TG_ARGV[0], 'is append-only')
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER {name} BEFORE {} OR TRUNCATE ON "{table}"
    FOR EACH STATEMENT EXECUTE FUNCTION liaison_refuse_change('{why}');
ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER {name};"#,
        verbs.join(" OR ")
    )
}

fn refuse_sqlite(table: &str, name: &str, why: &str, verbs: &[&str]) -> String {
    let triggers = verbs.iter().map(|verb| {
        format!(
            r#"CREATE TRIGGER "{table}_{name}_{}" BEFORE {verb} ON "{table}"
BEGIN SELECT RAISE(ABORT, 'table {table} {why}'); END;"#,
            verb.to_lowercase()
        )
    });
    triggers.collect::<Vec<_>>().join("\n")
}
