//! What the machine decided, counted.

use liaison_store::{DbResult as _, Inconsistency};
use liaison_types::{Result, Timestamp, UnitCode};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, FromQueryResult, QueryFilter as _,
    QuerySelect as _,
};

use super::entity::decision::{Column, Entity};
use super::parsed;
use crate::desk::{Slice, Week};

/// The week's number as [`Week`] counts. Without parameters, so that grouping and selecting say the same.
const WEEK: &str = "(decision.decided_at - 345600000000) / 604800000000";

/// In the words of the partial index.
const BY_MACHINE: &str = "decision.party IS NULL";

const REVIEWS: &str = "COUNT(CASE WHEN decision.outcome = 'REVIEW' THEN 1 END)";

/// People have another lead than the machine: by what they last said of its decision or, where a unit says
/// that it is the wrong one and nobody has ruled, by what it came to that unit with.
const CHANGED: &str = "COUNT(CASE WHEN EXISTS (SELECT 1 FROM correction AS said \
    WHERE said.machine_id = decision.id AND said.cause NOT IN ('AMENDMENT', 'REASSIGNED') \
    AND ((said.after_id IS NULL AND (said.before_id = decision.id \
            OR said.before_lead <> COALESCE(decision.lead, ''))) \
        OR (said.after_id IS NOT NULL \
            AND COALESCE(said.after_lead, '') <> COALESCE(decision.lead, ''))) \
    AND NOT EXISTS (SELECT 1 FROM correction AS later \
        WHERE later.machine_id = decision.id AND later.cause NOT IN ('AMENDMENT', 'REASSIGNED') \
        AND (later.made_at > said.made_at \
            OR (later.made_at = said.made_at AND later.id > said.id)))) THEN 1 END)";

#[derive(FromQueryResult)]
struct Row {
    week: i64,
    rule_set: String,
    lead: Option<String>,
    decisions: i64,
    reviews: i64,
    changed: i64,
    confidence: Option<f64>,
    measured: i64,
}

/// The machine's decisions since `from`, by week, rule set and lead. Training traffic is not counted.
///
/// # Errors
/// Where the database refuses, or a row makes no sense.
pub async fn drift<C: ConnectionTrait>(db: &C, from: Timestamp) -> Result<Vec<Slice>> {
    let rows = Entity::find()
        .select_only()
        .expr_as(Expr::cust(WEEK), "week")
        .column(Column::RuleSet)
        .column(Column::Lead)
        .expr_as(Expr::cust("COUNT(*)"), "decisions")
        .expr_as(Expr::cust(REVIEWS), "reviews")
        .expr_as(Expr::cust(CHANGED), "changed")
        .expr_as(Expr::cust("SUM(decision.confidence)"), "confidence")
        .expr_as(Expr::cust("COUNT(decision.confidence)"), "measured")
        .filter(Expr::cust(BY_MACHINE))
        .filter(Column::Exercise.eq(false))
        .filter(Column::DecidedAt.gte(from.as_micros()))
        .group_by(Expr::cust(WEEK))
        .group_by(Column::RuleSet)
        .group_by(Column::Lead)
        .into_model::<Row>()
        .all(db)
        .await
        .db()?;
    let on = Inconsistency::on("decision");
    rows.into_iter()
        .map(|row| {
            let lead: Option<UnitCode> = row
                .lead
                .map(|lead| parsed(&on, "lead", &lead))
                .transpose()?;
            Ok(Slice {
                week: Week::from_number(row.week),
                rule_set: row.rule_set,
                lead,
                decisions: row.decisions,
                reviews: row.reviews,
                changed: row.changed,
                confidence: row.confidence.unwrap_or_default(),
                measured: row.measured,
            })
        })
        .collect()
}
