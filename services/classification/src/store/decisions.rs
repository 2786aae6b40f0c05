//! Decisions. What a person writes about one is sealed under the referral's data key.

use std::collections::HashMap;

use liaison_store::sealed::{Cell, DataKey, Vault};
use liaison_store::{DbResult as _, Inconsistency, Tx, any_of};
use liaison_types::{DecisionId, Error, ReferralId, Result, Timestamp};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};

use super::entity::decision::{Column, Entity, Model};
use super::purge::is_purged;
use super::{from_json, json, parsed};
use crate::artefacts::digest::Digest;
use crate::case::{Actor, Course, Decided, Making};
use crate::domain::Outcome;

const ROUTE: &str = "ROUTE";
const REVIEW: &str = "REVIEW";
const REFUSE: &str = "REFUSE";

/// Where the reasoning of a decision is sealed for.
const fn note_cell(id: DecisionId) -> Cell {
    Cell::new("decision", "note", id.uuid())
}

/// The decisions on a referral, the newest first. A note whose key is gone is gone as well.
///
/// # Errors
/// Where the database refuses, or a row makes no sense.
pub async fn decisions_of<C: ConnectionTrait>(
    db: &C,
    vault: &Vault,
    referral: ReferralId,
) -> Result<Vec<Decided>> {
    let rows = Entity::find()
        .filter(Column::ReferralId.eq(referral.uuid()))
        .order_by_desc(Column::Revision)
        .all(db)
        .await
        .db()?;
    let mut key = None;
    if rows.iter().any(|row| row.note.is_some()) {
        key = vault
            .keys(db, &[referral.uuid()])
            .await?
            .take(referral.uuid())
            .ok();
    }
    rows.into_iter()
        .map(|row| read(row, key.as_ref()))
        .collect()
}

/// The decisions on each of these referrals that has some, the newest first and without their notes.
///
/// # Errors
/// Where the database refuses, or a row makes no sense.
pub async fn without_notes<C: ConnectionTrait>(
    db: &C,
    referrals: &[ReferralId],
) -> Result<HashMap<ReferralId, Vec<Decided>>> {
    let ids = referrals.iter().map(|referral| referral.uuid()).collect();
    let rows = Entity::find()
        .filter(any_of(db.get_database_backend(), Column::ReferralId, ids))
        .order_by_desc(Column::Revision)
        .all(db)
        .await
        .db()?;
    let mut decisions: HashMap<ReferralId, Vec<Decided>> = HashMap::new();
    for row in rows {
        let decided = read(row, None)?;
        decisions.entry(decided.referral).or_default().push(decided);
    }
    Ok(decisions)
}

/// Those of these decisions that exist, without their notes.
///
/// # Errors
/// Where the database refuses, or a row makes no sense.
pub async fn by_ids<C: ConnectionTrait>(
    db: &C,
    decisions: &[DecisionId],
) -> Result<HashMap<DecisionId, Decided>> {
    let ids = decisions.iter().map(|decision| decision.uuid()).collect();
    let rows = Entity::find()
        .filter(any_of(db.get_database_backend(), Column::Id, ids))
        .all(db)
        .await
        .db()?;
    rows.into_iter()
        .map(|row| read(row, None).map(|decided| (decided.id, decided)))
        .collect()
}

/// The referral that a decision is about; none where there is no such decision.
///
/// # Errors
/// Where the database refuses.
pub async fn referral_of<C: ConnectionTrait>(
    db: &C,
    decision: DecisionId,
) -> Result<Option<ReferralId>> {
    let row = Entity::find_by_id(decision.uuid()).one(db).await.db()?;
    Ok(row.map(|row| ReferralId::from_uuid(row.referral_id)))
}

/// One decision, without what a person wrote about it.
///
/// # Errors
/// Where the database refuses, or the row makes no sense.
pub async fn find_decision<C: ConnectionTrait>(db: &C, id: DecisionId) -> Result<Option<Decided>> {
    let row = Entity::find_by_id(id.uuid()).one(db).await.db()?;
    row.map(|row| read(row, None)).transpose()
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
        .map(|row| read(row, None).map(|decided| (decided.referral, decided)))
        .collect()
}

/// The rows of decisions, whose cases' locks the transaction holds. The machine writes no notes, so that
/// only a decision by hand costs the look for its key.
///
/// # Errors
/// Where the database refuses.
pub(super) async fn rows(
    tx: &Tx<'_>,
    vault: &Vault,
    decided: impl Iterator<Item = &Decided>,
) -> Result<Vec<Model>> {
    let mut rows = Vec::new();
    for decided in decided {
        let note = match &decided.note {
            None => None,
            // It would outlive what it is about.
            Some(_) if is_purged(tx, decided.referral).await? => None,
            Some(note) => {
                let key = vault.key_or_new(tx, decided.referral.uuid()).await?;
                Some(vault.seal(&key, note_cell(decided.id), note.as_bytes()))
            }
        };
        rows.push(row(decided, note)?);
    }
    Ok(rows)
}

fn row(decided: &Decided, note: Option<Vec<u8>>) -> Result<Model> {
    let (by, making) = (decided.by.as_ref(), decided.making.as_ref());
    Ok(Model {
        id: decided.id.uuid(),
        referral_id: decided.referral.uuid(),
        revision: decided.revision,
        outcome: course_text(decided.course).to_owned(),
        refusal_ground: decided
            .course
            .refusal()
            .map(|ground| ground.as_str().to_owned()),
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
        note,
        suggestions: Some(json(&decided.suggestions)?),
        confidence: decided.confidence(),
        exercise: decided.exercise,
        model: Some(decided.model.clone()).filter(|model| !model.is_empty()),
        program: making.map(|making| making.program.clone()),
        input_digest: making
            .and_then(|making| making.input)
            .map(|digest| digest.as_bytes().to_vec()),
        decision_digest: making.map(|making| making.decision.as_bytes().to_vec()),
        urgency_hints: Some(json(&decided.urgency_hints)?),
    })
}

const fn course_text(course: Course) -> &'static str {
    match course {
        Course::Route => ROUTE,
        Course::Review => REVIEW,
        Course::Refuse(_) => REFUSE,
    }
}

fn course(on: &Inconsistency, row: &Model) -> Result<Course> {
    match (row.outcome.as_str(), row.refusal_ground.as_deref()) {
        (REFUSE, Some(ground)) => parsed(on, "refusal_ground", ground).map(Course::Refuse),
        (other, None) => outcome(on, "outcome", other).map(Course::from),
        _ => Err(on.column("refusal_ground").into()),
    }
}

pub(super) const fn outcome_text(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Route => ROUTE,
        Outcome::Review => REVIEW,
    }
}

pub(super) fn outcome(on: &Inconsistency, column: &'static str, text: &str) -> Result<Outcome> {
    match text {
        ROUTE => Ok(Outcome::Route),
        REVIEW => Ok(Outcome::Review),
        _ => Err(on.column(column).into()),
    }
}

fn making(row: &Model, on: &Inconsistency) -> Result<Option<Making>> {
    let digest = |column, bytes: &[u8]| {
        let bytes = <[u8; 32]>::try_from(bytes);
        bytes
            .map(Digest::from_bytes)
            .map_err(|_| Error::from(on.column(column)))
    };
    let input = row.input_digest.as_deref();
    let input = input
        .map(|bytes| digest("input_digest", bytes))
        .transpose()?;
    match (&row.program, row.decision_digest.as_deref()) {
        (None, None) => Ok(None),
        (Some(program), Some(decision)) => Ok(Some(Making {
            program: program.clone(),
            input,
            decision: digest("decision_digest", decision)?,
        })),
        _ => Err(on.column("decision_digest").into()),
    }
}

fn read(row: Model, key: Option<&DataKey>) -> Result<Decided> {
    let on = Inconsistency::on("decision").row(row.id);
    let making = making(&row, &on)?;
    let course = course(&on, &row)?;
    let by = match (row.party, row.officer) {
        (None, None) => None,
        (Some(party), Some(officer)) => Some(Actor {
            party: parsed(&on, "party", &party)?,
            officer,
        }),
        _ => return Err(on.column("officer").into()),
    };
    let id = DecisionId::from_uuid(row.id);
    let note = match row.note.as_deref().zip(key) {
        Some((sealed, key)) => Some(key.open_text(note_cell(id), sealed)?),
        None => None,
    };
    Ok(Decided {
        id,
        referral: ReferralId::from_uuid(row.referral_id),
        revision: row.revision,
        course,
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
        suggestions: match row.suggestions {
            Some(suggestions) => from_json(&on, "suggestions", &suggestions)?,
            None => Vec::new(),
        },
        urgency_hints: match row.urgency_hints {
            Some(hints) => from_json(&on, "urgency_hints", &hints)?,
            None => Vec::new(),
        },
        at: Timestamp::from_micros(row.decided_at),
        by,
        note,
        exercise: row.exercise,
        model: row.model.unwrap_or_default(),
        making,
    })
}
