//! Moving data keys to the key-encryption key that seals now.

use liaison_types::{Random, Result};
use sea_orm::sea_query::{LockBehavior, LockType};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::key_ring::KeyRing;
use super::table::{Column, Entity, Model};
use crate::bulk::{any_of, update_all};
use crate::connect::Db;
use crate::error::DbResult;

/// At most this many rows change in one transaction.
pub const MAX_BATCH: u64 = 1_000;

/// How far re-wrapping came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewrapped {
    /// Rows looked at.
    pub seen: u64,
    /// Wrapped anew, and committed.
    pub rewrapped: u64,
    /// In the hands of somebody else at that moment, or gone: another run looks at them again.
    pub passed_over: u64,
    /// Left as they are, since they do not open; each is in the log.
    pub unreadable: u64,
    /// Whether the end of the table was reached. What others insert meanwhile may lie before it.
    pub finished: bool,
}

/// Wraps every data key anew whose version is older than the one that seals when this begins.
///
/// It walks the table in steps of `batch` rows, 1 to [`MAX_BATCH`], each a transaction of its own in which
/// only rows still wrapped by an old version are locked and changed. So every row opens at any time, before,
/// while and after; several runs share the work; and what stopped half way, on purpose or by a crash, goes
/// on where it was when it is started again, because what is done is passed over. `go_on` is asked after
/// each step and ends the run by `false`.
///
/// A key that does not open is reported and left, so that one damaged row does not keep an old version in
/// use for ever. Replicas that have not read the new version yet still insert keys of the old one: an old
/// version is out of use when [`versions`](super::versions) no longer shows it and every replica has the
/// new one.
///
/// # Errors
/// What the database says. What was committed before stays.
pub async fn rewrap(
    db: &Db,
    ring: &KeyRing,
    random: &dyn Random,
    batch: u64,
    mut go_on: impl FnMut(&Rewrapped) -> bool + Send,
) -> Result<Rewrapped> {
    let batch = batch.clamp(1, MAX_BATCH);
    let active = i32::try_from(ring.active()).expect("versions are in range");
    let mut so_far = Rewrapped::default();
    let mut cursor = None;
    loop {
        // Looked for outside the transaction, so that on SQLite writers wait for the changes only.
        let after = cursor.map(|cursor: Uuid| Column::SubjectId.gt(cursor));
        let step: Vec<(Uuid, i32)> = Entity::find()
            .select_only()
            .columns([Column::SubjectId, Column::KekVersion])
            .filter(Condition::all().add_option(after))
            .order_by_asc(Column::SubjectId)
            .limit(batch)
            .into_tuple()
            .all(db.reader())
            .await
            .db()?;
        let Some(&(last, _)) = step.last() else {
            so_far.finished = true;
            return Ok(so_far);
        };
        cursor = Some(last);
        so_far.seen += step.len() as u64;
        let old: Vec<Uuid> = step
            .into_iter()
            .filter_map(|(subject, version)| (version < active).then_some(subject))
            .collect();
        if !old.is_empty() {
            let (rewrapped, unreadable) = change(db, ring, random, active, &old).await?;
            so_far.rewrapped += rewrapped;
            so_far.unreadable += unreadable;
            so_far.passed_over += old.len() as u64 - rewrapped - unreadable;
        }
        if !go_on(&so_far) {
            return Ok(so_far);
        }
    }
}

/// Answers how many were wrapped anew, and how many do not open.
async fn change(
    db: &Db,
    ring: &KeyRing,
    random: &dyn Random,
    active: i32,
    subjects: &[Uuid],
) -> Result<(u64, u64)> {
    db.write_tx("sealed.rewrap", |tx| {
        Box::pin(async move {
            let rows: Vec<Model> = Entity::find()
                .filter(any_of(db.backend(), Column::SubjectId, subjects.to_vec()))
                .filter(Column::KekVersion.lt(active))
                .order_by_asc(Column::SubjectId)
                .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
                .all(tx)
                .await
                .db()?;
            let (mut changed, mut unreadable) = (Vec::with_capacity(rows.len()), 0);
            for row in rows {
                match ring.unwrap(&row) {
                    Ok(key) => changed.push(ring.wrap(row.subject_id, &key, random).0),
                    Err(error) => {
                        unreadable += 1;
                        tracing::error!(
                            subject = %row.subject_id,
                            reason = %error.chain(),
                            "a data key does not open and is left as it is"
                        );
                    }
                }
            }
            let count = changed.len() as u64;
            update_all(tx, &[Column::KekVersion, Column::Wrapped], changed).await?;
            Ok((count, unreadable))
        })
    })
    .await
}
