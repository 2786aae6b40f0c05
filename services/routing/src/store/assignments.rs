//! Assignments: reading, locking, claiming.

use std::collections::BTreeMap;

use liaison_store::{DbResult as _, Inconsistency};
use liaison_types::{AssignmentId, DeskCode, ReferralId, Result, Timestamp, UnitCode};
use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Select,
};
use uuid::Uuid;

use super::any_of;
use super::entity::assignment::{Column, Entity, Model};
use super::json;
use crate::domain::{Assignment, AssignmentState, Envelope, Lease, TokenHash};

/// What a pull may take. The first half is the condition of the index `assignment_waiting`, in its own
/// words.
const WAITING: &str = "state = 'QUEUED' AND granted";
/// The condition of the index `assignment_leases`, in its own words.
const LEASED: &str = "state = 'LEASED'";

/// What a pull is served from: a unit's queue, or one desk's part of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Queue {
    pub(crate) unit: UnitCode,
    pub(crate) desk: Option<DeskCode>,
}

impl Queue {
    /// Whether what waits for `other`, a unit's desk or no desk in particular, is pulled from here.
    pub(crate) fn holds(&self, other: &Self) -> bool {
        self.unit == other.unit && (self.desk.is_none() || self.desk == other.desk)
    }
}

/// The columns that change after creation.
pub(super) const CHANGING: [Column; 13] = [
    Column::Role,
    Column::State,
    Column::Granted,
    Column::LeaseToken,
    Column::LeasePulledAt,
    Column::LeaseUntil,
    Column::Attempt,
    Column::WorkStarted,
    Column::DeclineReason,
    Column::Outcome,
    Column::Note,
    Column::Version,
    Column::UpdatedAt,
];

/// The row of `assignment`.
pub(super) fn row(assignment: &Assignment, envelope: &Envelope) -> Result<Model> {
    let lease = assignment.lease;
    Ok(Model {
        id: assignment.id.uuid(),
        referral_id: assignment.referral.uuid(),
        unit: assignment.unit.to_string(),
        desk: assignment.desk.as_ref().map(ToString::to_string),
        role: assignment.role.to_string(),
        state: assignment.state.to_string(),
        granted: assignment.granted,
        priority: envelope.urgency.priority(),
        received_at: envelope.received_at.as_micros(),
        exercise: envelope.exercise,
        rules: json::write(&assignment.rules)?,
        lease_token: lease.map(|lease| lease.token.bytes().to_vec()),
        lease_pulled_at: lease.map(|lease| lease.pulled_at.as_micros()),
        lease_until: lease.map(|lease| lease.until.as_micros()),
        attempt: assignment.attempt,
        work_started: assignment.work_started,
        decline_reason: assignment.decline_reason.map(|reason| reason.to_string()),
        outcome: assignment.outcome.map(|outcome| outcome.to_string()),
        note: assignment.note.clone(),
        version: assignment.version,
        traceparent: assignment.traceparent.clone(),
        created_at: assignment.created_at.as_micros(),
        updated_at: assignment.updated_at.as_micros(),
    })
}

fn read(row: Model) -> Result<Assignment> {
    let on = Inconsistency::on("assignment").row(row.id);
    let lease = match (row.lease_token, row.lease_pulled_at, row.lease_until) {
        (None, None, None) => None,
        (Some(token), Some(pulled_at), Some(until)) => {
            let token: [u8; 32] = token
                .as_slice()
                .try_into()
                .map_err(|e| on.column("lease_token").source(e))?;
            Some(Lease {
                token: TokenHash::from_bytes(token),
                pulled_at: Timestamp::from_micros(pulled_at),
                until: Timestamp::from_micros(until),
            })
        }
        _ => return Err(on.column("lease_until").into()),
    };
    Ok(Assignment {
        id: AssignmentId::from_uuid(row.id),
        referral: ReferralId::from_uuid(row.referral_id),
        unit: row.unit.parse().map_err(|e| on.column("unit").source(e))?,
        desk: row
            .desk
            .map(|desk| desk.parse().map_err(|e| on.column("desk").source(e)))
            .transpose()?,
        role: row.role.parse().map_err(|e| on.column("role").source(e))?,
        state: row
            .state
            .parse()
            .map_err(|e| on.column("state").source(e))?,
        granted: row.granted,
        rules: json::read(&row.rules, on.column("rules"))?,
        lease,
        attempt: row.attempt,
        work_started: row.work_started,
        decline_reason: row
            .decline_reason
            .map(|reason| {
                reason
                    .parse()
                    .map_err(|e| on.column("decline_reason").source(e))
            })
            .transpose()?,
        outcome: row
            .outcome
            .map(|outcome| outcome.parse().map_err(|e| on.column("outcome").source(e)))
            .transpose()?,
        note: row.note,
        version: row.version,
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
        traceparent: row.traceparent,
    })
}

async fn all<C: ConnectionTrait>(db: &C, select: Select<Entity>) -> Result<Vec<Assignment>> {
    select.all(db).await.db()?.into_iter().map(read).collect()
}

/// The assignment, without a lock.
pub(crate) async fn find_assignment<C: ConnectionTrait>(
    db: &C,
    id: AssignmentId,
) -> Result<Option<Assignment>> {
    Entity::find_by_id(id.uuid())
        .one(db)
        .await
        .db()?
        .map(read)
        .transpose()
}

/// The referral of each of these assignments that exists. It never changes, so that no lock is needed.
pub(crate) async fn referrals_of<C: ConnectionTrait>(
    tx: &C,
    ids: impl IntoIterator<Item = AssignmentId>,
) -> Result<BTreeMap<AssignmentId, ReferralId>> {
    let ids: Vec<Uuid> = ids.into_iter().map(AssignmentId::uuid).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let found: Vec<(Uuid, Uuid)> = Entity::find()
        .select_only()
        .columns([Column::Id, Column::ReferralId])
        .filter(any_of(tx.get_database_backend(), Column::Id, ids))
        .into_tuple()
        .all(tx)
        .await
        .db()?;
    let of = |(id, referral)| {
        let id = AssignmentId::from_uuid(id);
        (id, ReferralId::from_uuid(referral))
    };
    Ok(found.into_iter().map(of).collect())
}

/// Locks these assignments and all of these referrals, in the order of their ids.
pub(crate) async fn lock_all<C: ConnectionTrait>(
    tx: &C,
    ids: impl IntoIterator<Item = AssignmentId>,
    referrals: impl IntoIterator<Item = ReferralId>,
) -> Result<Vec<Assignment>> {
    let backend = tx.get_database_backend();
    let ids: Vec<Uuid> = ids.into_iter().map(AssignmentId::uuid).collect();
    let referrals: Vec<Uuid> = referrals.into_iter().map(ReferralId::uuid).collect();
    let mut wanted = Condition::any();
    if !ids.is_empty() {
        wanted = wanted.add(any_of(backend, Column::Id, ids));
    }
    if !referrals.is_empty() {
        wanted = wanted.add(any_of(backend, Column::ReferralId, referrals));
    }
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    all(
        tx,
        Entity::find()
            .filter(wanted)
            .order_by_asc(Column::Id)
            .lock_exclusive(),
    )
    .await
}

fn waiting(queue: &Queue) -> Select<Entity> {
    let select = Entity::find()
        .filter(Column::Unit.eq(queue.unit.as_str()))
        .filter(Expr::cust(WAITING));
    match &queue.desk {
        Some(desk) => select.filter(Column::Desk.eq(desk.as_str())),
        None => select,
    }
}

/// Locks up to `limit` assignments that wait in `queue`, the most urgent and then the oldest first.
/// What another pull has locked is passed over.
pub(crate) async fn claim<C: ConnectionTrait>(
    tx: &C,
    queue: &Queue,
    limit: u64,
) -> Result<Vec<Assignment>> {
    let select = waiting(queue)
        .order_by_asc(Column::Priority)
        .order_by_asc(Column::ReceivedAt)
        .order_by_asc(Column::Id)
        .limit(limit)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    all(tx, select).await
}

/// Whether anything waits in `queue`.
pub(crate) async fn is_waiting<C: ConnectionTrait>(db: &C, queue: &Queue) -> Result<bool> {
    let found: Option<Uuid> = waiting(queue)
        .select_only()
        .column(Column::Id)
        .limit(1)
        .into_tuple()
        .one(db)
        .await
        .db()?;
    Ok(found.is_some())
}

/// Up to `limit` assignments whose lease ran out by `now`, the longest ago first. Whoever acts on
/// them locks them and looks again.
pub(crate) async fn expired<C: ConnectionTrait>(
    db: &C,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<AssignmentId>> {
    let found: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Expr::cust(LEASED))
        .filter(Column::LeaseUntil.lte(now.as_micros()))
        .order_by_asc(Column::LeaseUntil)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await
        .db()?;
    Ok(found.into_iter().map(AssignmentId::from_uuid).collect())
}

/// Up to `limit` assignments, the newest first, after `after`: those granted to `unit` where one is
/// given, in `states` where any are given.
pub(crate) async fn list_assignments<C: ConnectionTrait>(
    db: &C,
    unit: Option<&UnitCode>,
    states: &[AssignmentState],
    include_exercises: bool,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Assignment>> {
    let mut select = Entity::find();
    if let Some(unit) = unit {
        select = select
            .filter(Column::Unit.eq(unit.as_str()))
            .filter(Column::Granted.eq(true));
    }
    if !states.is_empty() {
        select = select.filter(Column::State.is_in(states.iter().map(|state| state.as_str())));
    }
    if !include_exercises {
        select = select.filter(Column::Exercise.eq(false));
    }
    if let Some(after) = after {
        select = select.filter(Column::Id.lt(after));
    }
    all(db, select.order_by_desc(Column::Id).limit(limit)).await
}
