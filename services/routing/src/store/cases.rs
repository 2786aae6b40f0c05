//! Cases.

use std::sync::Arc;

use liaison_store::{DbResult as _, Inconsistency};
use liaison_types::{DecisionId, ReferralId, Result, Timestamp};
use sea_orm::{
    ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};
use uuid::Uuid;

use super::any_of;
use super::entity::routed_case::{Column, Entity, Model};
use super::json::{self, StoredMarkings};
use crate::domain::{Case, CompletionClock, Decision, Envelope};

/// The columns that a later decision may change.
pub(super) const CHANGING: [Column; 19] = [
    Column::Reference,
    Column::Bureau,
    Column::Kind,
    Column::Urgency,
    Column::Markings,
    Column::ReceivedAt,
    Column::CompletionStartedAt,
    Column::CompletionDueAt,
    Column::CompletionRule,
    Column::Exercise,
    Column::DecisionId,
    Column::Revision,
    Column::Lead,
    Column::Desk,
    Column::Supporting,
    Column::Rules,
    Column::ByPerson,
    Column::Returned,
    Column::UpdatedAt,
];

/// The row of `case`.
pub(super) fn row(case: &Case) -> Result<Model> {
    let (envelope, decision) = (&case.envelope, &case.decision);
    let completion = envelope.completion.as_ref();
    Ok(Model {
        referral_id: envelope.referral.uuid(),
        reference: envelope.reference.clone(),
        bureau: envelope.bureau.clone(),
        kind: envelope.kind.to_string(),
        urgency: envelope.urgency.to_string(),
        markings: json::write(&StoredMarkings::from(&envelope.markings))?,
        received_at: envelope.received_at.as_micros(),
        completion_started_at: completion.map(|clock| clock.started_at.as_micros()),
        completion_due_at: completion.map(|clock| clock.due_at.as_micros()),
        completion_rule: completion.map(|clock| clock.rule.clone()),
        exercise: envelope.exercise,
        decision_id: decision.id.uuid(),
        revision: decision.revision,
        lead: decision
            .lead
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        desk: decision.desk.as_ref().map(ToString::to_string),
        supporting: json::write(&decision.supporting)?,
        rules: json::write(&decision.rules)?,
        by_person: decision.by_person,
        returned: case.returned.map(|cause| cause.to_string()),
        created_at: case.created_at.as_micros(),
        updated_at: case.updated_at.as_micros(),
    })
}

fn read(row: Model) -> Result<Case> {
    let on = Inconsistency::on("routed_case").row(row.referral_id);
    let completion = match (
        row.completion_started_at,
        row.completion_due_at,
        row.completion_rule,
    ) {
        (None, None, None) => None,
        (Some(started_at), Some(due_at), Some(rule)) => Some(CompletionClock {
            started_at: Timestamp::from_micros(started_at),
            due_at: Timestamp::from_micros(due_at),
            rule,
        }),
        _ => return Err(on.column("completion_due_at").into()),
    };
    let markings: StoredMarkings = json::read(&row.markings, on.column("markings"))?;
    Ok(Case {
        envelope: Arc::new(Envelope {
            referral: ReferralId::from_uuid(row.referral_id),
            reference: row.reference,
            bureau: row.bureau,
            kind: row.kind.parse().map_err(|e| on.column("kind").source(e))?,
            urgency: row
                .urgency
                .parse()
                .map_err(|e| on.column("urgency").source(e))?,
            markings: markings.into(),
            received_at: Timestamp::from_micros(row.received_at),
            completion,
            exercise: row.exercise,
        }),
        decision: Decision {
            id: DecisionId::from_uuid(row.decision_id),
            revision: row.revision,
            lead: Some(row.lead)
                .filter(|lead| !lead.is_empty())
                .map(|lead| lead.parse().map_err(|e| on.column("lead").source(e)))
                .transpose()?,
            desk: row
                .desk
                .map(|desk| desk.parse().map_err(|e| on.column("desk").source(e)))
                .transpose()?,
            supporting: json::read(&row.supporting, on.column("supporting"))?,
            rules: json::read(&row.rules, on.column("rules"))?,
            by_person: row.by_person,
        },
        returned: row
            .returned
            .map(|cause| cause.parse().map_err(|e| on.column("returned").source(e)))
            .transpose()?,
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
    })
}

fn these(backend: sea_orm::DbBackend, ids: Vec<Uuid>) -> Select<Entity> {
    Entity::find().filter(any_of(backend, Column::ReferralId, ids))
}

async fn all<C: ConnectionTrait>(db: &C, select: Select<Entity>) -> Result<Vec<Case>> {
    select.all(db).await.db()?.into_iter().map(read).collect()
}

/// Those of these cases that exist, without a lock.
pub(crate) async fn find_cases<C: ConnectionTrait>(
    db: &C,
    referrals: impl IntoIterator<Item = ReferralId>,
) -> Result<Vec<Case>> {
    let mut ids: Vec<Uuid> = referrals.into_iter().map(ReferralId::uuid).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    all(db, these(db.get_database_backend(), ids)).await
}

/// Locks those of these cases that exist, in the order of their ids.
pub(crate) async fn lock_cases<C: ConnectionTrait>(
    tx: &C,
    referrals: impl IntoIterator<Item = ReferralId>,
) -> Result<Vec<Case>> {
    let mut ids: Vec<Uuid> = referrals.into_iter().map(ReferralId::uuid).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let select = these(tx.get_database_backend(), ids);
    all(tx, select.order_by_asc(Column::ReferralId).lock_exclusive()).await
}
