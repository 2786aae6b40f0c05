//! What shadows would have decided otherwise.

use liaison_store::{DbResult as _, Inconsistency, Tx, insert_all};
use liaison_types::{DecisionId, ReferralId, Result, Timestamp};
use sea_orm::{ConnectionTrait, EntityTrait as _, QueryOrder as _, QuerySelect as _};

use super::decisions::{outcome, outcome_text};
use super::entity::shadow_difference::{ActiveModel, Column, Entity, Model};
use super::{from_json, json, parsed};
use crate::artefacts::shadow::{Difference, Verdict};

/// Keeps differences, each beside the decision it is about.
///
/// # Errors
/// Where the database refuses.
pub(super) async fn insert<'a>(
    tx: &Tx<'_>,
    differences: impl Iterator<Item = &'a Difference>,
) -> Result<()> {
    let rows = differences.map(row).collect::<Result<Vec<_>>>()?;
    insert_all::<ActiveModel, _>(tx, rows).await
}

/// The latest differences, the newest first, whichever rule set was the shadow.
///
/// # Errors
/// Where the database refuses, or a row makes no sense.
pub async fn differences<C: ConnectionTrait>(db: &C, limit: u64) -> Result<Vec<Difference>> {
    // Ids of decisions begin with their time.
    let rows = Entity::find()
        .order_by_desc(Column::DecisionId)
        .limit(limit)
        .all(db)
        .await
        .db()?;
    rows.into_iter().map(read).collect()
}

fn row(difference: &Difference) -> Result<Model> {
    let (active, shadow) = (&difference.active, &difference.shadow);
    let lead = |verdict: &Verdict| verdict.lead.as_ref().map(ToString::to_string);
    Ok(Model {
        decision_id: difference.decision.uuid(),
        referral_id: difference.referral.uuid(),
        at: difference.at.as_micros(),
        active_rule_set: active.rule_set.clone(),
        active_outcome: outcome_text(active.outcome).to_owned(),
        active_lead: lead(active),
        active_supporting: json(&active.supporting)?,
        active_probability: active.probability,
        shadow_rule_set: shadow.rule_set.clone(),
        shadow_outcome: outcome_text(shadow.outcome).to_owned(),
        shadow_lead: lead(shadow),
        shadow_supporting: json(&shadow.supporting)?,
        shadow_probability: shadow.probability,
    })
}

fn read(row: Model) -> Result<Difference> {
    let on = Inconsistency::on("shadow_difference").row(row.decision_id);
    let lead = |column, lead: Option<String>| {
        let lead = lead.map(|lead| parsed(&on, column, &lead));
        lead.transpose()
    };
    Ok(Difference {
        decision: DecisionId::from_uuid(row.decision_id),
        referral: ReferralId::from_uuid(row.referral_id),
        at: Timestamp::from_micros(row.at),
        active: Verdict {
            outcome: outcome(&on, "active_outcome", &row.active_outcome)?,
            lead: lead("active_lead", row.active_lead)?,
            supporting: from_json(&on, "active_supporting", &row.active_supporting)?,
            probability: row.active_probability,
            rule_set: row.active_rule_set,
        },
        shadow: Verdict {
            outcome: outcome(&on, "shadow_outcome", &row.shadow_outcome)?,
            lead: lead("shadow_lead", row.shadow_lead)?,
            supporting: from_json(&on, "shadow_supporting", &row.shadow_supporting)?,
            probability: row.shadow_probability,
            rule_set: row.shadow_rule_set,
        },
    })
}
