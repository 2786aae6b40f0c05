//! `liaison triage show`: a referral as the duty desk knows it.

use liaison_proto::classification::{
    Correction, Decision, GetTriageItemRequest, GetTriageItemResponse, TriageItem,
};
use liaison_proto::common::Language;

use crate::cli::{Output, TriageShowArgs};
use crate::connection::Connection;
use crate::failure::{Failure, Outcome};
use crate::output::{CARE, FAINT, STRONG, actor, card, document, instant, records, styled, word};
use crate::proto_json::to_json;

use super::{desk, item_of};

/// Opens a referral and prints what is known of it.
///
/// # Errors
/// What keeps it from being opened.
pub async fn run(output: &Output, args: &TriageShowArgs) -> Outcome {
    let request = GetTriageItemRequest {
        name: item_of(&args.name),
    };
    let opened = Connection::open(&args.connect, desk())?
        .classification()?
        .get_triage_item(request)
        .await
        .map_err(Failure::refused(&args.name))?
        .into_inner();
    let json = to_json("liaison.classification.v1.GetTriageItemResponse", &opened);
    document(output, &json, || text(&opened))?;
    Ok(())
}

fn text(opened: &GetTriageItemResponse) -> String {
    let mut parts = vec![match &opened.item {
        Some(item) => about(item, opened.waits),
        None => styled(FAINT, "It never was at the desk."),
    }];
    if opened.decisions.is_empty() {
        parts.push(styled(FAINT, "Nothing was decided yet."));
    }
    parts.extend(opened.decisions.iter().map(decision));
    if !opened.corrections.is_empty() {
        let said = opened.corrections.iter().map(correction).collect();
        parts.push(records(&["said", "when", "before", "after"], said));
    }
    parts.join("\n\n")
}

fn lines(rows: &[(&str, String)]) -> String {
    let told = rows.iter().filter(|(_, value)| !value.is_empty());
    card(told.map(|(label, value)| (*label, value.as_str())))
}

fn about(item: &TriageItem, waits: bool) -> String {
    let cause = word(item.cause().as_str_name(), "TRIAGE_CAUSE_");
    let since = instant(item.waiting_since.as_ref());
    let rows = [
        ("reference", item.reference.clone()),
        ("referral", item.referral.clone()),
        ("item", item.name.clone()),
        ("urgency", word(item.urgency().as_str_name(), "URGENCY_")),
        (
            if waits { "waits" } else { "waited" },
            format!("{cause}, since {since}"),
        ),
        ("must not lead", item.excluded_units.join(", ")),
    ];
    let text = lines(&rows);
    if item.exercise {
        format!("{text}\n{}", styled(CARE, "training traffic"))
    } else {
        text
    }
}

fn decision(decision: &Decision) -> String {
    let outcome = word(decision.outcome().as_str_name(), "DECISION_OUTCOME_");
    let language = match decision.language() {
        Language::Unspecified => String::new(),
        language => word(language.as_str_name(), "LANGUAGE_"),
    };
    let by = match &decision.decided_by {
        Some(by) => actor(Some(by)),
        None => format!("the machine, {}", decision.rule_set),
    };
    let units = decision.units.iter();
    let units = units.map(|one| format!("{} {:.3}", one.unit, one.probability));
    let offences = decision.suggestions.iter();
    let offences = offences.map(|one| format!("{} ({:.1})", one.iccs, one.weight));
    let rows = [
        ("decision", decision.name.clone()),
        ("decided", instant(decision.decided_at.as_ref())),
        ("by", by),
        ("supporting", decision.supporting.join(", ")),
        ("language", language),
        ("text says", units.collect::<Vec<_>>().join(", ")),
        ("offences", offences.collect::<Vec<_>>().join(", ")),
        ("because", reasons(decision)),
        ("note", decision.note.clone()),
    ];
    let title = format!("{}. {} {}", decision.revision, outcome, decision.lead);
    let mut text = format!("{}\n{}", styled(STRONG, &title), lines(&rows));
    if !decision.urgency_hints.is_empty() {
        let hints = decision.urgency_hints.iter().map(|hint| hint.id.as_str());
        let hints = hints.collect::<Vec<_>>().join(", ");
        text.push('\n');
        text.push_str(&styled(CARE, &format!("may be urgent: {hints}")));
    }
    text
}

/// Each reason once, with the unit it speaks for.
fn reasons(decision: &Decision) -> String {
    let mut told: Vec<String> = Vec::new();
    for reason in &decision.reasons {
        let text = if reason.unit.is_empty() {
            reason.rule.clone()
        } else {
            format!("{} ({})", reason.rule, reason.unit)
        };
        if !told.contains(&text) {
            told.push(text);
        }
    }
    told.join(", ")
}

fn correction(said: &Correction) -> Vec<String> {
    let cause = word(said.cause().as_str_name(), "CORRECTION_CAUSE_");
    let answer = |decision: &str, lead: &str| {
        if decision.is_empty() {
            "–".to_owned()
        } else {
            format!("{lead} ({decision})")
        }
    };
    vec![
        cause,
        instant(said.made_at.as_ref()),
        answer(&said.before, &said.before_lead),
        answer(&said.after, &said.after_lead),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_proto::classification::{
        CorrectionCause, DecisionOutcome, OffenceSuggestion, Reason, UnitProbability, UrgencyHint,
    };

    #[test]
    fn what_was_decided_and_said_is_told_and_what_is_empty_is_not() {
        let decision = Decision {
            name: "classifications/1".into(),
            revision: 1,
            outcome: DecisionOutcome::Route.into(),
            lead: "cyber".into(),
            units: vec![UnitProbability {
                unit: "cyber".into(),
                probability: 0.9,
            }],
            reasons: vec![
                Reason {
                    rule: "code.0903".into(),
                    unit: "cyber".into(),
                    ..Reason::default()
                };
                2
            ],
            rule_set: "2026-11-1".into(),
            suggestions: vec![OffenceSuggestion {
                iccs: "0903".into(),
                weight: 1.25,
            }],
            urgency_hints: ["urgency.threat-to-life", "urgency.attack-imminent"]
                .map(|id| UrgencyHint {
                    id: id.into(),
                    ..UrgencyHint::default()
                })
                .into(),
            ..Decision::default()
        };
        let unhurried = Decision {
            urgency_hints: Vec::new(),
            ..decision.clone()
        };
        assert!(!super::decision(&unhurried).contains("may be urgent"));
        let opened = GetTriageItemResponse {
            decisions: vec![decision],
            corrections: vec![Correction {
                cause: CorrectionCause::WrongUnit.into(),
                before: "classifications/1".into(),
                before_lead: "cyber".into(),
                ..Correction::default()
            }],
            ..GetTriageItemResponse::default()
        };
        let told = anstream::adapter::strip_str(&text(&opened)).to_string();
        for part in [
            "It never was at the desk.",
            "1. route cyber",
            "the machine, 2026-11-1",
            "cyber 0.900",
            "0903 (1.2)",
            "because code.0903 (cyber)\n",
            "\nmay be urgent: urgency.threat-to-life, urgency.attack-imminent\n",
            "wrong unit",
            "cyber (classifications/1)",
        ] {
            assert!(told.contains(part), "{part} in\n{told}");
        }
        assert!(
            !told.contains("note") && !told.contains("language"),
            "{told}"
        );
    }
}
