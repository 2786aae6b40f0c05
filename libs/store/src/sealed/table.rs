//! The table `data_key`.

use std::collections::{BTreeMap, HashMap};

use liaison_types::{Error, Random, Result};
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sea_orm::{DbErr, entity::prelude::*};
use sea_orm_migration::SchemaManager;

use super::PROTECTED;
use super::data_key::DataKey;
use super::error::KeyAbsent;
use super::key_ring::KeyRing;
use crate::bulk::{self, any_of};
use crate::connect::Db;
use crate::error::DbResult;
use crate::inconsistency::Inconsistency;
use crate::migration::{bytes, id, integer, table};
use crate::tx::Tx;

/// The name of the table.
pub const TABLE: &str = "data_key";

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "data_key")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject_id: Uuid,
    pub kek_version: i32,
    pub wrapped: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A subject's wrapped data key, as [`KeyRing::wrap`] makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDataKey(pub(super) Model);

impl NewDataKey {
    /// What stands for a wrapped key in a build without protection; it is not stored.
    pub(super) const fn none(subject: Uuid) -> Self {
        Self(Model {
            subject_id: subject,
            kek_version: 0,
            wrapped: Vec::new(),
        })
    }
}

/// The data keys of the subjects that were asked for and have one.
#[derive(Clone, Debug, Default)]
pub struct DataKeys(HashMap<Uuid, DataKey>);

impl DataKeys {
    /// The key of `subject`.
    ///
    /// # Errors
    /// Where it has none, or was not asked for.
    pub fn get(&self, subject: Uuid) -> Result<&DataKey, KeyAbsent> {
        self.0.get(&subject).ok_or(KeyAbsent { subject })
    }

    /// The key of `subject` by itself, without a copy.
    ///
    /// # Errors
    /// As [`DataKeys::get`].
    pub fn take(&mut self, subject: Uuid) -> Result<DataKey, KeyAbsent> {
        self.0.remove(&subject).ok_or(KeyAbsent { subject })
    }
}

/// Writes `keys` by one statement.
///
/// # Errors
/// `CONFLICT` where a subject has a key already, else what the database says.
pub async fn insert_all(tx: &Tx<'_>, keys: Vec<NewDataKey>) -> Result<()> {
    if !PROTECTED {
        return Ok(());
    }
    bulk::insert_all(tx, keys.into_iter().map(|key| key.0)).await
}

/// The data keys of `subjects`, unwrapped. Subjects without one are left out: their key was destroyed
/// or never made, and [`DataKeys::get`] says so. At most 16384 subjects fit.
///
/// # Errors
/// `UNAVAILABLE` where the key-encryption key is not there, also after reading its folder once more;
/// `INCONSISTENT_DATA` where a wrapped key was changed or moved; else what the database says.
pub async fn find<C: ConnectionTrait>(
    db: &C,
    ring: &KeyRing,
    subjects: &[Uuid],
) -> Result<DataKeys> {
    if !PROTECTED {
        let none = subjects.iter().map(|subject| (*subject, DataKey::none()));
        return Ok(DataKeys(none.collect()));
    }
    Entity::find()
        .filter(any_of(
            db.get_database_backend(),
            Column::SubjectId,
            subjects.to_vec(),
        ))
        .all(db)
        .await
        .db()?
        .into_iter()
        .map(|row| Ok((row.subject_id, ring.unwrap(&row)?)))
        .collect::<Result<_>>()
        .map(DataKeys)
}

/// Destroys the data key of `subject`, and with it everything that was sealed under it. Answers whether
/// there was one. What remains where is said at [the module](super).
///
/// The row is overwritten before it is deleted, since SQLite leaves deleted bytes in its file.
///
/// # Errors
/// What the database says.
pub async fn destroy(tx: &Tx<'_>, subject: Uuid, random: &dyn Random) -> Result<bool> {
    let Some(row) = Entity::find_by_id(subject)
        .select_only()
        .column(Column::Wrapped)
        .lock_exclusive()
        .into_tuple::<Vec<u8>>()
        .one(tx)
        .await
        .db()?
    else {
        return Ok(false);
    };
    // Of the same length, so that SQLite writes it in the same place.
    let mut noise = row;
    random.fill(&mut noise);
    Entity::update_many()
        .col_expr(Column::Wrapped, Expr::value(noise))
        .filter(Column::SubjectId.eq(subject))
        .exec(tx)
        .await
        .db()?;
    let deleted = Entity::delete_by_id(subject).exec(tx).await.db()?;
    crate::ensure_affected(deleted.rows_affected, 1)?;
    Ok(true)
}

/// Whether there is the table: not every service seals.
///
/// # Errors
/// What the database says.
pub async fn is_there(db: &Db) -> Result<bool> {
    SchemaManager::new(db.reader()).has_table(TABLE).await.db()
}

/// How many data keys each version of the key-encryption key wraps. Reads the whole table.
///
/// # Errors
/// `INCONSISTENT_DATA` where a version is none, else what the database says.
pub async fn versions<C: ConnectionTrait>(db: &C) -> Result<BTreeMap<u32, u64>> {
    let on = Inconsistency::on(TABLE).column("kek_version");
    let rows: Vec<(i32, i64)> = Entity::find()
        .select_only()
        .column(Column::KekVersion)
        .column_as(Column::SubjectId.count(), "count")
        .group_by(Column::KekVersion)
        .order_by_asc(Column::KekVersion)
        .into_tuple()
        .all(db)
        .await
        .db()?;
    rows.into_iter()
        .map(|(version, count)| {
            let version = u32::try_from(version).map_err(|error| on.clone().source(error))?;
            Ok((version, u64::try_from(count).map_err(Error::internal)?))
        })
        .collect()
}

/// PostgreSQL keeps some room in each page, so that a key that is overwritten before its deletion stays
/// in its page, and is tidied away with it. Re-wrapping changes whole pages at once and does not fit:
/// that writes the index anew, once in the life of a key-encryption key.
const POSTGRES_ROOM: &str = "ALTER TABLE data_key SET (fillfactor = 90)";

/// Creates the table, in a migration.
///
/// # Errors
/// Where the database refuses.
pub async fn create_table(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            table(TABLE)
                .col(id("subject_id"))
                .col(integer("kek_version"))
                .col(bytes("wrapped"))
                .to_owned(),
        )
        .await?;
    if manager.get_database_backend() == DbBackend::Postgres {
        manager
            .get_connection()
            .execute_unprepared(POSTGRES_ROOM)
            .await?;
    }
    Ok(())
}
