//! `liaison triage …`: the duty desk.

mod drift;
mod export;
mod recompute;
mod show;

use liaison_proto::classification::{
    CorrectDecisionRequest, DecideTriageRequest, Decision, DecisionOutcome, ListTriageItemsRequest,
    TriageItem,
};
use liaison_proto::common::Urgency;
use liaison_types::Party;
use serde_json::{Value, json};

use crate::cli::{Output, PageArgs, TriageCommand, TriageCorrectArgs, TriageDecideArgs};
use crate::connection::Connection;
use crate::failure::{Failure, Outcome};
use crate::output::{CARE, document, instant, records, styled, word};
use crate::proto_json::to_json;

use super::resource;

fn desk() -> Option<Party> {
    "desk/triage".parse().ok()
}

/// Runs the command, as `desk/triage` unless told otherwise.
///
/// # Errors
/// What keeps it from being done.
pub async fn run(output: &Output, command: &TriageCommand) -> Outcome {
    match command {
        TriageCommand::List(args) => list(output, args).await,
        TriageCommand::Show(args) => show::run(output, args).await,
        TriageCommand::Decide(args) => decide(output, args).await,
        TriageCommand::Correct(args) => correct(output, args).await,
        TriageCommand::Export(args) => export::run(output, args).await,
        TriageCommand::Drift(args) => drift::run(output, args).await,
        TriageCommand::Recompute(args) => recompute::run(output, args).await,
    }
}

async fn list(output: &Output, args: &PageArgs) -> Outcome {
    let mut classification = Connection::open(&args.connect, desk())?.classification()?;
    let mut items = Vec::new();
    let mut page_token = String::new();
    loop {
        let wanted = args.limit.saturating_sub(items.len()).min(500);
        let request = ListTriageItemsRequest {
            page_size: i32::try_from(wanted).unwrap_or(500),
            page_token,
            include_exercises: args.include_exercises,
        };
        let page = classification
            .list_triage_items(request)
            .await
            .map_err(Failure::refused("listing the desk's items"))?
            .into_inner();
        items.extend(page.items);
        page_token = page.next_page_token;
        if page_token.is_empty() || items.len() >= args.limit {
            break;
        }
    }
    let json: Vec<Value> = items
        .iter()
        .map(|item| to_json("liaison.classification.v1.TriageItem", item))
        .collect();
    document(
        output,
        &json!({ "items": json, "more": !page_token.is_empty() }),
        || listed(&items),
    )?;
    Ok(())
}

/// The items, and below them which may be more pressing than they were called.
fn listed(items: &[TriageItem]) -> String {
    let headers = [
        "reference",
        "why",
        "urgency",
        "since",
        "proposal",
        "item",
        "referral",
    ];
    let mut text = records(&headers, items.iter().map(row).collect());
    let pressing = items.iter().filter(|item| may_be_urgent(item));
    let pressing: Vec<&str> = pressing.map(|item| item.reference.as_str()).collect();
    if !pressing.is_empty() {
        let told = format!("may be urgent: {}", pressing.join(", "));
        text.push('\n');
        text.push_str(&styled(CARE, &told));
    }
    text
}

/// Whether the text hints at more urgency than the referral has; there is none above a life in danger.
fn may_be_urgent(item: &TriageItem) -> bool {
    let proposal = item.proposal.as_ref();
    item.urgency() != Urgency::EmergencyLife
        && proposal.is_some_and(|proposal| !proposal.urgency_hints.is_empty())
}

fn row(item: &TriageItem) -> Vec<String> {
    let proposal = item
        .proposal
        .as_ref()
        .map_or("", |proposal| proposal.lead.as_str());
    vec![
        item.reference.clone(),
        word(item.cause().as_str_name(), "TRIAGE_CAUSE_"),
        word(item.urgency().as_str_name(), "URGENCY_"),
        instant(item.waiting_since.as_ref()),
        proposal.to_owned(),
        item.name.clone(),
        item.referral.clone(),
    ]
}

/// The item of a referral has its identifier, so that either names it.
fn item_of(given: &str) -> String {
    let id = given.rsplit('/').next().unwrap_or_default();
    format!("triageItems/{id}")
}

async fn decide(output: &Output, args: &TriageDecideArgs) -> Outcome {
    let request = DecideTriageRequest {
        name: item_of(&args.name),
        lead: args.lead.clone(),
        supporting: args.supporting.clone(),
        reason: args.reason.clone(),
        refusal_ground: args.ground.map_or(0, i32::from),
    };
    let decision = Connection::open(&args.connect, desk())?
        .classification()?
        .decide_triage(request)
        .await
        .map_err(Failure::refused(&args.name))?
        .into_inner()
        .decision
        .unwrap_or_default();
    document(
        output,
        &to_json("liaison.classification.v1.Decision", &decision),
        || became(&decision),
    )?;
    Ok(())
}

/// What becomes of the referral.
fn became(decision: &Decision) -> String {
    let referral = &decision.referral;
    match decision.outcome() {
        DecisionOutcome::Refuse => {
            let ground = word(decision.refusal_ground().as_str_name(), "REFUSAL_GROUND_");
            format!("{referral} is refused, and its owner is told why: {ground}")
        }
        _ => format!("{referral} goes to {}", decision.lead),
    }
}

async fn correct(output: &Output, args: &TriageCorrectArgs) -> Outcome {
    let request = CorrectDecisionRequest {
        name: resource("classifications", &args.decision),
        lead: args.lead.clone(),
        supporting: args.supporting.clone(),
        reason: args.reason.clone(),
        refusal_ground: args.ground.map_or(0, i32::from),
    };
    let decision = Connection::open(&args.connect, desk())?
        .classification()?
        .correct_decision(request)
        .await
        .map_err(Failure::refused(&args.decision))?
        .into_inner()
        .decision
        .unwrap_or_default();
    document(
        output,
        &to_json("liaison.classification.v1.Decision", &decision),
        || {
            let became = became(&decision);
            match decision.outcome() {
                DecisionOutcome::Refuse => {
                    format!("{became}; unless a unit has accepted the lead, which keeps it")
                }
                _ => format!(
                    "{became}; a unit that has accepted the lead keeps it, and {} supports it",
                    decision.lead
                ),
            }
        },
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_proto::classification::UrgencyHint;

    fn item(reference: &str, urgency: Urgency, hints: &[&str]) -> TriageItem {
        let hints = hints.iter().map(|id| UrgencyHint {
            id: (*id).to_owned(),
            ..UrgencyHint::default()
        });
        TriageItem {
            reference: reference.to_owned(),
            urgency: urgency.into(),
            proposal: Some(Decision {
                urgency_hints: hints.collect(),
                ..Decision::default()
            }),
            ..TriageItem::default()
        }
    }

    #[test]
    fn what_may_be_more_pressing_than_it_was_called_is_told_in_one_line() {
        let hints = ["urgency.threat-to-life", "urgency.attack-imminent"];
        let calm = item("R-1", Urgency::Routine, &[]);
        let urgent = item("R-4", Urgency::EmergencyLife, &hints);
        let unread = TriageItem {
            proposal: None,
            ..calm.clone()
        };
        let nothing = [calm, urgent, unread];
        assert!(!listed(&nothing).contains("may be urgent"));
        let pressing = [
            item("R-2", Urgency::Routine, &hints),
            item("R-3", Urgency::Urgent, &hints[..1]),
        ];
        let told = listed(&[&nothing[..], &pressing].concat());
        let told = anstream::adapter::strip_str(&told).to_string();
        assert_eq!(told.lines().last(), Some("may be urgent: R-2, R-3"));
    }
}
