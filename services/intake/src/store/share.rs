//! Shares.

use liaison_store::sealed::{Cell, DataKey, KeyAbsent, Vault};
use liaison_store::{DbResult as _, Inconsistency, Tx, ensure_affected};
use liaison_types::{Party, ReferralId, Result, ShareId, Timestamp};
use sea_orm::sea_query::{Expr, Query, SelectStatement};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use super::entity::share::{ActiveModel, Column, Entity, Model};
use super::parsed;
use super::referral::{from_json, json};
use crate::domain::{Actor, Deadline, Passed, Share, ShareState, Terms, Words};

/// In the words of the indexes.
const ACTIVE: &str = "state = 'ACTIVE'";
const AWAITING: &str = "state = 'AWAITING_CONSENT'";

const fn reason_cell(id: ShareId) -> Cell {
    Cell::new("share", "reason", id.uuid())
}

const fn decision_reason_cell(id: ShareId) -> Cell {
    Cell::new("share", "decision_reason", id.uuid())
}

/// The referrals that are shared with `party` now.
pub(super) fn shared_with(party: &Party) -> SelectStatement {
    Query::select()
        .column(Column::ReferralId)
        .from(Entity)
        .and_where(Column::Recipient.eq(party.to_string()))
        .and_where(Expr::cust(ACTIVE))
        .to_owned()
}

/// By what share `party` sees this referral now; the oldest where there are several.
///
/// # Errors
/// Where the database refuses or a row makes no sense.
pub async fn passed_to<C: ConnectionTrait>(
    db: &C,
    referral: ReferralId,
    party: &Party,
) -> Result<Option<Passed>> {
    let row = Entity::find()
        .filter(Column::Recipient.eq(party.to_string()))
        .filter(Column::ReferralId.eq(referral.uuid()))
        .filter(Expr::cust(ACTIVE))
        .order_by_asc(Column::Id)
        .one(db)
        .await
        .db()?;
    row.as_ref().map(passed).transpose()
}

/// Which referral a share is of.
///
/// # Errors
/// Where the database refuses.
pub async fn find_share<C: ConnectionTrait>(db: &C, id: ShareId) -> Result<Option<ReferralId>> {
    let found: Option<Uuid> = Entity::find_by_id(id.uuid())
        .select_only()
        .column(Column::ReferralId)
        .into_tuple()
        .one(db)
        .await
        .db()?;
    Ok(found.map(ReferralId::from_uuid))
}

/// The share; the caller holds the referral's lock, and has its key unless it was purged.
///
/// # Errors
/// Where the database refuses, a row makes no sense or does not open.
pub async fn lock_share(tx: &Tx<'_>, key: Option<&DataKey>, id: ShareId) -> Result<Option<Share>> {
    let row = Entity::find_by_id(id.uuid()).one(tx).await.db()?;
    row.map(|row| read(row, key)).transpose()
}

/// The share that `party` asked for by this request.
///
/// # Errors
/// As [`lock_share`].
pub async fn find_share_by_request(
    tx: &Tx<'_>,
    vault: &Vault,
    party: &Party,
    request_id: Uuid,
) -> Result<Option<Share>> {
    let row = Entity::find()
        .filter(Column::RequestId.eq(request_id))
        .filter(Column::RequestedParty.eq(party.to_string()))
        .one(tx)
        .await
        .db()?;
    let Some(row) = row else { return Ok(None) };
    let key = vault.key(tx, row.referral_id).await?;
    read(row, Some(&key)).map(Some)
}

/// The shares of a referral after `after`, the oldest first.
///
/// # Errors
/// As [`lock_share`].
pub async fn shares_of<C: ConnectionTrait>(
    db: &C,
    vault: &Vault,
    referral: ReferralId,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Share>> {
    let mut select = Entity::find().filter(Column::ReferralId.eq(referral.uuid()));
    if let Some(after) = after {
        select = select.filter(Column::Id.gt(after));
    }
    let rows = select
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(db)
        .await
        .db()?;
    opened(db, vault, rows).await
}

/// What waits for the consent of `owner`, after `after`, the oldest first.
///
/// # Errors
/// As [`lock_share`].
pub async fn consent_requests<C: ConnectionTrait>(
    db: &C,
    vault: &Vault,
    owner: &Party,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Share>> {
    let mut select = Entity::find()
        .filter(Column::Owner.eq(owner.to_string()))
        .filter(Expr::cust(AWAITING));
    if let Some(after) = after {
        select = select.filter(Column::Id.gt(after));
    }
    let rows = select
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(db)
        .await
        .db()?;
    opened(db, vault, rows).await
}

/// The shares whose owner should have answered by `now`, and their referrals.
///
/// # Errors
/// Where the database refuses.
pub async fn expired_consents<C: ConnectionTrait>(
    db: &C,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<(ShareId, ReferralId)>> {
    let rows: Vec<(Uuid, Uuid)> = Entity::find()
        .select_only()
        .columns([Column::Id, Column::ReferralId])
        .filter(Column::ConsentDueAt.lte(now.as_micros()))
        .filter(Expr::cust(AWAITING))
        .order_by_asc(Column::ConsentDueAt)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await
        .db()?;
    Ok(rows
        .into_iter()
        .map(|(id, referral)| (ShareId::from_uuid(id), ReferralId::from_uuid(referral)))
        .collect())
}

/// Stores a new share, its words sealed with the referral's key.
///
/// # Errors
/// CONFLICT where the request was made before, else what the database says.
pub async fn insert_share(tx: &Tx<'_>, vault: &Vault, key: &DataKey, share: &Share) -> Result<()> {
    let row: ActiveModel = model(vault, key, share)?.into();
    row.insert(tx).await.db()?;
    Ok(())
}

/// Writes a share that was changed under the referral's lock.
///
/// # Errors
/// Where the database refuses.
pub async fn save_share(tx: &Tx<'_>, vault: &Vault, key: &DataKey, share: &Share) -> Result<()> {
    let row = model(vault, key, share)?;
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(row.state))
        .col_expr(Column::UpdatedAt, Expr::value(row.updated_at))
        .col_expr(Column::Rules, Expr::value(row.rules))
        .col_expr(Column::DecidedParty, Expr::value(row.decided_party))
        .col_expr(Column::DecidedOfficer, Expr::value(row.decided_officer))
        .col_expr(Column::DecisionReason, Expr::value(row.decision_reason))
        .filter(Column::Id.eq(row.id))
        .exec(tx)
        .await
        .db()?;
    ensure_affected(done.rows_affected, 1)
}

/// Takes away what people wrote about the shares of a referral.
pub(super) async fn clear_words(tx: &Tx<'_>, referral: ReferralId) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::Reason, Expr::value(Vec::<u8>::new()))
        .col_expr(Column::DecisionReason, Expr::value(None::<Vec<u8>>))
        .filter(Column::ReferralId.eq(referral.uuid()))
        .exec(tx)
        .await
        .db()
        .map(drop)
}

fn model(vault: &Vault, key: &DataKey, share: &Share) -> Result<Model> {
    let id = share.id;
    let decided = share.decided_by.as_ref();
    let decision_reason = Some(&share.decision_reason.0).filter(|words| !words.is_empty());
    Ok(Model {
        id: id.uuid(),
        referral_id: share.referral.uuid(),
        owner: share.owner.to_string(),
        recipient: share.recipient.to_string(),
        state: share.state.as_str().to_owned(),
        purpose: share.terms.purpose.as_str().to_owned(),
        action: share.terms.action.as_str().to_owned(),
        usage: share.terms.usage.as_str().to_owned(),
        requested_party: share.requested_by.party.to_string(),
        requested_officer: share.requested_by.officer.clone(),
        requested_at: share.requested_at.as_micros(),
        request_id: share.request_id,
        consent_due_at: share.consent.map(|consent| consent.due_at.as_micros()),
        consent_rule: share.consent.map(|consent| consent.rule.to_owned()),
        decided_party: decided.map(|actor| actor.party.to_string()),
        decided_officer: decided.and_then(|actor| actor.officer.clone()),
        updated_at: share.updated_at.as_micros(),
        rules: json(&share.rules)?,
        exercise: share.exercise,
        reason: vault.seal(key, reason_cell(id), share.reason.0.as_bytes()),
        decision_reason: decision_reason
            .map(|words| vault.seal(key, decision_reason_cell(id), words.as_bytes())),
    })
}

async fn opened<C: ConnectionTrait>(db: &C, vault: &Vault, rows: Vec<Model>) -> Result<Vec<Share>> {
    let mut subjects: Vec<Uuid> = rows.iter().map(|row| row.referral_id).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let keys = vault.keys(db, &subjects).await?;
    rows.into_iter()
        .map(|row| {
            let key = keys.get(row.referral_id).ok();
            read(row, key)
        })
        .collect()
}

fn terms(row: &Model) -> Result<Terms> {
    let on = Inconsistency::on("share").row(row.id);
    Ok(Terms {
        purpose: parsed(&on, "purpose", &row.purpose)?,
        action: parsed(&on, "action", &row.action)?,
        usage: parsed(&on, "usage", &row.usage)?,
    })
}

fn passed(row: &Model) -> Result<Passed> {
    let on = Inconsistency::on("share").row(row.id);
    Ok(Passed {
        terms: terms(row)?,
        // A share that is active has the consent that it waited for.
        agreed: row.consent_due_at.is_some() || row.requested_party == row.owner,
        by: Actor {
            party: parsed(&on, "requested_party", &row.requested_party)?,
            officer: row.requested_officer.clone(),
        },
    })
}

/// What was sealed as `cell`; empty where it was taken away with the content, which leaves no key either.
fn words(key: Option<&DataKey>, cell: Cell, sealed: &[u8], subject: Uuid) -> Result<String> {
    match key {
        _ if sealed.is_empty() => Ok(String::new()),
        Some(key) => key.open_text(cell, sealed),
        None => Err(KeyAbsent { subject }.into()),
    }
}

fn read(row: Model, key: Option<&DataKey>) -> Result<Share> {
    let on = Inconsistency::on("share").row(row.id);
    let id = ShareId::from_uuid(row.id);
    let state: ShareState = parsed(&on, "state", &row.state)?;
    let consent = match (row.consent_due_at, &row.consent_rule) {
        (Some(due_at), Some(text)) => {
            let rule = liaison_policy::clock_rule(text);
            Some(Deadline {
                due_at: Timestamp::from_micros(due_at),
                rule: rule.ok_or_else(|| on.column("consent_rule"))?.id,
            })
        }
        (None, None) => None,
        _ => return Err(on.column("consent_rule").into()),
    };
    let decided_by = match &row.decided_party {
        Some(party) => Some(Actor {
            party: parsed(&on, "decided_party", party)?,
            officer: row.decided_officer.clone(),
        }),
        None => None,
    };
    let subject = row.referral_id;
    let decision_reason = row.decision_reason.as_deref().unwrap_or_default();
    let decision_reason = words(key, decision_reason_cell(id), decision_reason, subject)?;
    Ok(Share {
        id,
        referral: ReferralId::from_uuid(row.referral_id),
        owner: parsed(&on, "owner", &row.owner)?,
        recipient: parsed(&on, "recipient", &row.recipient)?,
        state,
        terms: terms(&row)?,
        requested_by: Actor {
            party: parsed(&on, "requested_party", &row.requested_party)?,
            officer: row.requested_officer,
        },
        requested_at: Timestamp::from_micros(row.requested_at),
        request_id: row.request_id,
        consent,
        decided_by,
        updated_at: Timestamp::from_micros(row.updated_at),
        rules: from_json(&on, "rules", &row.rules)?,
        exercise: row.exercise,
        reason: Words(words(key, reason_cell(id), &row.reason, subject)?),
        decision_reason: Words(decision_reason),
    })
}
