//! Referrals: reading, locking, changing.

use liaison_store::Tx;
use liaison_store::sealed::{Cell, Vault};
use liaison_store::{DbResult as _, Inconsistency, any_of, update_all};
use liaison_types::{Party, ReferralId, Result, Timestamp};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::entity::dossier;
use super::entity::referral::{ActiveModel, Column, Entity, Model};
use super::parsed;
use crate::domain::{Admission, Chain, Classification, Clocks, Deadline, Referral, ReferralState};

/// A referral with what only intake knows of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// The referral.
    pub referral: Referral,
    /// The end of its history.
    pub chain: Chain,
    /// The latest word of classification.
    pub classification: Option<Classification>,
    /// Who submitted it, as the owner named them.
    pub submitting_officer: Option<String>,
    /// What makes its submission repeatable.
    pub request_id: Uuid,
    /// SHA-256 of the dossier as it was submitted.
    pub body_digest: [u8; 32],
    /// The state that the submission was answered with.
    pub first_state: ReferralState,
    /// The reviewer's reasoning, sealed.
    pub review_note: Option<Vec<u8>>,
}

impl Record {
    /// Whether it is admissible. Classification speaks only of what was admitted, so that what it spoke of and
    /// is refused was refused by the duty desk, later.
    #[must_use]
    pub const fn admission(&self) -> Admission {
        let spoken_of = self.classification.is_some();
        match self.referral.state {
            ReferralState::Submitted | ReferralState::UnderReview => Admission::Pending,
            ReferralState::Refused if !spoken_of => Admission::Refused,
            ReferralState::Purged if !spoken_of && self.referral.refusal_ground.is_some() => {
                Admission::Refused
            }
            _ => Admission::Admitted,
        }
    }

    /// Whether its content was destroyed.
    #[must_use]
    pub const fn is_purged(&self) -> bool {
        matches!(self.referral.state, ReferralState::Purged)
    }

    /// What the submission was answered with, however long ago.
    #[must_use]
    pub fn first_answer(self) -> Referral {
        let received_at = self.referral.received_at;
        let clocks = Clocks::new(self.referral.kind, self.referral.urgency, received_at);
        Referral {
            state: self.first_state,
            updated_at: received_at,
            completion: clocks.completion,
            lead: None,
            supporting: Vec::new(),
            outcome: None,
            refusal_ground: None,
            version: FIRST_VERSION,
            last_position: FIRST_POSITION,
            ..self.referral
        }
    }
}

/// The version of a referral that was just submitted.
pub const FIRST_VERSION: i64 = 1;
/// Received, and screened.
pub const FIRST_POSITION: i64 = 2;

/// The referral `id`.
///
/// # Errors
/// Where the database refuses or the row makes no sense.
pub async fn find<C: ConnectionTrait>(db: &C, id: ReferralId) -> Result<Option<Record>> {
    let row = Entity::find_by_id(id.uuid()).one(db).await.db()?;
    row.map(record).transpose()
}

/// Locks these referrals for the transaction, in the order of their ids; those that do not exist are
/// left out. On SQLite the transaction itself is the lock.
///
/// # Errors
/// Where the database refuses or a row makes no sense.
pub async fn lock(tx: &Tx<'_>, ids: &[ReferralId]) -> Result<Vec<Record>> {
    let rows = Entity::find()
        .filter(any_of(tx.get_database_backend(), Column::Id, uuids(ids)))
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(tx)
        .await
        .db()?;
    rows.into_iter().map(record).collect()
}

/// Whose referrals to list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Whose {
    /// Everybody's.
    All,
    /// This owner's.
    Owner(Party),
    /// Those that were shared with this party, and still are.
    SharedWith(Party),
}

/// Which referrals to list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListFilter {
    /// Whose.
    pub of: Whose,
    /// Only those in one of these states; all where empty.
    pub states: Vec<ReferralState>,
    /// Training traffic too.
    pub include_exercises: bool,
    /// Only those before this one: where the page before ended.
    pub before: Option<ReferralId>,
    /// At most this many.
    pub limit: u64,
}

/// The newest first.
///
/// # Errors
/// Where the database refuses or a row makes no sense.
pub async fn list<C: ConnectionTrait>(db: &C, filter: &ListFilter) -> Result<Vec<Referral>> {
    let mut select = Entity::find();
    select = match &filter.of {
        Whose::All => select,
        Whose::Owner(owner) => select.filter(Column::Owner.eq(owner.to_string())),
        Whose::SharedWith(party) => {
            select.filter(Column::Id.in_subquery(super::share::shared_with(party)))
        }
    };
    if filter.states == [ReferralState::UnderReview] {
        // In the words of the index.
        select = select.filter(Expr::cust("under_review"));
    } else if !filter.states.is_empty() {
        select = select.filter(Column::State.is_in(filter.states.iter().map(|s| s.as_str())));
    }
    if !filter.include_exercises {
        select = select.filter(Column::Exercise.eq(false));
    }
    if let Some(before) = filter.before {
        select = select.filter(Column::Id.lt(before.uuid()));
    }
    let rows = select
        .order_by_desc(Column::Id)
        .limit(filter.limit)
        .all(db)
        .await
        .db()?;
    rows.into_iter()
        .map(|row| record(row).map(|record| record.referral))
        .collect()
}

/// What is written of a record that was locked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// A step that changes nothing but the history.
    Read,
    /// The end of a review.
    Review,
    /// What the other services told; no indexed column.
    Progress,
    /// The end of the content.
    Purge,
}

/// Writes `records`, each locked in this transaction, by one statement.
///
/// # Errors
/// Where the database refuses.
pub async fn save<'a>(
    tx: &Tx<'_>,
    change: Change,
    records: impl IntoIterator<Item = &'a Record>,
) -> Result<()> {
    const READ: &[Column] = &[Column::LastPosition, Column::LastDigest];
    const REVIEW: &[Column] = &[
        Column::LastPosition,
        Column::LastDigest,
        Column::Version,
        Column::UpdatedAt,
        Column::State,
        Column::UnderReview,
        Column::RefusalGround,
        Column::ReviewNote,
    ];
    const PROGRESS: &[Column] = &[
        Column::LastPosition,
        Column::LastDigest,
        Column::Version,
        Column::UpdatedAt,
        Column::State,
        Column::LeadUnit,
        Column::SupportingUnits,
        Column::Outcome,
        Column::RefusalGround,
        Column::CompletionDueAt,
        Column::CompletionRule,
        Column::SaidSequence,
        Column::SaidAt,
        Column::SaidRevision,
        Column::SaidRefusal,
    ];
    let rows: Vec<ActiveModel> = records.into_iter().map(changes).collect::<Result<_>>()?;
    let columns = match change {
        Change::Read => READ,
        Change::Review | Change::Purge => REVIEW,
        Change::Progress => PROGRESS,
    };
    update_all::<ActiveModel, _>(tx, columns, rows).await
}

/// Every column that may change, with the key.
fn changes(record: &Record) -> Result<ActiveModel> {
    let referral = &record.referral;
    let said = record.classification;
    Ok(ActiveModel {
        id: Set(referral.id.uuid()),
        state: Set(referral.state.as_str().to_owned()),
        under_review: Set(referral.state == ReferralState::UnderReview),
        updated_at: Set(referral.updated_at.as_micros()),
        refusal_ground: Set(referral
            .refusal_ground
            .map(|ground| ground.as_str().to_owned())),
        review_note: Set(record.review_note.clone()),
        lead_unit: Set(referral.lead.as_ref().map(ToString::to_string)),
        supporting_units: Set(json(&referral.supporting)?),
        outcome: Set(referral.outcome.map(|outcome| outcome.as_str().to_owned())),
        completion_due_at: Set(referral.completion.map(|clock| clock.due_at.as_micros())),
        completion_rule: Set(referral.completion.map(|clock| clock.rule.to_owned())),
        said_sequence: Set(said.map(|said| said.sequence)),
        said_at: Set(said.map(|said| said.at.as_micros())),
        said_revision: Set(said.map(|said| said.revision)),
        said_refusal: Set(said
            .and_then(|said| said.refusal)
            .map(|ground| ground.as_str().to_owned())),
        version: Set(referral.version),
        last_position: Set(record.chain.position()),
        last_digest: Set(record
            .chain
            .digest()
            .map(|digest| digest.to_vec())
            .unwrap_or_default()),
        ..Default::default()
    })
}

/// Where the content of a referral is sealed for.
#[must_use]
pub const fn content_cell(id: ReferralId) -> Cell {
    Cell::new("dossier", "content", id.uuid())
}

/// Where the reasoning of a referral's reviewer is sealed for.
#[must_use]
pub const fn review_note_cell(id: ReferralId) -> Cell {
    Cell::new("referral", "review_note", id.uuid())
}

/// The content of a referral, encoded.
///
/// # Errors
/// INCONSISTENT_DATA where there is none, else what the database says.
pub async fn content(tx: &Tx<'_>, vault: &Vault, id: ReferralId) -> Result<Vec<u8>> {
    let row = dossier::Entity::find_by_id(id.uuid()).one(tx).await.db()?;
    let row = row.ok_or_else(|| Inconsistency::on("dossier").row(id))?;
    vault
        .key(tx, id.uuid())
        .await?
        .open(content_cell(id), &row.content)
}

/// Destroys the content of a referral, what was written about it, and the key that all of it is sealed
/// with, under the referral's lock.
///
/// # Errors
/// Where the database refuses.
pub async fn destroy_content(tx: &Tx<'_>, vault: &Vault, id: ReferralId) -> Result<()> {
    dossier::Entity::delete_by_id(id.uuid())
        .exec(tx)
        .await
        .db()?;
    super::share::clear_words(tx, id).await?;
    vault.destroy(tx, id.uuid()).await?;
    Ok(())
}

/// Those of these referrals that are not admitted, or not yet. What the duty desk refused was admitted: its
/// decisions can still be made again.
fn hidden(backend: DbBackend, ids: &[ReferralId]) -> SelectStatement {
    let pending = [
        ReferralState::Submitted,
        ReferralState::UnderReview,
        ReferralState::Refused,
    ];
    Query::select()
        .column(Column::Id)
        .from(Entity)
        .and_where(any_of(backend, Column::Id, uuids(ids)))
        .and_where(Column::State.is_in(pending.map(ReferralState::as_str)))
        .and_where(Column::SaidSequence.is_null())
        .to_owned()
}

/// How many bytes the contents of those of these referrals have that are admitted, sealed as they are, in
/// no particular order.
///
/// # Errors
/// Where the database refuses.
pub async fn content_sizes(tx: &Tx<'_>, ids: &[ReferralId]) -> Result<Vec<(ReferralId, usize)>> {
    let backend = tx.get_database_backend();
    let rows: Vec<(Uuid, i64)> = dossier::Entity::find()
        .select_only()
        .column(dossier::Column::ReferralId)
        .column_as(Expr::cust("CAST(length(content) AS bigint)"), "bytes")
        .filter(any_of(backend, dossier::Column::ReferralId, uuids(ids)))
        .filter(dossier::Column::ReferralId.not_in_subquery(hidden(backend, ids)))
        .into_tuple()
        .all(tx)
        .await
        .db()?;
    Ok(rows
        .into_iter()
        .map(|(id, bytes)| {
            (
                ReferralId::from_uuid(id),
                usize::try_from(bytes).unwrap_or(usize::MAX),
            )
        })
        .collect())
}

/// The contents of those of these referrals that are admitted, encoded, in no particular order.
///
/// # Errors
/// Where the database refuses, or one does not open.
pub async fn contents(
    tx: &Tx<'_>,
    vault: &Vault,
    ids: &[ReferralId],
) -> Result<Vec<(ReferralId, Vec<u8>)>> {
    let backend = tx.get_database_backend();
    let rows = dossier::Entity::find()
        .filter(any_of(backend, dossier::Column::ReferralId, uuids(ids)))
        .filter(dossier::Column::ReferralId.not_in_subquery(hidden(backend, ids)))
        .all(tx)
        .await
        .db()?;
    let subjects: Vec<Uuid> = rows.iter().map(|row| row.referral_id).collect();
    let keys = vault.keys(tx, &subjects).await?;
    rows.into_iter()
        .map(|row| {
            let id = ReferralId::from_uuid(row.referral_id);
            let key = keys.get(row.referral_id)?;
            Ok((id, key.open(content_cell(id), &row.content)?))
        })
        .collect()
}

fn uuids(ids: &[ReferralId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.uuid()).collect()
}

pub(super) fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(liaison_types::Error::internal)
}

pub(super) fn from_json<T: DeserializeOwned>(
    on: &Inconsistency,
    column: &'static str,
    text: &str,
) -> Result<T> {
    serde_json::from_str(text).map_err(|error| on.column(column).source(error))
}

pub(super) fn record(row: Model) -> Result<Record> {
    let on = Inconsistency::on("referral").row(row.id);
    let id = ReferralId::from_uuid(row.id);
    let digest = |column, bytes: Vec<u8>| bytes.try_into().map_err(|_| on.column(column));
    let rule = |column, text: &str| {
        let rule = liaison_policy::clock_rule(text);
        rule.map(|rule| rule.id).ok_or_else(|| on.column(column))
    };
    let completion = match (row.completion_due_at, &row.completion_rule) {
        (Some(due_at), Some(text)) => Some(Deadline {
            due_at: Timestamp::from_micros(due_at),
            rule: rule("completion_rule", text)?,
        }),
        (None, None) => None,
        _ => return Err(on.column("completion_rule").into()),
    };
    let classification = match (row.said_sequence, row.said_at, row.said_revision) {
        (Some(sequence), Some(at), Some(revision)) => Some(Classification {
            sequence,
            at: Timestamp::from_micros(at),
            revision,
            refusal: row
                .said_refusal
                .as_deref()
                .map(|text| parsed(&on, "said_refusal", text))
                .transpose()?,
        }),
        _ => None,
    };
    Ok(Record {
        chain: Chain::at(
            id,
            row.last_position,
            digest("last_digest", row.last_digest)?,
        ),
        classification,
        submitting_officer: row.officer,
        request_id: row.request_id,
        body_digest: digest("body_digest", row.body_digest)?,
        first_state: parsed(&on, "first_state", &row.first_state)?,
        review_note: row.review_note,
        referral: Referral {
            id,
            reference: row.reference,
            bureau_reference: row.bureau_reference,
            owner: parsed(&on, "owner", &row.owner)?,
            kind: parsed(&on, "kind", &row.kind)?,
            urgency: parsed(&on, "urgency", &row.urgency)?,
            purpose: row
                .purpose
                .map(|purpose| parsed(&on, "purpose", &purpose))
                .transpose()?,
            state: parsed(&on, "state", &row.state)?,
            markings: from_json(&on, "markings", &row.markings)?,
            received_at: Timestamp::from_micros(row.received_at),
            updated_at: Timestamp::from_micros(row.updated_at),
            admissibility: Deadline {
                due_at: Timestamp::from_micros(row.admissibility_due_at),
                rule: rule("admissibility_rule", &row.admissibility_rule)?,
            },
            completion,
            lead: row
                .lead_unit
                .map(|unit| parsed(&on, "lead_unit", &unit))
                .transpose()?,
            supporting: from_json(&on, "supporting_units", &row.supporting_units)?,
            outcome: row
                .outcome
                .map(|text| parsed(&on, "outcome", &text))
                .transpose()?,
            refusal_ground: row
                .refusal_ground
                .map(|text| parsed(&on, "refusal_ground", &text))
                .transpose()?,
            rules: from_json(&on, "rules", &row.rules)?,
            exercise: row.exercise,
            version: row.version,
            last_position: row.last_position,
        },
    })
}
