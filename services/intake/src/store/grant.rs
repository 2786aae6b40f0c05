//! Who may open a dossier.

use std::collections::HashMap;

use liaison_store::Tx;
use liaison_store::{DbResult as _, Inconsistency, any_of, insert_all, update_all};
use liaison_types::{AssignmentId, ReferralId, Result, Timestamp, UnitCode};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::entity::dossier_grant::{ActiveModel, Column, Entity, Model};
use super::parsed;
use crate::domain::{Grant, Role};

/// All shares of these referrals, each list in the order of their ids.
///
/// # Errors
/// Where the database refuses or a row makes no sense.
pub async fn grants_of(
    tx: &Tx<'_>,
    referrals: &[ReferralId],
) -> Result<HashMap<ReferralId, Vec<Grant>>> {
    let ids: Vec<Uuid> = referrals.iter().map(|id| id.uuid()).collect();
    let mut rows = Entity::find()
        .filter(any_of(tx.get_database_backend(), Column::ReferralId, ids))
        .all(tx)
        .await
        .db()?;
    // Not by the database, which might walk the index that has this order from end to end instead.
    rows.sort_unstable_by_key(|row| row.assignment_id);
    let mut grants: HashMap<ReferralId, Vec<Grant>> = HashMap::new();
    for row in rows {
        let referral = ReferralId::from_uuid(row.referral_id);
        grants.entry(referral).or_default().push(grant(row)?);
    }
    Ok(grants)
}

/// In which role `unit` may open this referral now: it leads where it has several. `None` where it may
/// not.
///
/// # Errors
/// Where the database refuses or a row makes no sense.
pub async fn role_of<C: ConnectionTrait>(
    db: &C,
    referral: ReferralId,
    unit: &UnitCode,
) -> Result<Option<Role>> {
    let held: Vec<(Uuid, String)> = Entity::find()
        .select_only()
        .columns([Column::AssignmentId, Column::Role])
        .filter(Column::ReferralId.eq(referral.uuid()))
        .filter(Column::Unit.eq(unit.as_str()))
        .filter(Column::Active.eq(true))
        .into_tuple()
        .all(db)
        .await
        .db()?;
    let mut found = None;
    for (assignment, role) in held {
        let on = Inconsistency::on("dossier_grant").row(assignment);
        let role: Role = parsed(&on, "role", &role)?;
        if found != Some(Role::Lead) {
            found = Some(role);
        }
    }
    Ok(found)
}

/// Writes shares that are new and those that changed, each by one statement.
///
/// # Errors
/// Where the database refuses.
pub async fn save_grants(
    tx: &Tx<'_>,
    new: impl IntoIterator<Item = (ReferralId, &Grant)>,
    changed: impl IntoIterator<Item = (ReferralId, &Grant)>,
) -> Result<()> {
    let new: Vec<Model> = new
        .into_iter()
        .map(|(referral, grant)| model(referral, grant))
        .collect();
    insert_all::<ActiveModel, _>(tx, new).await?;
    let changed: Vec<Model> = changed
        .into_iter()
        .map(|(referral, grant)| model(referral, grant))
        .collect();
    let columns = [
        Column::Role,
        Column::State,
        Column::Sequence,
        Column::Active,
        Column::LeadSince,
        Column::WorkStarted,
        Column::Outcome,
    ];
    update_all::<ActiveModel, _>(tx, &columns, changed).await
}

fn model(referral: ReferralId, grant: &Grant) -> Model {
    Model {
        assignment_id: grant.assignment.uuid(),
        referral_id: referral.uuid(),
        unit: grant.unit.to_string(),
        role: grant.role.as_str().to_owned(),
        state: grant.state.as_str().to_owned(),
        sequence: grant.sequence,
        active: grant.is_active(),
        lead_since: grant.lead_since.map(Timestamp::as_micros),
        work_started: grant.work_started,
        outcome: grant.outcome.map(|outcome| outcome.as_str().to_owned()),
    }
}

fn grant(row: Model) -> Result<Grant> {
    let on = Inconsistency::on("dossier_grant").row(row.assignment_id);
    Ok(Grant {
        assignment: AssignmentId::from_uuid(row.assignment_id),
        unit: parsed(&on, "unit", &row.unit)?,
        role: parsed(&on, "role", &row.role)?,
        state: parsed(&on, "state", &row.state)?,
        sequence: row.sequence,
        lead_since: row.lead_since.map(Timestamp::from_micros),
        work_started: row.work_started,
        outcome: row
            .outcome
            .map(|text| parsed(&on, "outcome", &text))
            .transpose()?,
    })
}
