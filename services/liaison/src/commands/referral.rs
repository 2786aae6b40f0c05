//! `liaison referral …`: the bureau's side.

use std::io::Write as _;

use liaison_proto::common::{Outcome as CaseOutcome, ReferralState};
use liaison_proto::event::event::Data;
use liaison_proto::event::{AssignmentStep, Event, ReferralStep};
use liaison_proto::intake::{
    GetCustodyBundleRequest, GetReferralHistoryRequest, GetReferralRequest, HistoryEntry,
    ListReferralsRequest, PurgeReferralRequest, Referral,
};
use liaison_proto::notification::StreamNotificationsRequest;
use serde_json::{Value, json};

use crate::cli::{
    CustodyArgs, Output, PageArgs, PurgeArgs, ReferralArgs, ReferralCommand, WatchArgs,
};
use crate::connection::Connection;
use crate::failure::{Failure, Outcome};
use crate::output::{
    FAINT, STRONG, actor, document, due, element, instant, records, styled, table, word,
};
use crate::proto_json::to_json;

use super::{dossier, referral_state, resource};

const REFERRAL: &str = "liaison.intake.v1.Referral";

/// Runs the command.
///
/// # Errors
/// What keeps it from being done.
pub async fn run(output: &Output, command: &ReferralCommand) -> Outcome {
    match command {
        ReferralCommand::Get(args) => get(output, args).await,
        ReferralCommand::List(args) => {
            list(output, &args.page, &args.states, args.shared, None).await
        }
        ReferralCommand::Watch(args) => watch(output, args).await,
        ReferralCommand::History(args) => history(output, args).await,
        ReferralCommand::Dossier(args) => dossier::run(output, args).await,
        ReferralCommand::Custody(args) => custody(output, args).await,
        ReferralCommand::Purge(args) => purge(output, args).await,
    }
}

async fn get(output: &Output, args: &ReferralArgs) -> Outcome {
    let mut intake = Connection::open(&args.connect, None)?.intake()?;
    let request = GetReferralRequest {
        name: resource("referrals", &args.name),
    };
    let referral = intake
        .get_referral(request)
        .await
        .map_err(Failure::refused(&args.name))?
        .into_inner()
        .referral
        .unwrap_or_default();
    document(output, &to_json(REFERRAL, &referral), || card(&referral))?;
    Ok(())
}

fn card(referral: &Referral) -> String {
    let mut rows = vec![
        ("reference", referral.reference.clone()),
        ("name", referral.name.clone()),
        ("your reference", referral.bureau_reference.clone()),
        ("state", referral_state(referral.state)),
        (
            "urgency",
            word(referral.urgency().as_str_name(), "URGENCY_"),
        ),
        ("received", instant(referral.received_at.as_ref())),
        ("admissibility by", due(referral.admissibility.as_ref())),
        ("completion by", due(referral.completion.as_ref())),
    ];
    if !referral.lead_unit.is_empty() {
        rows.push(("lead unit", referral.lead_unit.clone()));
    }
    if !referral.supporting_units.is_empty() {
        rows.push(("supporting", referral.supporting_units.join(", ")));
    }
    if referral.outcome() != CaseOutcome::Unspecified {
        rows.push((
            "outcome",
            word(referral.outcome().as_str_name(), "OUTCOME_"),
        ));
    }
    if referral.exercise {
        rows.push(("exercise", "yes: training traffic".to_owned()));
    }
    rows.push(("rules", referral.rules.join(", ")));
    crate::output::card(rows.iter().map(|(label, value)| (*label, value.as_str())))
}

/// Lists referrals in these states, or in any where none is given, as `party` unless told otherwise.
///
/// # Errors
/// What keeps it from being done.
pub(super) async fn list(
    output: &Output,
    args: &PageArgs,
    states: &[ReferralState],
    shared: bool,
    party: Option<liaison_types::Party>,
) -> Outcome {
    let mut intake = Connection::open(&args.connect, party)?.intake()?;
    let mut referrals = Vec::new();
    let mut page_token = String::new();
    loop {
        let wanted = args.limit.saturating_sub(referrals.len()).min(500);
        let request = ListReferralsRequest {
            page_size: i32::try_from(wanted).unwrap_or(500),
            page_token,
            states: states.iter().map(|state| i32::from(*state)).collect(),
            include_exercises: args.include_exercises,
            shared,
        };
        let page = intake
            .list_referrals(request)
            .await
            .map_err(Failure::refused("listing referrals"))?
            .into_inner();
        referrals.extend(page.referrals);
        page_token = page.next_page_token;
        if page_token.is_empty() || referrals.len() >= args.limit {
            break;
        }
    }
    let json: Vec<Value> = referrals
        .iter()
        .map(|referral| to_json(REFERRAL, referral))
        .collect();
    document(
        output,
        &json!({ "referrals": json, "more": !page_token.is_empty() }),
        || {
            let rows = referrals
                .iter()
                .map(|referral| {
                    vec![
                        referral.reference.clone(),
                        referral_state(referral.state),
                        word(referral.urgency().as_str_name(), "URGENCY_"),
                        referral.lead_unit.clone(),
                        due(referral.completion.as_ref()),
                        referral.name.clone(),
                    ]
                })
                .collect();
            records(
                &[
                    "reference",
                    "state",
                    "urgency",
                    "lead unit",
                    "due",
                    "referral",
                ],
                rows,
            )
        },
    )?;
    Ok(())
}

async fn history(output: &Output, args: &ReferralArgs) -> Outcome {
    let mut intake = Connection::open(&args.connect, None)?.intake()?;
    let request = GetReferralHistoryRequest {
        name: resource("referrals", &args.name),
    };
    let entries = intake
        .get_referral_history(request)
        .await
        .map_err(Failure::refused(&args.name))?
        .into_inner()
        .entries;
    let json: Vec<Value> = entries
        .iter()
        .map(|entry| to_json("liaison.intake.v1.HistoryEntry", entry))
        .collect();
    document(output, &json!({ "entries": json }), || {
        let rows = entries.iter().map(history_row).collect();
        table(
            &["#", "when", "step", "state", "who", "unit", "detail"],
            rows,
        )
    })?;
    Ok(())
}

fn history_row(entry: &HistoryEntry) -> Vec<String> {
    vec![
        entry.position.to_string(),
        instant(entry.at.as_ref()),
        word(entry.step().as_str_name(), "REFERRAL_STEP_"),
        referral_state(entry.state),
        actor(entry.actor.as_ref()),
        entry.unit.clone(),
        entry.detail.clone(),
    ]
}

async fn custody(output: &Output, args: &CustodyArgs) -> Outcome {
    let ReferralArgs { name, connect } = &args.referral;
    let mut intake = Connection::open(connect, None)?.intake()?;
    let request = GetCustodyBundleRequest {
        name: resource("referrals", name),
    };
    let bundle = intake
        .get_custody_bundle(request)
        .await
        .map_err(Failure::refused(name))?
        .into_inner()
        .bundle;
    let Some(path) = &args.to else {
        // Byte for byte, whatever --output says: it is JSON, and its one spelling is signed.
        std::io::stdout().lock().write_all(&bundle)?;
        return Ok(());
    };
    std::fs::write(path, &bundle).map_err(|error| {
        Failure::Local(format!(
            "{} cannot be written: {}",
            path.display(),
            error.kind()
        ))
    })?;
    let json = json!({ "file": path.display().to_string(), "bytes": bundle.len() });
    document(output, &json, || {
        format!(
            "written to {0}; check it with: liaison verify {0}",
            path.display()
        )
    })?;
    Ok(())
}

async fn purge(output: &Output, args: &PurgeArgs) -> Outcome {
    let ReferralArgs { name, connect } = &args.referral;
    let mut intake = Connection::open(connect, None)?.intake()?;
    let request = PurgeReferralRequest {
        name: resource("referrals", name),
        etag: args.etag.clone(),
    };
    let referral = intake
        .purge_referral(request)
        .await
        .map_err(Failure::refused(name))?
        .into_inner()
        .referral
        .unwrap_or_default();
    document(output, &to_json(REFERRAL, &referral), || {
        format!(
            "The content of {} is destroyed; its envelope and its history remain.",
            referral.reference
        )
    })?;
    Ok(())
}

async fn watch(output: &Output, args: &WatchArgs) -> Outcome {
    let mut notification = Connection::open(&args.connect, None)?.notification()?;
    let mut cursor = args.cursor.clone();
    let mut seen = 0;
    loop {
        let request = StreamNotificationsRequest {
            cursor: cursor.clone(),
            include_exercises: args.include_exercises,
        };
        let mut stream = notification
            .stream_notifications(request)
            .await
            .map_err(Failure::refused("watching"))?
            .into_inner();
        loop {
            match stream.message().await {
                Ok(Some(next)) => {
                    cursor = next.cursor;
                    let Some(event) = next.notification.and_then(|n| n.event) else {
                        continue;
                    };
                    let json = json!({
                        "cursor": cursor,
                        "event": to_json("liaison.event.v1.Event", &event),
                    });
                    element(output, &json, || event_line(&event))?;
                    seen += 1;
                    if args.count.is_some_and(|count| seen >= count) {
                        return Ok(());
                    }
                }
                // The server is going away or its connection grew old: resume where we were.
                Ok(None) => break,
                Err(status) if status.code() == tonic::Code::Unavailable => break,
                Err(status) => return Err(Failure::refused("watching")(status)),
            }
        }
    }
}

/// An event in one line.
#[must_use]
pub fn event_line(event: &Event) -> String {
    let at = styled(FAINT, &instant(event.time.as_ref()));
    let told = match &event.data {
        Some(Data::ReferralChanged(changed)) => {
            let step = ReferralStep::try_from(changed.step).unwrap_or_default();
            let mut line = format!(
                "{}  {}",
                styled(STRONG, &changed.reference),
                word(step.as_str_name(), "REFERRAL_STEP_")
            );
            for part in [&changed.unit, &changed.detail] {
                if !part.is_empty() {
                    line.push_str("  ");
                    line.push_str(part);
                }
            }
            line
        }
        Some(Data::AssignmentChanged(changed)) => {
            let step = AssignmentStep::try_from(changed.step).unwrap_or_default();
            format!(
                "{}  {} {}",
                styled(STRONG, &changed.reference),
                changed.unit,
                word(step.as_str_name(), "ASSIGNMENT_STEP_")
            )
        }
        Some(Data::TriageRequested(requested)) => format!(
            "{}  triage: {}",
            styled(STRONG, &requested.reference),
            word(requested.cause().as_str_name(), "TRIAGE_CAUSE_")
        ),
        Some(Data::TaskChanged(changed)) => {
            format!("{}  task {}", changed.task, changed.state.to_lowercase())
        }
        _ => event.subject.clone(),
    };
    format!("{at}  {told}")
}
