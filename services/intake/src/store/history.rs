//! The steps of referrals.

use liaison_custody::Signature;
use liaison_store::Tx;
use liaison_store::{DbResult as _, Inconsistency, insert_all};
use liaison_types::{ReferralId, Result, Timestamp};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entity::custody::{ActiveModel, Column, Entity, Model};
use super::parsed;
use crate::domain::{Actor, NewStep, Step};

/// Adds steps by one statement. The caller holds each referral's row lock, or inserts the referral in
/// the same transaction.
///
/// # Errors
/// CONFLICT where a position is taken, else what the database says.
pub async fn append(tx: &Tx<'_>, steps: Vec<(ReferralId, &Step)>) -> Result<()> {
    let rows: Vec<Model> = steps
        .into_iter()
        .map(|(referral, step)| model(referral, step))
        .collect();
    insert_all::<ActiveModel, _>(tx, rows).await
}

/// The whole history of a referral, in order.
///
/// # Errors
/// Where the database refuses or a row makes no sense.
pub async fn history<C: ConnectionTrait>(db: &C, referral: ReferralId) -> Result<Vec<Step>> {
    let rows = Entity::find()
        .filter(Column::ReferralId.eq(referral.uuid()))
        .order_by_asc(Column::Position)
        .all(db)
        .await
        .db()?;
    rows.into_iter().map(step).collect()
}

fn model(referral: ReferralId, step: &Step) -> Model {
    let what = &step.what;
    Model {
        referral_id: referral.uuid(),
        position: step.position,
        step: what.step.as_str().to_owned(),
        state: what.state.as_str().to_owned(),
        at: what.at.as_micros(),
        party: what.actor.party.to_string(),
        officer: what.actor.officer.clone(),
        unit: what.unit.as_ref().map(ToString::to_string),
        detail: what.detail.clone(),
        digest: step.digest.to_vec(),
        content: what.content.map(|digest| digest.to_vec()),
        signature: step.signature.map(|signature| signature.bytes.to_vec()),
        key_id: step.signature.map(|signature| signature.key.to_string()),
    }
}

fn step(row: Model) -> Result<Step> {
    let on = Inconsistency::on("custody").row(format_args!("{}/{}", row.referral_id, row.position));
    let digest = |column, bytes: Vec<u8>| bytes.try_into().map_err(|_| on.column(column));
    let signature = match (row.signature, row.key_id) {
        (Some(bytes), Some(key)) => Some(Signature {
            key: parsed(&on, "key_id", &key)?,
            bytes: bytes.try_into().map_err(|_| on.column("signature"))?,
        }),
        (None, None) => None,
        _ => return Err(on.column("key_id").into()),
    };
    Ok(Step {
        position: row.position,
        digest: digest("digest", row.digest)?,
        signature,
        what: NewStep {
            step: parsed(&on, "step", &row.step)?,
            state: parsed(&on, "state", &row.state)?,
            at: Timestamp::from_micros(row.at),
            actor: Actor {
                party: parsed(&on, "party", &row.party)?,
                officer: row.officer,
            },
            unit: row
                .unit
                .map(|unit| parsed(&on, "unit", &unit))
                .transpose()?,
            detail: row.detail,
            content: row
                .content
                .map(|bytes| digest("content", bytes))
                .transpose()?,
        },
    })
}
