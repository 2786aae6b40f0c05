//! `liaison assignment …`: the unit's side.

use liaison_proto::common::{DeclineReason, Outcome as CaseOutcome};
use liaison_proto::routing::{
    AcceptAssignmentRequest, Assignment, CompleteAssignmentRequest, DeclineAssignmentRequest,
    ExtendLeaseRequest, GetAssignmentRequest, ListAssignmentsRequest, ReleaseAssignmentRequest,
};
use serde_json::{Value, json};

use crate::cli::{AssignmentCommand, LeaseArgs, ListArgs, Output};
use crate::connection::Connection;
use crate::failure::{Failure, Outcome};
use crate::output::{document, due, instant, table, word};
use crate::proto_json::to_json;

use super::{assignment_state, assignment_states, enum_number, resource};

const ASSIGNMENT: &str = "liaison.routing.v1.Assignment";

/// Runs the command.
///
/// # Errors
/// What keeps it from being done.
pub async fn run(output: &Output, command: &AssignmentCommand) -> Outcome {
    let (what, connect) = match command {
        AssignmentCommand::List(args) => return list(output, args).await,
        AssignmentCommand::Get(args) => (&args.name, &args.connect),
        AssignmentCommand::Accept(LeaseArgs { name, connect, .. })
        | AssignmentCommand::Release(LeaseArgs { name, connect, .. }) => (name, connect),
        AssignmentCommand::Decline(args) => (&args.lease.name, &args.lease.connect),
        AssignmentCommand::Extend(args) => (&args.lease.name, &args.lease.connect),
        AssignmentCommand::Complete(args) => (&args.name, &args.connect),
    };
    let name = resource("assignments", what);
    let mut routing = Connection::open(connect, None)?.routing()?;
    let answer = match command {
        AssignmentCommand::List(_) => return Ok(()),
        AssignmentCommand::Get(_) => routing
            .get_assignment(GetAssignmentRequest { name })
            .await
            .map(|answer| answer.into_inner().assignment),
        AssignmentCommand::Accept(args) => routing
            .accept_assignment(AcceptAssignmentRequest {
                name,
                lease_token: args.lease_token.clone(),
            })
            .await
            .map(|answer| answer.into_inner().assignment),
        AssignmentCommand::Release(args) => routing
            .release_assignment(ReleaseAssignmentRequest {
                name,
                lease_token: args.lease_token.clone(),
            })
            .await
            .map(|answer| answer.into_inner().assignment),
        AssignmentCommand::Decline(args) => {
            let reason = enum_number(&args.reason, "DECLINE_REASON_", "decline reason", |name| {
                DeclineReason::from_str_name(name).map(i32::from)
            })?;
            routing
                .decline_assignment(DeclineAssignmentRequest {
                    name,
                    lease_token: args.lease.lease_token.clone(),
                    reason,
                    note: args.note.clone(),
                })
                .await
                .map(|answer| answer.into_inner().assignment)
        }
        AssignmentCommand::Extend(args) => routing
            .extend_lease(ExtendLeaseRequest {
                name,
                lease_token: args.lease.lease_token.clone(),
                lease: Some(prost_types::Duration {
                    seconds: i64::try_from(args.seconds).unwrap_or(i64::MAX),
                    nanos: 0,
                }),
            })
            .await
            .map(|answer| answer.into_inner().assignment),
        AssignmentCommand::Complete(args) => {
            let outcome = enum_number(&args.outcome, "OUTCOME_", "outcome", |name| {
                CaseOutcome::from_str_name(name).map(i32::from)
            })?;
            routing
                .complete_assignment(CompleteAssignmentRequest {
                    name,
                    outcome,
                    note: args.note.clone(),
                })
                .await
                .map(|answer| answer.into_inner().assignment)
        }
    };
    let assignment = answer.map_err(Failure::refused(what))?.unwrap_or_default();
    document(output, &to_json(ASSIGNMENT, &assignment), || {
        table(HEADERS, vec![row(&assignment)])
    })?;
    Ok(())
}

const HEADERS: &[&str] = &[
    "reference",
    "unit",
    "role",
    "state",
    "lease until",
    "due",
    "name",
];

fn row(assignment: &Assignment) -> Vec<String> {
    vec![
        assignment.reference.clone(),
        assignment.unit.clone(),
        word(assignment.role().as_str_name(), "ASSIGNMENT_ROLE_"),
        assignment_state(assignment.state),
        instant(assignment.lease_until.as_ref()),
        due(assignment.completion.as_ref()),
        assignment.name.clone(),
    ]
}

async fn list(output: &Output, args: &ListArgs) -> Outcome {
    let mut routing = Connection::open(&args.connect, None)?.routing()?;
    let states = assignment_states(&args.states)?;
    let mut assignments = Vec::new();
    let mut page_token = String::new();
    loop {
        let wanted = args.limit.saturating_sub(assignments.len()).min(500);
        let request = ListAssignmentsRequest {
            page_size: i32::try_from(wanted).unwrap_or(500),
            page_token,
            states: states.clone(),
            include_exercises: args.include_exercises,
        };
        let page = routing
            .list_assignments(request)
            .await
            .map_err(Failure::refused("listing assignments"))?
            .into_inner();
        assignments.extend(page.assignments);
        page_token = page.next_page_token;
        if page_token.is_empty() || assignments.len() >= args.limit {
            break;
        }
    }
    let json: Vec<Value> = assignments
        .iter()
        .map(|assignment| to_json(ASSIGNMENT, assignment))
        .collect();
    document(
        output,
        &json!({ "assignments": json, "more": !page_token.is_empty() }),
        || table(HEADERS, assignments.iter().map(row).collect()),
    )?;
    Ok(())
}
