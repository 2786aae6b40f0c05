//! New referrals.

use std::sync::Arc;

use liaison_policy::Decided;
use liaison_store::Tx;
use liaison_store::sealed::{self, NewDataKey};
use liaison_store::{DbResult as _, any_of, insert_all};
use liaison_types::{Party, ReferralId, Result, Timestamp};
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::entity::{dossier, referral};
use super::history::append;
use super::referral::{FIRST_POSITION, FIRST_VERSION, Record, json, record};
use crate::domain::{Chain, Clocks, Deadline, Referral, ReferralState, Step, Submission};

/// A referral that is ready to be stored: everything but its reference, which is drawn in the
/// transaction.
#[derive(Clone, Debug)]
pub struct NewReferral {
    /// Its id.
    pub id: ReferralId,
    /// What was submitted, without its content.
    pub submission: Submission,
    /// Its content, sealed.
    pub content: Vec<u8>,
    /// The key it is sealed with.
    pub key: NewDataKey,
    /// What makes the call repeatable.
    pub request_id: Uuid,
    /// Its clocks.
    pub clocks: Clocks,
    /// When it was received.
    pub received_at: Timestamp,
    /// The state that screening gave it.
    pub state: ReferralState,
    /// What screening decided.
    pub decided: Decided,
    /// Receipt and the result of screening.
    pub steps: [Step; 2],
    /// The end of its history.
    pub chain: Chain,
    /// The trace of the call.
    pub traceparent: Option<String>,
}

impl NewReferral {
    /// The referral it becomes under this reference.
    #[must_use]
    pub fn referral(&self, reference: String) -> Referral {
        let submission = &self.submission;
        Referral {
            id: self.id,
            reference,
            bureau_reference: submission.bureau_reference.clone(),
            owner: submission.owner.clone(),
            kind: submission.kind,
            urgency: submission.urgency,
            purpose: Some(submission.purpose),
            state: self.state,
            markings: submission.markings.clone(),
            received_at: self.received_at,
            updated_at: self.received_at,
            admissibility: self.clocks.admissibility,
            completion: self.clocks.completion,
            lead: None,
            supporting: Vec::new(),
            outcome: None,
            refusal_ground: None,
            rules: self.decided.rules(),
            exercise: submission.exercise,
            version: FIRST_VERSION,
            last_position: FIRST_POSITION,
        }
    }
}

/// A submission that is stored already.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Known {
    /// Whose it is.
    pub owner: Party,
    /// Its request id.
    pub request_id: Uuid,
    /// The referral.
    pub record: Record,
}

/// What is stored under these request ids, whoever used them; one statement.
///
/// # Errors
/// Where the database refuses or a row makes no sense.
pub async fn find_requests(tx: &Tx<'_>, requests: &[Uuid]) -> Result<Vec<Known>> {
    let rows = referral::Entity::find()
        .filter(any_of(
            tx.get_database_backend(),
            referral::Column::RequestId,
            requests.to_vec(),
        ))
        .all(tx)
        .await
        .db()?;
    rows.into_iter()
        .map(|row| {
            let record = record(row)?;
            Ok(Known {
                owner: record.referral.owner.clone(),
                request_id: record.request_id,
                record,
            })
        })
        .collect()
}

/// Stores the content of new referrals, the keys it is sealed with, and their first steps: three
/// statements.
///
/// # Errors
/// CONFLICT where one is stored already, else what the database says.
pub async fn insert_contents(tx: &Tx<'_>, new: &[&Arc<NewReferral>]) -> Result<()> {
    let contents: Vec<dossier::Model> = new
        .iter()
        .map(|new| dossier::Model {
            referral_id: new.id.uuid(),
            content: new.content.clone(),
        })
        .collect();
    insert_all::<dossier::ActiveModel, _>(tx, contents).await?;
    sealed::insert_all(tx, new.iter().map(|new| new.key.clone()).collect()).await?;
    let mut steps = Vec::with_capacity(new.len() * 2);
    for new in new {
        steps.extend(new.steps.iter().map(|step| (new.id, step)));
    }
    append(tx, steps).await
}

/// Stores new referrals, each under its reference: one statement.
///
/// # Errors
/// CONFLICT where one is stored already, or the owner's request; else what the database says.
pub async fn insert_referrals(tx: &Tx<'_>, new: &[(Arc<NewReferral>, Referral)]) -> Result<()> {
    let rows: Vec<referral::Model> = new
        .iter()
        .map(|(new, referral)| model(new, referral))
        .collect::<Result<_>>()?;
    insert_all::<referral::ActiveModel, _>(tx, rows).await
}

fn model(new: &NewReferral, referral: &Referral) -> Result<referral::Model> {
    let due = |deadline: Deadline| deadline.due_at.as_micros();
    Ok(referral::Model {
        id: referral.id.uuid(),
        reference: referral.reference.clone(),
        bureau_reference: referral.bureau_reference.clone(),
        owner: referral.owner.to_string(),
        officer: new.submission.officer.clone(),
        request_id: new.request_id,
        body_digest: new.submission.digest.to_vec(),
        kind: referral.kind.as_str().to_owned(),
        urgency: referral.urgency.as_str().to_owned(),
        purpose: referral.purpose.map(|purpose| purpose.as_str().to_owned()),
        state: referral.state.as_str().to_owned(),
        under_review: referral.state == ReferralState::UnderReview,
        first_state: referral.state.as_str().to_owned(),
        markings: json(&referral.markings)?,
        rules: json(&referral.rules)?,
        exercise: referral.exercise,
        received_at: referral.received_at.as_micros(),
        updated_at: referral.updated_at.as_micros(),
        admissibility_due_at: due(referral.admissibility),
        admissibility_rule: referral.admissibility.rule.to_owned(),
        completion_due_at: referral.completion.map(due),
        completion_rule: referral.completion.map(|deadline| deadline.rule.to_owned()),
        refusal_ground: None,
        review_note: None,
        lead_unit: None,
        supporting_units: "[]".to_owned(),
        outcome: None,
        said_sequence: None,
        said_at: None,
        said_revision: None,
        said_refusal: None,
        version: referral.version,
        last_position: new.chain.position(),
        last_digest: new
            .chain
            .digest()
            .map(|digest| digest.to_vec())
            .unwrap_or_default(),
    })
}
