//! `liaison triage …`: the duty desk.

use liaison_proto::classification::{DecideTriageRequest, ListTriageItemsRequest, TriageItem};
use liaison_types::Party;
use serde_json::{Value, json};

use crate::cli::{Output, PageArgs, TriageCommand, TriageDecideArgs};
use crate::connection::Connection;
use crate::failure::{Failure, Outcome};
use crate::output::{document, instant, records, word};
use crate::proto_json::to_json;

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
        TriageCommand::Decide(args) => decide(output, args).await,
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
        || {
            records(
                &[
                    "reference",
                    "why",
                    "urgency",
                    "since",
                    "proposal",
                    "item",
                    "referral",
                ],
                items.iter().map(row).collect(),
            )
        },
    )?;
    Ok(())
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

async fn decide(output: &Output, args: &TriageDecideArgs) -> Outcome {
    // The item has the identifier of its referral.
    let id = args.name.rsplit('/').next().unwrap_or_default();
    let request = DecideTriageRequest {
        name: format!("triageItems/{id}"),
        lead: args.lead.clone(),
        supporting: args.supporting.clone(),
        reason: args.reason.clone(),
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
        || format!("{} goes to {}", decision.referral, decision.lead),
    )?;
    Ok(())
}
