//! The triage desk's items.

use std::collections::HashMap;

use liaison_store::{DbResult as _, Inconsistency, any_of};
use liaison_types::{ReferralId, Result, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use uuid::Uuid;

use super::cases::find_cases;
use super::entity::triage_item::{Column, Entity, Model};
use super::parsed;
use crate::case::Case;
use crate::desk::Item;

/// The columns that change when an item is opened again or decided.
pub(super) const CHANGING: [Column; 3] = [Column::Open, Column::Cause, Column::WaitingSince];

/// The place of an item in the desk's order: priority, since when it waits, id.
pub type Place = (i64, (i64, Uuid));

/// The place of `item`.
#[must_use]
pub fn place(item: &Item) -> Place {
    let since = item.waiting_since.as_micros();
    (
        i64::from(item.urgency.priority()),
        (since, item.referral.uuid()),
    )
}

/// Open items after `after`, with their cases, the most pressing and then the longest waiting first.
///
/// # Errors
/// Where the database refuses, or a row makes no sense.
pub async fn waiting<C: ConnectionTrait>(
    db: &C,
    include_exercises: bool,
    after: Option<Place>,
    limit: u64,
) -> Result<Vec<(Item, Case)>> {
    // In the word of the partial index.
    let mut query = Entity::find().filter(Expr::cust("open"));
    if !include_exercises {
        query = query.filter(Column::Exercise.eq(false));
    }
    if let Some((priority, (since, id))) = after {
        let key = Expr::tuple([
            Expr::col(Column::Priority),
            Expr::col(Column::WaitingSince),
            Expr::col(Column::ReferralId),
        ]);
        let last = Expr::tuple([Expr::val(priority), Expr::val(since), Expr::val(id)]);
        query = query.filter(key.gt(last));
    }
    let rows = query
        .order_by_asc(Column::Priority)
        .order_by_asc(Column::WaitingSince)
        .order_by_asc(Column::ReferralId)
        .limit(limit)
        .all(db)
        .await
        .db()?;
    let items = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    let referrals: Vec<ReferralId> = items.iter().map(|item| item.referral).collect();
    let mut cases: HashMap<ReferralId, Case> = find_cases(db, &referrals)
        .await?
        .into_iter()
        .map(|case| (case.referral, case))
        .collect();
    items
        .into_iter()
        .map(|item| {
            let on = Inconsistency::on("triage_item").row(item.referral);
            let case = cases.remove(&item.referral).ok_or(on)?;
            Ok((item, case))
        })
        .collect()
}

/// Those of these referrals that are or were at the desk. Their cases' locks are held.
///
/// # Errors
/// Where the database refuses, or a row makes no sense.
pub async fn items_of<C: ConnectionTrait>(
    db: &C,
    referrals: &[ReferralId],
) -> Result<HashMap<ReferralId, Item>> {
    let ids = referrals.iter().map(|referral| referral.uuid()).collect();
    let rows = Entity::find()
        .filter(any_of(db.get_database_backend(), Column::ReferralId, ids))
        .all(db)
        .await
        .db()?;
    rows.iter()
        .map(|row| read(row).map(|item| (item.referral, item)))
        .collect()
}

/// The row of an item.
pub(super) fn row(item: &Item) -> Model {
    Model {
        referral_id: item.referral.uuid(),
        open: item.open,
        cause: item.cause.to_string(),
        urgency: item.urgency.to_string(),
        priority: item.urgency.priority(),
        waiting_since: item.waiting_since.as_micros(),
        exercise: item.exercise,
    }
}

fn read(row: &Model) -> Result<Item> {
    let on = Inconsistency::on("triage_item").row(row.referral_id);
    Ok(Item {
        referral: ReferralId::from_uuid(row.referral_id),
        open: row.open,
        cause: parsed(&on, "cause", &row.cause)?,
        urgency: parsed(&on, "urgency", &row.urgency)?,
        waiting_since: Timestamp::from_micros(row.waiting_since),
        exercise: row.exercise,
    })
}
