//! Reading the chain.

use std::collections::HashMap;

use liaison_types::{AuditId, Result, Timestamp};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::super::entity as audit;
use super::super::id::highest_at;
use super::super::{AuditRecord, MAX_PAGE};
use super::next::unsealed_ids;
use super::{CHECKPOINT_TABLE, Checkpoint, SEAL_TABLE, Sealed, Signature, entity};
use crate::bulk::any_of;
use crate::error::DbResult;
use crate::inconsistency::Inconsistency;

/// The seals after position `after` (0 for all), in order, each with its entry where that is still there:
/// at most `limit`, and never more than [`MAX_PAGE`].
///
/// # Errors
/// `INCONSISTENT_DATA` where a row is no seal or no entry, else what the database says.
pub async fn sealed<C: ConnectionTrait>(db: &C, after: i64, limit: u64) -> Result<Vec<Sealed>> {
    use entity::seal::{Column, Entity};
    let seals = Entity::find()
        .filter(Column::Position.gt(after))
        .order_by_asc(Column::Position)
        .limit(limit.min(MAX_PAGE))
        .all(db)
        .await
        .db()?;
    // Afterwards: an entry is there before its seal, and if it goes it does not come back.
    let mut records = records(db, seals.iter().map(|seal| seal.audit_id).collect()).await?;
    seals
        .into_iter()
        .map(|seal| {
            let on = Inconsistency::on(SEAL_TABLE).row(seal.position);
            Ok(Sealed {
                position: seal.position,
                audit_id: AuditId::from_uuid(seal.audit_id),
                digest: seal.digest.try_into().map_err(|_| on.column("digest"))?,
                record: records.remove(&seal.audit_id),
            })
        })
        .collect()
}

/// The checkpoints after position `after` (0 for all), in order: at most `limit`, and never more than
/// [`MAX_PAGE`].
///
/// # Errors
/// `INCONSISTENT_DATA` where a row is no checkpoint, else what the database says.
pub async fn checkpoints<C: ConnectionTrait>(
    db: &C,
    after: i64,
    limit: u64,
) -> Result<Vec<Checkpoint>> {
    use entity::checkpoint::{Column, Entity};
    Entity::find()
        .filter(Column::Position.gt(after))
        .order_by_asc(Column::Position)
        .limit(limit.min(MAX_PAGE))
        .all(db)
        .await
        .db()?
        .into_iter()
        .map(checkpoint)
        .collect()
}

/// The newest checkpoint, where there is one.
///
/// # Errors
/// As [`checkpoints`].
pub async fn last_checkpoint<C: ConnectionTrait>(db: &C) -> Result<Option<Checkpoint>> {
    use entity::checkpoint::{Column, Entity};
    let newest = Entity::find().order_by_desc(Column::Position);
    newest.one(db).await.db()?.map(checkpoint).transpose()
}

/// The oldest entries made at `older_than` or before that have no seal: at most `limit`, and never more
/// than [`MAX_PAGE`]. It compares all entries of that age with the seals: a question of verification, not
/// of every second.
///
/// # Errors
/// `INCONSISTENT_DATA` where a row is no entry, else what the database says.
pub async fn unsealed<C: ConnectionTrait>(
    db: &C,
    older_than: Timestamp,
    limit: u64,
) -> Result<Vec<AuditRecord>> {
    let until = highest_at(older_than);
    let ids = unsealed_ids(db, Uuid::nil(), until, limit.min(MAX_PAGE)).await?;
    let mut records = records(db, ids.clone()).await?;
    Ok(ids.iter().filter_map(|id| records.remove(id)).collect())
}

async fn records<C: ConnectionTrait>(db: &C, ids: Vec<Uuid>) -> Result<HashMap<Uuid, AuditRecord>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    audit::Entity::find()
        .filter(any_of(db.get_database_backend(), audit::Column::Id, ids))
        .all(db)
        .await
        .db()?
        .into_iter()
        .map(|row| Ok((row.id, AuditRecord::try_from(row)?)))
        .collect()
}

fn checkpoint(row: entity::checkpoint::Model) -> Result<Checkpoint> {
    let on = Inconsistency::on(CHECKPOINT_TABLE).row(row.position);
    Ok(Checkpoint {
        position: row.position,
        digest: row.digest.try_into().map_err(|_| on.column("digest"))?,
        signature: Signature {
            at: Timestamp::from_micros(row.at),
            key_id: row.key_id,
            bytes: row.signature,
        },
    })
}
