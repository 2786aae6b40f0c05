//! Cases.

use std::collections::HashSet;

use liaison_store::Tx;
use liaison_store::{
    DbResult as _, Inconsistency, any_of, ensure_affected, insert_all_ignoring_conflicts,
    update_all,
};
use liaison_types::{Error, ReferralId, Result, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait as _, LockBehavior, LockType};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Set,
};
use uuid::Uuid;

use super::entity::referral_case::{ActiveModel, Column, Entity, Model};
use super::{from_json, json, parsed};
use crate::case::{Case, CaseState};

/// In the words of the partial index: a parameter in its place would not be matched to it.
const PENDING: &str = "state = 'PENDING'";

/// The columns that change after admission.
pub(super) const CHANGING: [Column; 5] = [
    Column::State,
    Column::Revision,
    Column::Sequence,
    Column::Declined,
    Column::UpdatedAt,
];

/// Keeps new cases, passing over those that are known, and says which are new. They may be claimed
/// from `due` on.
///
/// # Errors
/// Where the database refuses.
pub async fn insert_cases(
    tx: &Tx<'_>,
    now: Timestamp,
    due: Timestamp,
    cases: &[Case],
) -> Result<HashSet<ReferralId>> {
    let rows = cases
        .iter()
        .map(|case| {
            Ok(Model {
                referral_id: case.referral.uuid(),
                state: case.state.to_string(),
                revision: case.revision,
                sequence: case.sequence,
                urgency: case.urgency.to_string(),
                priority: case.urgency.priority(),
                declined: json(&case.declined)?,
                envelope: case.envelope.clone(),
                attempts: attempts(case.attempts),
                due_at: due.as_micros(),
                traceparent: case.traceparent.clone(),
                created_at: case.created_at.as_micros(),
                updated_at: now.as_micros(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let new: Vec<Uuid> = insert_all_ignoring_conflicts::<ActiveModel, _, _>(tx, rows).await?;
    Ok(new.into_iter().map(ReferralId::from_uuid).collect())
}

/// Claims up to `limit` pending cases until `until`, the most pressing and then the longest waiting
/// first. Those that somebody else is just claiming are passed over. Each claim is an attempt.
///
/// A row that makes no sense is claimed as well, said to the log and left out, so that it blocks none
/// of the others.
///
/// # Errors
/// Where the database refuses.
pub async fn claim(tx: &Tx<'_>, now: Timestamp, until: Timestamp, limit: u16) -> Result<Vec<Case>> {
    let rows = Entity::find()
        .filter(Expr::cust(PENDING))
        .filter(Column::DueAt.lte(now.as_micros()))
        .order_by_asc(Column::Priority)
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::ReferralId)
        .limit(u64::from(limit))
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .all(tx)
        .await
        .db()?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.referral_id).collect();
    let expected = ids.len();
    let claimed = Entity::update_many()
        .col_expr(Column::DueAt, Expr::val(until.as_micros()))
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .filter(any_of(tx.get_database_backend(), Column::ReferralId, ids))
        .exec(tx)
        .await
        .db()?;
    ensure_affected(claimed.rows_affected, expected)?;
    let mut cases = Vec::with_capacity(expected);
    for row in rows {
        match read(row) {
            Ok(case) => cases.push(Case {
                attempts: case.attempts.saturating_add(1),
                ..case
            }),
            Err(error) => tracing::error!(
                reason = error.reason().as_str(),
                cause = %error.chain(),
                "a case cannot be read"
            ),
        }
    }
    Ok(cases)
}

/// Locks those of these cases that are still pending, and says which.
///
/// # Errors
/// Where the database refuses.
pub async fn pending(tx: &Tx<'_>, referrals: &[ReferralId]) -> Result<HashSet<ReferralId>> {
    // The state is looked at here: as a condition it would send PostgreSQL to the index of all pending
    // cases instead of to these.
    let locked: Vec<(Uuid, String)> = Entity::find()
        .select_only()
        .columns([Column::ReferralId, Column::State])
        .filter(these(tx, referrals))
        .order_by_asc(Column::ReferralId)
        .lock_exclusive()
        .into_tuple()
        .all(tx)
        .await
        .db()?;
    let pending = CaseState::Pending.to_string();
    Ok(locked
        .into_iter()
        .filter(|(_, state)| *state == pending)
        .map(|(id, _)| ReferralId::from_uuid(id))
        .collect())
}

/// Frees claimed cases again: each may be claimed from its time on, and has had so many attempts.
///
/// # Errors
/// Where the database refuses.
pub async fn postpone(tx: &Tx<'_>, cases: &[(ReferralId, u32, Timestamp)]) -> Result<()> {
    let rows = cases.iter().map(|(referral, done, due)| ActiveModel {
        referral_id: Set(referral.uuid()),
        attempts: Set(attempts(*done)),
        due_at: Set(due.as_micros()),
        ..ActiveModel::default()
    });
    let columns = [Column::Attempts, Column::DueAt];
    // One that was decided meanwhile is touched as well, where neither column means anything.
    update_all::<ActiveModel, _>(tx, &columns, rows.collect::<Vec<_>>()).await
}

/// Locks those of these cases that exist, in the order of their ids.
///
/// # Errors
/// Where the database refuses, or a row makes no sense.
pub async fn lock(tx: &Tx<'_>, referrals: &[ReferralId]) -> Result<Vec<Case>> {
    let rows = Entity::find()
        .filter(these(tx, referrals))
        .order_by_asc(Column::ReferralId)
        .lock_exclusive()
        .all(tx)
        .await
        .db()?;
    rows.into_iter().map(read).collect()
}

/// Those of these cases that exist, in no particular order.
///
/// # Errors
/// Where the database refuses, or a row makes no sense.
pub(super) async fn find_cases<C: ConnectionTrait>(
    db: &C,
    referrals: &[ReferralId],
) -> Result<Vec<Case>> {
    let rows = Entity::find()
        .filter(these(db, referrals))
        .all(db)
        .await
        .db()?;
    rows.into_iter().map(read).collect()
}

/// One case.
///
/// # Errors
/// Where the database refuses, or the row makes no sense.
pub async fn find_case<C: ConnectionTrait>(db: &C, referral: ReferralId) -> Result<Option<Case>> {
    let row = Entity::find_by_id(referral.uuid()).one(db).await.db()?;
    row.map(read).transpose()
}

fn these<C: ConnectionTrait>(db: &C, referrals: &[ReferralId]) -> Expr {
    let ids = referrals.iter().map(|referral| referral.uuid()).collect();
    any_of(db.get_database_backend(), Column::ReferralId, ids)
}

/// What changes of a case, as a row.
pub(super) fn changed(case: &Case, now: Timestamp) -> Result<ActiveModel> {
    Ok(ActiveModel {
        referral_id: Set(case.referral.uuid()),
        state: Set(case.state.to_string()),
        revision: Set(case.revision),
        sequence: Set(case.sequence),
        declined: Set(json(&case.declined)?),
        updated_at: Set(now.as_micros()),
        ..ActiveModel::default()
    })
}

fn attempts(attempts: u32) -> i32 {
    i32::try_from(attempts).unwrap_or(i32::MAX)
}

fn read(row: Model) -> Result<Case> {
    let on = Inconsistency::on("referral_case").row(row.referral_id);
    let state: CaseState = parsed(&on, "state", &row.state)?;
    Ok(Case {
        referral: ReferralId::from_uuid(row.referral_id),
        state,
        revision: row.revision,
        sequence: row.sequence,
        urgency: parsed(&on, "urgency", &row.urgency)?,
        declined: from_json(&on, "declined", &row.declined)?,
        envelope: row.envelope,
        attempts: u32::try_from(row.attempts)
            .map_err(|error| -> Error { on.column("attempts").source(error) })?,
        traceparent: row.traceparent,
        created_at: Timestamp::from_micros(row.created_at),
    })
}
