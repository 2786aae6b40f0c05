//! What was said of decisions afterwards.

use std::collections::HashSet;

use liaison_store::{DbResult as _, Inconsistency, Tx, any_of, insert_all};
use liaison_types::{CorrectionId, DecisionId, Error, ReferralId, Result, Timestamp, UnitCode};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::entity::correction::{ActiveModel, Column, Entity, Model};
use super::{from_json, json, parsed};
use crate::desk::{Answer, Correction, CorrectionCause, Measured, Settled};

/// Whether something is said later of the same referral that says what kind of case it is. The label of a
/// referral is what was last said of it.
const SAID_LATER: &str = "EXISTS (SELECT 1 FROM correction AS later \
    WHERE later.referral_id = correction.referral_id AND later.cause <> 'REASSIGNED' \
    AND (later.made_at > correction.made_at \
        OR (later.made_at = correction.made_at AND later.id > correction.id)))";

/// The place of a correction in their order: when it was said, id.
pub type CorrectionPlace = (i64, Uuid);

/// Keeps corrections, whose cases' locks the transaction holds.
///
/// # Errors
/// Where the database refuses.
pub async fn keep_corrections(tx: &Tx<'_>, corrections: &[Correction]) -> Result<()> {
    let rows = corrections.iter().map(row).collect::<Result<Vec<_>>>()?;
    insert_all::<ActiveModel, _>(tx, rows).await
}

/// Whether something was said of `referral` after which nobody has decided yet.
///
/// # Errors
/// Where the database refuses.
pub async fn is_contested<C: ConnectionTrait>(db: &C, referral: ReferralId) -> Result<bool> {
    let open = Entity::find()
        .filter(Column::ReferralId.eq(referral.uuid()))
        .filter(Column::AfterId.is_null());
    Ok(open.count(db).await.db()? > 0)
}

/// Those of `referrals` that somebody got because the unit that fits could not have them.
///
/// # Errors
/// Where the database refuses.
pub async fn reassigned<C: ConnectionTrait>(
    db: &C,
    referrals: &[ReferralId],
) -> Result<HashSet<ReferralId>> {
    let ids = referrals.iter().map(|referral| referral.uuid()).collect();
    let found: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::ReferralId)
        .filter(any_of(db.get_database_backend(), Column::ReferralId, ids))
        .filter(Column::Cause.eq(CorrectionCause::Reassigned.as_str()))
        .into_tuple()
        .all(db)
        .await
        .db()?;
    Ok(found.into_iter().map(ReferralId::from_uuid).collect())
}

/// It was decided what is right instead: completes whatever waits for it on `referral`, whose case's lock
/// the transaction holds.
///
/// # Errors
/// Where the database refuses.
pub async fn settle(tx: &Tx<'_>, referral: ReferralId, settled: &Settled) -> Result<()> {
    let lead = settled.lead.as_ref().map(ToString::to_string);
    Entity::update_many()
        .col_expr(Column::AfterId, Expr::val(settled.decision.uuid()))
        .col_expr(Column::AfterLead, Expr::val(lead))
        .col_expr(
            Column::AfterSupporting,
            Expr::val(json(&settled.supporting)?),
        )
        .filter(Column::ReferralId.eq(referral.uuid()))
        .filter(Column::AfterId.is_null())
        .exec(tx)
        .await
        .db()?;
    Ok(())
}

/// What was said of the decisions on `referral`, the newest first.
///
/// # Errors
/// Where the database refuses, or a row makes no sense.
pub async fn corrections_of<C: ConnectionTrait>(
    db: &C,
    referral: ReferralId,
) -> Result<Vec<Correction>> {
    let rows = Entity::find()
        .filter(Column::ReferralId.eq(referral.uuid()))
        .order_by_desc(Column::MadeAt)
        .order_by_desc(Column::Id)
        .all(db)
        .await
        .db()?;
    rows.into_iter().map(read).collect()
}

/// The corrections after `after` that were settled and after which nothing else was said of their
/// referrals, the oldest first: one a referral at most, for one of `causes`.
///
/// # Errors
/// Where the database refuses, or a row makes no sense.
pub async fn labels<C: ConnectionTrait>(
    db: &C,
    causes: &[CorrectionCause],
    include_exercises: bool,
    after: Option<CorrectionPlace>,
    limit: u64,
) -> Result<Vec<Correction>> {
    let causes = causes.iter().map(|cause| cause.as_str());
    let mut query = Entity::find()
        .filter(Column::Cause.is_in(causes))
        .filter(Column::AfterId.is_not_null())
        .filter(Expr::cust(SAID_LATER).not());
    if !include_exercises {
        query = query.filter(Column::Exercise.eq(false));
    }
    if let Some((made_at, id)) = after {
        let key = Expr::tuple([Expr::col(Column::MadeAt), Expr::col(Column::Id)]);
        query = query.filter(key.gt(Expr::tuple([Expr::val(made_at), Expr::val(id)])));
    }
    let rows = query
        .order_by_asc(Column::MadeAt)
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(db)
        .await
        .db()?;
    rows.into_iter().map(read).collect()
}

/// The place of `correction`.
#[must_use]
pub const fn correction_place(correction: &Correction) -> CorrectionPlace {
    (correction.at.as_micros(), correction.id.uuid())
}

fn row(correction: &Correction) -> Result<Model> {
    let (before, after) = (correction.before.as_ref(), correction.after.as_ref());
    let machine = correction.machine.as_ref();
    let text = |unit: &UnitCode| unit.to_string();
    Ok(Model {
        id: correction.id.uuid(),
        referral_id: correction.referral.uuid(),
        cause: correction.cause.to_string(),
        before_id: before.map(|before| before.decision.uuid()),
        before_lead: before.and_then(|before| before.lead.as_ref().map(text)),
        after_id: after.map(|after| after.decision.uuid()),
        after_lead: after.and_then(|after| after.lead.as_ref().map(text)),
        after_supporting: after.map(|after| json(&after.supporting)).transpose()?,
        machine_id: machine.map(|machine| machine.decision.uuid()),
        rule_set: machine.map_or_else(String::new, |machine| machine.rule_set.clone()),
        language: machine
            .and_then(|machine| machine.language)
            .map(|language| language.tag().to_owned()),
        confidence: machine.and_then(|machine| machine.confidence),
        exercise: correction.exercise,
        made_at: correction.at.as_micros(),
    })
}

fn read(row: Model) -> Result<Correction> {
    let on = Inconsistency::on("correction").row(row.id);
    let unit = |column, lead: Option<String>| -> Result<Option<UnitCode>> {
        lead.map(|lead| parsed(&on, column, &lead)).transpose()
    };
    let before_lead = unit("before_lead", row.before_lead)?;
    let after_lead = unit("after_lead", row.after_lead)?;
    let after = match (row.after_id, row.after_supporting) {
        (None, None) => None,
        (Some(id), Some(supporting)) => Some(Settled {
            decision: DecisionId::from_uuid(id),
            lead: after_lead,
            supporting: from_json(&on, "after_supporting", &supporting)?,
        }),
        _ => return Err(Error::from(on.column("after_supporting"))),
    };
    let language = row
        .language
        .map(|language| parsed(&on, "language", &language))
        .transpose()?;
    Ok(Correction {
        id: CorrectionId::from_uuid(row.id),
        referral: ReferralId::from_uuid(row.referral_id),
        cause: parsed(&on, "cause", &row.cause)?,
        before: row.before_id.map(|id| Answer {
            decision: DecisionId::from_uuid(id),
            lead: before_lead,
        }),
        after,
        machine: row.machine_id.map(|id| Measured {
            decision: DecisionId::from_uuid(id),
            rule_set: row.rule_set,
            language,
            confidence: row.confidence,
        }),
        exercise: row.exercise,
        at: Timestamp::from_micros(row.made_at),
    })
}
