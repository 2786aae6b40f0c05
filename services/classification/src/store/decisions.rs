//! Decisions.

use std::collections::HashMap;

use liaison_store::{DbResult as _, Inconsistency, any_of};
use liaison_types::{DecisionId, ReferralId, Result, Timestamp};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};

use super::entity::decision::{Column, Entity, Model};
use super::{from_json, json, parsed};
use crate::case::{Actor, Decided};
use crate::domain::Outcome;

const ROUTE: &str = "ROUTE";
const REVIEW: &str = "REVIEW";

/// The decisions on a referral, the newest first.
///
/// # Errors
/// Where the database refuses, or a row makes no sense.
pub async fn decisions_of<C: ConnectionTrait>(
    db: &C,
    referral: ReferralId,
) -> Result<Vec<Decided>> {
    let rows = Entity::find()
        .filter(Column::ReferralId.eq(referral.uuid()))
        .order_by_desc(Column::Revision)
        .all(db)
        .await
        .db()?;
    rows.into_iter().map(read).collect()
}

/// The machine's latest decision on each of these referrals that has one.
///
/// # Errors
/// Where the database refuses, or a row makes no sense.
pub async fn proposals<C: ConnectionTrait>(
    db: &C,
    referrals: &[ReferralId],
) -> Result<HashMap<ReferralId, Decided>> {
    let ids = referrals.iter().map(|referral| referral.uuid()).collect();
    let rows = Entity::find()
        .filter(any_of(db.get_database_backend(), Column::ReferralId, ids))
        .filter(Column::Party.is_null())
        .order_by_asc(Column::Revision)
        .all(db)
        .await
        .db()?;
    // Ascending: the latest is what stays.
    rows.into_iter()
        .map(|row| read(row).map(|decided| (decided.referral, decided)))
        .collect()
}

/// The row of a decision.
pub(super) fn row(decided: &Decided) -> Result<Model> {
    let by = decided.by.as_ref();
    Ok(Model {
        id: decided.id.uuid(),
        referral_id: decided.referral.uuid(),
        revision: decided.revision,
        outcome: match decided.outcome {
            Outcome::Route => ROUTE.to_owned(),
            Outcome::Review => REVIEW.to_owned(),
        },
        lead: decided.lead.as_ref().map(ToString::to_string),
        supporting: json(&decided.supporting)?,
        desk: decided.desk.as_ref().map(ToString::to_string),
        probabilities: json(&decided.probabilities)?,
        grounds: json(&decided.grounds)?,
        rule_set: decided.rule_set.clone(),
        language: decided.language.map(|language| language.tag().to_owned()),
        decided_at: decided.at.as_micros(),
        party: by.map(|by| by.party.to_string()),
        officer: by.map(|by| by.officer.clone()),
        note: decided.note.clone(),
    })
}

fn read(row: Model) -> Result<Decided> {
    let on = Inconsistency::on("decision").row(row.id);
    let by = match (row.party, row.officer) {
        (None, None) => None,
        (Some(party), Some(officer)) => Some(Actor {
            party: parsed(&on, "party", &party)?,
            officer,
        }),
        _ => return Err(on.column("officer").into()),
    };
    Ok(Decided {
        id: DecisionId::from_uuid(row.id),
        referral: ReferralId::from_uuid(row.referral_id),
        revision: row.revision,
        outcome: match row.outcome.as_str() {
            ROUTE => Outcome::Route,
            REVIEW => Outcome::Review,
            _ => return Err(on.column("outcome").into()),
        },
        lead: row
            .lead
            .map(|lead| parsed(&on, "lead", &lead))
            .transpose()?,
        supporting: from_json(&on, "supporting", &row.supporting)?,
        desk: row
            .desk
            .map(|desk| parsed(&on, "desk", &desk))
            .transpose()?,
        probabilities: from_json(&on, "probabilities", &row.probabilities)?,
        grounds: from_json(&on, "grounds", &row.grounds)?,
        rule_set: row.rule_set,
        language: row
            .language
            .map(|language| parsed(&on, "language", &language))
            .transpose()?,
        at: Timestamp::from_micros(row.decided_at),
        by,
        note: row.note,
    })
}
