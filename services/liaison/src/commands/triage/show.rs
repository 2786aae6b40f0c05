//! `liaison triage show`: a referral as the duty desk knows it.

use std::collections::HashSet;

use liaison_proto::classification::{
    Correction, Decision, GetTriageItemRequest, GetTriageItemResponse, TriageItem,
};
use liaison_proto::common::{Language, RefusalGround};
use liaison_proto::intake::GetDossierRequest;
use serde_json::Value;

use crate::cli::{Output, TriageShowArgs};
use crate::connection::Connection;
use crate::failure::{Failure, Outcome};
use crate::output::{CARE, FAINT, STRONG, actor, card, document, instant, records, styled, word};
use crate::proto_json::to_json;

use super::{desk, item_of};
use crate::commands::{resource, words};

/// Opens a referral and prints what is known of it.
///
/// # Errors
/// What keeps it from being opened.
pub async fn run(output: &Output, args: &TriageShowArgs) -> Outcome {
    let request = GetTriageItemRequest {
        name: item_of(&args.name),
    };
    let connection = Connection::open(&args.connect, desk())?;
    let opened = connection
        .classification()?
        .get_triage_item(request)
        .await
        .map_err(Failure::refused(&args.name))?
        .into_inner();
    let narrative = if args.words {
        Some(narrative(&connection, &args.name).await?)
    } else {
        None
    };
    let narrative = narrative.as_deref();
    let json = json(&opened, narrative);
    document(output, &json, || text(&opened, narrative))?;
    Ok(())
}

/// The narrative that the referral's decisions point into.
async fn narrative(connection: &Connection, name: &str) -> Result<String, Failure> {
    let id = name.rsplit('/').next().unwrap_or_default();
    let request = GetDossierRequest {
        name: resource("referrals", id),
        purpose: "triage".to_owned(),
    };
    let opened = connection.intake()?.get_dossier(request).await;
    let opened = opened.map_err(Failure::refused("reading the dossier"))?;
    let dossier = opened.into_inner().dossier.unwrap_or_default();
    Ok(dossier.narrative)
}

/// As the service says it; with the narrative each reason has the `words` that it stands on, where it stands on any.
fn json(opened: &GetTriageItemResponse, narrative: Option<&str>) -> Value {
    let mut json = to_json("liaison.classification.v1.GetTriageItemResponse", opened);
    if let Some(narrative) = narrative {
        for (at, decision) in opened.decisions.iter().enumerate() {
            words::add_words(&mut json["decisions"][at], decision, narrative);
        }
    }
    json
}

fn text(opened: &GetTriageItemResponse, narrative: Option<&str>) -> String {
    let mut parts = vec![match &opened.item {
        Some(item) => about(item, opened.waits),
        None => styled(FAINT, "It never was at the desk."),
    }];
    if opened.decisions.is_empty() {
        parts.push(styled(FAINT, "Nothing was decided yet."));
    }
    let decisions = opened.decisions.iter();
    parts.extend(decisions.map(|one| decision(one, narrative)));
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

fn decision(decision: &Decision, narrative: Option<&str>) -> String {
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
    let ground = match decision.refusal_ground() {
        RefusalGround::Unspecified => String::new(),
        ground => word(ground.as_str_name(), "REFUSAL_GROUND_"),
    };
    let rows = [
        ("decision", decision.name.clone()),
        ("decided", instant(decision.decided_at.as_ref())),
        ("by", by),
        ("ground", ground),
        ("supporting", decision.supporting.join(", ")),
        ("language", language),
        ("text says", units.collect::<Vec<_>>().join(", ")),
        ("offences", offences.collect::<Vec<_>>().join(", ")),
        ("because", reasons(decision, narrative)),
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

/// Each reason once, with the unit it speaks for, how much it counts, and the words where it first stands.
fn reasons(decision: &Decision, narrative: Option<&str>) -> String {
    let mut seen = HashSet::new();
    let reasons = decision.reasons.iter();
    let once = reasons.filter(|reason| seen.insert((&reason.rule, &reason.unit)));
    let told = once.map(|reason| {
        let mut text = reason.rule.clone();
        let weight = if reason.weight == 0.0 {
            String::new()
        } else {
            format!("{:+.1}", reason.weight)
        };
        let about = format!("{} {weight}", reason.unit);
        match about.trim() {
            "" => {}
            about => text.push_str(&format!(" ({about})")),
        }
        if let Some(quoted) = narrative.and_then(|narrative| words::quoted(reason, narrative)) {
            text.push_str(&format!(" {quoted}"));
        }
        text
    });
    told.collect::<Vec<_>>().join(", ")
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
        assert!(!super::decision(&unhurried, None).contains("may be urgent"));
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
        let told = anstream::adapter::strip_str(&text(&opened, None)).to_string();
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

    #[test]
    fn reasons_say_how_much_and_with_the_dossier_by_which_words() {
        let reason = |rule: &str, weight, end| Reason {
            rule: rule.into(),
            unit: "cyber".into(),
            weight,
            start: 0,
            end,
        };
        let decision = Decision {
            reasons: vec![
                reason("code.0903", 0.0, 0),
                reason("concept.cyber.malware", 3.25, 10),
                reason("concept.cyber.malware", 3.25, 4),
            ],
            ..Decision::default()
        };
        let told = reasons(&decision, None);
        assert_eq!(
            told,
            "code.0903 (cyber), concept.cyber.malware (cyber +3.2)"
        );
        let told = reasons(&decision, Some("Ransomware on servers"));
        let told = anstream::adapter::strip_str(&told).to_string();
        let expected = "code.0903 (cyber), concept.cyber.malware (cyber +3.2) “Ransomware”";
        assert_eq!(told, expected);
        let opened = GetTriageItemResponse {
            decisions: vec![decision],
            ..GetTriageItemResponse::default()
        };
        let told = json(&opened, Some("Ransomware on servers"));
        let words = told["decisions"][0]["reasons"].as_array().unwrap();
        let words: Vec<&Value> = words.iter().map(|reason| &reason["words"]).collect();
        assert_eq!(words, [&Value::Null, &"Ransomware".into(), &"Rans".into()]);
    }
}
