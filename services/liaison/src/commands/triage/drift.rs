//! `liaison triage drift`: how the machine's decisions change from week to week.

use liaison_proto::classification::{GetDriftFiguresRequest, WeekFigures};

use crate::cli::{Output, TriageDriftArgs};
use crate::connection::Connection;
use crate::failure::{Failure, Outcome};
use crate::output::{document, table};
use crate::proto_json::to_json;

use super::desk;

/// Prints one line a week and rule set, the newest week first.
///
/// # Errors
/// What keeps them from being told.
pub async fn run(output: &Output, args: &TriageDriftArgs) -> Outcome {
    let request = GetDriftFiguresRequest { weeks: args.weeks };
    let figures = Connection::open(&args.connect, desk())?
        .classification()?
        .get_drift_figures(request)
        .await
        .map_err(Failure::refused("reading the figures"))?
        .into_inner();
    let json = to_json(
        "liaison.classification.v1.GetDriftFiguresResponse",
        &figures,
    );
    document(output, &json, || {
        table(
            &[
                "week",
                "rule set",
                "decisions",
                "to the desk",
                "changed later",
                "confidence",
                "leads",
            ],
            figures.figures.iter().map(row).collect(),
        )
    })?;
    Ok(())
}

fn row(week: &WeekFigures) -> Vec<String> {
    let share = |count: i64, share: f64| format!("{count} ({:.1} %)", share * 100.0);
    let leads = week.leads.iter();
    let leads = leads.map(|lead| format!("{} {}", lead.lead, lead.decisions));
    vec![
        week.week.clone(),
        week.rule_set.clone(),
        week.decisions.to_string(),
        share(week.reviews, week.review_share),
        share(week.changed, week.changed_share),
        week.mean_confidence
            .map_or_else(|| "–".to_owned(), |mean| format!("{mean:.3}")),
        leads.collect::<Vec<_>>().join(", "),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_proto::classification::LeadFigures;

    #[test]
    fn shares_are_told_beside_the_numbers() {
        let lead = |lead: &str, decisions| LeadFigures {
            lead: lead.into(),
            decisions,
        };
        let week = WeekFigures {
            week: "2026-W47".into(),
            rule_set: "2026-11-1".into(),
            decisions: 8,
            leads: vec![lead("none", 3), lead("cyber", 5)],
            mean_confidence: Some(0.75),
            reviews: 3,
            review_share: 0.375,
            changed: 1,
            changed_share: 0.125,
            ..WeekFigures::default()
        };
        assert_eq!(
            row(&week),
            [
                "2026-W47",
                "2026-11-1",
                "8",
                "3 (37.5 %)",
                "1 (12.5 %)",
                "0.750",
                "none 3, cyber 5"
            ]
        );
        let unknown = WeekFigures {
            mean_confidence: None,
            ..week
        };
        assert_eq!(row(&unknown)[5], "–");
    }
}
