//! Rule sets and their files.

use liaison_store::{DbResult as _, Inconsistency, Tx, insert_all, update_all};
use liaison_types::{Error, Result, Timestamp};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbBackend, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Set, Statement,
};

use super::entity::rule_set::{ActiveModel, Column, Entity, Model};
use super::entity::rule_set_file;
use super::parsed;
use crate::artefacts::digest::Digest;
use crate::artefacts::files::NamedFiles;
use crate::artefacts::kept::{Kept, RuleSetState};
use crate::artefacts::watch::{InForce, Named};

/// The advisory lock of whoever changes rule sets: "rulesets" in ASCII.
const LOCK: i64 = 0x7275_6c65_7365_7473;

/// The columns that change.
const CHANGING: [Column; 5] = [
    Column::State,
    Column::ActivatedAt,
    Column::ActivatedBy,
    Column::Held,
    Column::Before,
];

/// All rule sets, the one added last first.
///
/// # Errors
/// Where the database refuses, or a row makes no sense.
pub async fn rule_sets<C: ConnectionTrait>(db: &C) -> Result<Vec<Kept>> {
    let rows = Entity::find()
        .order_by_desc(Column::AddedAt)
        .order_by_desc(Column::Version)
        .all(db)
        .await
        .db()?;
    rows.into_iter().map(read).collect()
}

/// All rule sets, for who changes any of them: nobody else does until the transaction ends.
///
/// # Errors
/// Where the database refuses, or a row makes no sense.
pub async fn lock_rule_sets(tx: &Tx<'_>) -> Result<Vec<Kept>> {
    // Rows cannot be locked before there are any. On SQLite a transaction that writes is alone as it is.
    if tx.get_database_backend() == DbBackend::Postgres {
        let lock = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT 1 FROM (SELECT pg_advisory_xact_lock($1)) AS locked",
            [LOCK.into()],
        );
        tx.query_one_raw(lock).await.db()?;
    }
    rule_sets(tx).await
}

/// What decides, and what decides beside it; without anything that is large.
///
/// # Errors
/// Where the database refuses, or a row makes no sense.
pub async fn in_force<C: ConnectionTrait>(db: &C) -> Result<InForce> {
    let states = [RuleSetState::Active, RuleSetState::Shadow].map(RuleSetState::as_str);
    let rows: Vec<(String, String, Vec<u8>)> = Entity::find()
        .select_only()
        .columns([Column::Version, Column::State, Column::Digest])
        .filter(Column::State.is_in(states))
        .into_tuple()
        .all(db)
        .await
        .db()?;
    let mut found = InForce::default();
    for (version, state, bytes) in rows {
        let on = Inconsistency::on("rule_set").row(&version);
        let digest = digest(&on, bytes)?;
        let named = Some(Named { version, digest });
        match parsed(&on, "state", &state)? {
            RuleSetState::Active => found.active = named,
            _ => found.shadow = named,
        }
    }
    Ok(found)
}

/// The digest of the files of this version; nothing where it is not kept.
///
/// # Errors
/// Where the database refuses, or the row makes no sense.
pub async fn digest_of<C: ConnectionTrait>(db: &C, version: &str) -> Result<Option<Digest>> {
    let row = Entity::find_by_id(version.to_owned()).one(db).await.db()?;
    let on = Inconsistency::on("rule_set").row(version);
    row.map(|row| digest(&on, row.digest)).transpose()
}

/// The files of a version, which is kept.
///
/// # Errors
/// NOT_FOUND where there are none; where the database refuses, or a row makes no sense.
pub async fn files_of<C: ConnectionTrait>(db: &C, version: &str) -> Result<NamedFiles> {
    let rows = rule_set_file::Entity::find()
        .filter(rule_set_file::Column::Version.eq(version))
        .all(db)
        .await
        .db()?;
    if rows.is_empty() {
        return Err(Error::not_found());
    }
    let on = Inconsistency::on("rule_set_file").row(version);
    let files = rows.into_iter().map(|row| (row.name, row.content));
    NamedFiles::new(files).map_err(|error| on.column("name").source(error))
}

/// Keeps a new rule set and its files.
///
/// # Errors
/// CONFLICT where its version is known; where the database refuses.
pub async fn insert_rule_set(tx: &Tx<'_>, added: &Kept, files: &NamedFiles) -> Result<()> {
    let row = Model {
        version: added.version.clone(),
        digest: added.digest.as_bytes().to_vec(),
        state: added.state.to_string(),
        added_at: added.added_at.as_micros(),
        added_by: added.added_by.to_string(),
        activated_at: added.activated_at.map(Timestamp::as_micros),
        activated_by: added.activated_by.as_ref().map(ToString::to_string),
        held: added.held,
        before: added.before.clone(),
        figures: added.figures.clone(),
    };
    insert_all::<ActiveModel, _>(tx, [row]).await?;
    let rows = files.iter().map(|(name, content)| rule_set_file::Model {
        version: added.version.clone(),
        name: name.to_owned(),
        content: content.to_vec(),
    });
    insert_all::<rule_set_file::ActiveModel, _>(tx, rows.collect::<Vec<_>>()).await
}

/// Writes where rule sets stand now, one after the other in the order given: the one that ends before the one
/// that begins.
///
/// # Errors
/// Where the database refuses.
pub async fn update_rule_sets(tx: &Tx<'_>, changed: &[Kept]) -> Result<()> {
    for set in changed {
        let row = ActiveModel {
            version: Set(set.version.clone()),
            state: Set(set.state.to_string()),
            activated_at: Set(set.activated_at.map(Timestamp::as_micros)),
            activated_by: Set(set.activated_by.as_ref().map(ToString::to_string)),
            held: Set(set.held),
            before: Set(set.before.clone()),
            ..ActiveModel::default()
        };
        update_all::<ActiveModel, _>(tx, &CHANGING, [row]).await?;
    }
    Ok(())
}

fn digest(on: &Inconsistency, bytes: Vec<u8>) -> Result<Digest> {
    let bytes = <[u8; 32]>::try_from(bytes);
    bytes
        .map(Digest::from_bytes)
        .map_err(|_| on.column("digest").into())
}

fn read(row: Model) -> Result<Kept> {
    let on = Inconsistency::on("rule_set").row(&row.version);
    Ok(Kept {
        digest: digest(&on, row.digest)?,
        state: parsed(&on, "state", &row.state)?,
        added_at: Timestamp::from_micros(row.added_at),
        added_by: parsed(&on, "added_by", &row.added_by)?,
        activated_at: row.activated_at.map(Timestamp::from_micros),
        activated_by: row
            .activated_by
            .map(|by| parsed(&on, "activated_by", &by))
            .transpose()?,
        held: row.held,
        before: row.before,
        figures: row.figures,
        version: row.version,
    })
}
