//! Reading the chain.

use std::collections::HashMap;

use liaison_types::{AuditId, Result, Timestamp};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::super::entity as audit;
use super::super::id::highest_at;
use super::super::{AuditRecord, MAX_PAGE};
use super::next::unsealed_ids;
use super::{Checkpoint, Found, MAX_BATCH, SEALER_TABLE, Sealed, Signature, entity};
use crate::bulk::any_of;
use crate::error::DbResult;
use crate::inconsistency::Inconsistency;

/// The seals after position `after` (0 for all), in order, each with its entry where that is still there:
/// at most `limit`, and never more than [`MAX_PAGE`]. Rows that make no sense are shown as such and stop
/// nobody: whoever verifies has to be told where they are, and what is wrong elsewhere.
///
/// # Errors
/// What the database says.
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
    let sealed = seals.into_iter().map(|seal| Sealed {
        position: seal.position,
        audit_id: AuditId::from_uuid(seal.audit_id),
        digest: seal.digest.try_into().unwrap_or_default(),
        record: records.remove(&seal.audit_id).unwrap_or(Found::Gone),
    });
    Ok(sealed.collect())
}

/// The checkpoints after position `after` (0 for all), in order: at most `limit`, and never more than
/// [`MAX_PAGE`].
///
/// # Errors
/// What the database says.
pub async fn checkpoints<C: ConnectionTrait>(
    db: &C,
    after: i64,
    limit: u64,
) -> Result<Vec<Checkpoint>> {
    use entity::checkpoint::{Column, Entity};
    let rows = Entity::find()
        .filter(Column::Position.gt(after))
        .order_by_asc(Column::Position)
        .limit(limit.min(MAX_PAGE))
        .all(db)
        .await
        .db()?;
    Ok(rows.into_iter().map(checkpoint).collect())
}

/// The newest checkpoint, where there is one.
///
/// # Errors
/// As [`checkpoints`].
pub async fn last_checkpoint<C: ConnectionTrait>(db: &C) -> Result<Option<Checkpoint>> {
    use entity::checkpoint::{Column, Entity};
    let newest = Entity::find().order_by_desc(Column::Position);
    Ok(newest.one(db).await.db()?.map(checkpoint))
}

/// The oldest entries made at `older_than` or before that have no seal: at most `limit`, and never more
/// than [`MAX_PAGE`]. It compares all entries of that age with the seals: a question of verification, not
/// of every second. By its id each was made at `older_than` or before, whatever its row says.
///
/// # Errors
/// What the database says.
pub async fn unsealed<C: ConnectionTrait>(
    db: &C,
    older_than: Timestamp,
    limit: u64,
) -> Result<Vec<(AuditId, Found)>> {
    let until = highest_at(older_than);
    let ids = unsealed_ids(db, Uuid::nil(), until, limit.min(MAX_PAGE)).await?;
    let mut records = records(db, ids.clone()).await?;
    let found = ids.iter().filter_map(|id| records.remove_entry(id));
    Ok(found
        .map(|(id, found)| (AuditId::from_uuid(id), found))
        .collect())
}

/// How many entries wait to be sealed, as far as a sealer would find them at its next look: up to
/// [`MAX_BATCH`], which stands for that many or more. It looks at what came since the last one alone, as
/// often as that may be asked.
///
/// # Errors
/// `INCONSISTENT_DATA` where the head is gone, else what the database says.
pub async fn waiting<C: ConnectionTrait>(db: &C) -> Result<u64> {
    use entity::sealer::{Entity, ID};
    let head = Entity::find_by_id(ID).one(db).await.db()?;
    let head = head.ok_or_else(|| Inconsistency::on(SEALER_TABLE).row(ID))?;
    let after = head.recent.max(head.horizon).unwrap_or(Uuid::nil());
    let ids = unsealed_ids(db, after, Uuid::max(), MAX_BATCH).await?;
    Ok(ids.len() as u64)
}

async fn records<C: ConnectionTrait>(db: &C, ids: Vec<Uuid>) -> Result<HashMap<Uuid, Found>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = audit::Entity::find()
        .filter(any_of(db.get_database_backend(), audit::Column::Id, ids))
        .all(db)
        .await
        .db()?;
    let found = rows.into_iter().map(|row| {
        let id = row.id;
        (
            id,
            AuditRecord::try_from(row)
                .map_or(Found::Unreadable, |record| Found::Entry(Box::new(record))),
        )
    });
    Ok(found.collect())
}

fn checkpoint(row: entity::checkpoint::Model) -> Checkpoint {
    Checkpoint {
        position: row.position,
        digest: row.digest.try_into().unwrap_or_default(),
        signature: Signature {
            at: Timestamp::from_micros(row.at),
            key_id: row.key_id,
            bytes: row.signature,
        },
    }
}
