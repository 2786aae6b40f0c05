//! A table with a column of every type.

use sea_orm::entity::prelude::*;
use sea_orm_migration::{MigrationTrait, MigratorTrait, SchemaManager};

use liaison_store::{audit, migration as m, sealed};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "thing")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    pub number: i64,
    pub small: i32,
    pub flag: bool,
    pub ratio: f64,
    pub content: Vec<u8>,
    pub other_id: Option<Uuid>,
    pub other_name: Option<String>,
    pub other_number: Option<i64>,
    pub other_small: Option<i32>,
    pub other_flag: Option<bool>,
    pub other_ratio: Option<f64>,
    pub other_content: Option<Vec<u8>>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The id of thing number `number`.
pub fn id(number: i64) -> Uuid {
    Uuid::from_u128(u128::try_from(number).expect("not negative"))
}

/// Thing number `number`; every third one is full, every third one has only NULLs.
pub fn thing(number: i64) -> Model {
    let full = number % 3 == 0;
    let some = number % 3 == 1;
    Model {
        id: id(number),
        name: format!("thing {number} \"'\\{{}},NULL ü 字"),
        number: -number,
        small: i32::try_from(number).expect("small"),
        flag: number % 2 == 0,
        #[expect(clippy::cast_precision_loss, reason = "small")]
        ratio: number as f64 / 4.0,
        content: vec![0, 255, b'\\', b'x'],
        other_id: full.then(|| id(number + 1)),
        other_name: (full || some).then(String::new),
        other_number: full.then_some(i64::MIN),
        other_small: (full || some).then_some(0),
        other_flag: full.then_some(false),
        other_ratio: full.then_some(0.0),
        other_content: (full || some).then(Vec::new),
    }
}

/// Creates `thing` and the audit.
pub fn first() -> Box<dyn MigrationTrait> {
    m::step("m0001_first", |manager| Box::pin(create(manager)))
}

async fn create(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = m::table("thing")
        .col(m::id("id"))
        .col(m::text("name"))
        .col(m::bigint("number"))
        .col(m::integer("small"))
        .col(m::boolean("flag"))
        .col(m::double("ratio"))
        .col(m::bytes("content"))
        .col(m::uuid_null("other_id"))
        .col(m::text_null("other_name"))
        .col(m::bigint_null("other_number"))
        .col(m::integer_null("other_small"))
        .col(m::boolean_null("other_flag"))
        .col(m::double_null("other_ratio"))
        .col(m::bytes_null("other_content"))
        .to_owned();
    manager.create_table(table).await?;
    manager
        .create_index(m::unique_index("thing", &["number"]))
        .await?;
    audit::create_table(manager).await
}

pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![first()]
    }
}

/// Completes the audit and adds data keys.
pub fn whole() -> Box<dyn MigrationTrait> {
    m::step("m0002_whole", |manager| {
        Box::pin(async move {
            audit::add_decision_columns(manager).await?;
            audit::create_seal_tables(manager).await?;
            sealed::create_table(manager).await
        })
    })
}

/// Everything the store has tables for.
pub struct Whole;

impl MigratorTrait for Whole {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![first(), whole()]
    }
}
