//! Destroying what people wrote about a referral.

use liaison_store::sealed::Vault;
use liaison_store::{DbResult as _, Tx, any_of, insert_all_ignoring_conflicts};
use liaison_types::{ReferralId, Result, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, EntityTrait as _, QueryFilter as _};
use uuid::Uuid;

use super::entity::{decision, purged_referral};

/// Whether the content of `referral` was purged.
///
/// # Errors
/// Where the database refuses.
pub async fn is_purged<C: ConnectionTrait>(db: &C, referral: ReferralId) -> Result<bool> {
    let found = purged_referral::Entity::find_by_id(referral.uuid());
    Ok(found.one(db).await.db()?.is_some())
}

/// Destroys the data keys of `referrals` and clears what was sealed with them, whether this service knew
/// the referral or not: nothing is written about it from now on. Answers which of them were not purged
/// before. The transaction holds the locks of their cases.
///
/// # Errors
/// Where the database refuses.
pub async fn purge(
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
    decision::Entity::update_many()
        .col_expr(decision::Column::Note, Expr::value(None::<Vec<u8>>))
        // Whoever has a text could find out whether it was this one.
        .col_expr(decision::Column::InputDigest, Expr::value(None::<Vec<u8>>))
        .filter(any_of(backend, decision::Column::ReferralId, new.clone()))
        .exec(tx)
        .await
        .db()?;
    Ok(new.into_iter().map(ReferralId::from_uuid).collect())
}
