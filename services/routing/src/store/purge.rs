//! Destroying what people wrote about a referral.

use std::collections::HashSet;

use liaison_store::sealed::Vault;
use liaison_store::{DbResult as _, Tx, insert_all_ignoring_conflicts};
use liaison_types::{ReferralId, Result, Timestamp};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbBackend, EntityTrait as _, QueryFilter as _,
    QuerySelect as _,
};
use uuid::Uuid;

use super::any_of;
use super::entity::{assignment, purged_referral, task};

/// Those of `referrals` whose content was purged.
pub(crate) async fn purged<C: ConnectionTrait>(
    db: &C,
    referrals: impl IntoIterator<Item = ReferralId>,
) -> Result<HashSet<ReferralId>> {
    let ids = referrals.into_iter().map(ReferralId::uuid);
    let column = purged_referral::Column::ReferralId;
    let found: Vec<Uuid> = purged_referral::Entity::find()
        .select_only()
        .column(column)
        .filter(any_of(db.get_database_backend(), column, ids))
        .into_tuple()
        .all(db)
        .await
        .db()?;
    Ok(found.into_iter().map(ReferralId::from_uuid).collect())
}

/// Destroys the data keys of `referrals` and clears what was sealed with them, whether this service knew
/// the referral or not: nothing is written about it from now on. Answers which of them were not purged
/// before. The transaction holds the locks of their cases and assignments.
pub(crate) async fn purge(
    tx: &Tx<'_>,
    vault: &Vault,
    now: Timestamp,
    referrals: &[ReferralId],
) -> Result<Vec<ReferralId>> {
    let marks = referrals.iter().map(|referral| purged_referral::Model {
        referral_id: referral.uuid(),
        purged_at: now.as_micros(),
    });
    let marks: Vec<_> = marks.collect();
    let new: Vec<Uuid> =
        insert_all_ignoring_conflicts::<purged_referral::ActiveModel, _, _>(tx, marks).await?;
    if new.is_empty() {
        return Ok(Vec::new());
    }
    for referral in &new {
        vault.destroy(tx, *referral).await?;
    }
    let backend = tx.get_database_backend();
    clear_tasks(tx, backend, &new).await?;
    assignment::Entity::update_many()
        .col_expr(assignment::Column::Note, Expr::value(None::<Vec<u8>>))
        .filter(any_of(backend, assignment::Column::ReferralId, new.clone()))
        .filter(assignment::Column::Note.is_not_null())
        .exec(tx)
        .await
        .db()?;
    Ok(new.into_iter().map(ReferralId::from_uuid).collect())
}

async fn clear_tasks(tx: &Tx<'_>, backend: DbBackend, referrals: &[Uuid]) -> Result<()> {
    let shares = Query::select()
        .column(assignment::Column::Id)
        .from(assignment::Entity)
        .and_where(any_of(
            backend,
            assignment::Column::ReferralId,
            referrals.to_vec(),
        ))
        .to_owned();
    task::Entity::update_many()
        .col_expr(task::Column::Title, Expr::value(None::<Vec<u8>>))
        .col_expr(task::Column::Result, Expr::value(None::<Vec<u8>>))
        .filter(task::Column::AssignmentId.in_subquery(shares))
        .exec(tx)
        .await
        .db()
        .map(drop)
}
