//! `liaison assignment …`: the unit's side.

use liaison_proto::routing::{
    AcceptAssignmentRequest, Assignment, CompleteAssignmentRequest, DeclareIndirectAccessRequest,
    DeclineAssignmentRequest, ExtendLeaseRequest, GetAssignmentRequest, ListAssignmentsRequest,
    ReleaseAssignmentRequest,
};
use serde_json::{Value, json};

use crate::cli::{AssignmentArgs, AssignmentCommand, AssignmentListArgs, Output};
use crate::connection::Connection;
use crate::failure::{Failure, Outcome};
use crate::output::{document, due, instant, records, word};
use crate::proto_json::to_json;

use super::{assignment_state, resource};

const ASSIGNMENT: &str = "liaison.routing.v1.Assignment";

/// Runs the command.
///
/// # Errors
/// What keeps it from being done.
pub async fn run(output: &Output, command: &AssignmentCommand) -> Outcome {
    let AssignmentArgs {
        name: what,
        connect,
    } = match command {
        AssignmentCommand::List(args) => return list(output, args).await,
        AssignmentCommand::Get(args) | AssignmentCommand::DeclareIndirectAccess(args) => args,
        AssignmentCommand::Accept(args) | AssignmentCommand::Release(args) => &args.assignment,
        AssignmentCommand::Decline(args) => &args.lease.assignment,
        AssignmentCommand::Extend(args) => &args.lease.assignment,
        AssignmentCommand::Complete(args) => &args.assignment,
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
        AssignmentCommand::Decline(args) => routing
            .decline_assignment(DeclineAssignmentRequest {
                name,
                lease_token: args.lease.lease_token.clone(),
                reason: args.reason.into(),
                note: args.note.clone(),
            })
            .await
            .map(|answer| answer.into_inner().assignment),
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
        AssignmentCommand::DeclareIndirectAccess(_) => routing
            .declare_indirect_access(DeclareIndirectAccessRequest { name })
            .await
            .map(|answer| answer.into_inner().assignment),
        AssignmentCommand::Complete(args) => routing
            .complete_assignment(CompleteAssignmentRequest {
                name,
                outcome: args.outcome.into(),
                note: args.note.clone(),
            })
            .await
            .map(|answer| answer.into_inner().assignment),
    };
    let assignment = answer.map_err(Failure::refused(what))?.unwrap_or_default();
    document(output, &to_json(ASSIGNMENT, &assignment), || {
        records(HEADERS, vec![row(&assignment)])
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
    "assignment",
    "referral",
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
        assignment.referral.clone(),
    ]
}

async fn list(output: &Output, args: &AssignmentListArgs) -> Outcome {
    let page = &args.page;
    let mut routing = Connection::open(&page.connect, None)?.routing()?;
    let mut assignments = Vec::new();
    let mut page_token = String::new();
    loop {
        let wanted = page.limit.saturating_sub(assignments.len()).min(500);
        let request = ListAssignmentsRequest {
            page_size: i32::try_from(wanted).unwrap_or(500),
            page_token,
            states: args.states.iter().map(|state| i32::from(*state)).collect(),
            include_exercises: page.include_exercises,
        };
        let answer = routing
            .list_assignments(request)
            .await
            .map_err(Failure::refused("listing assignments"))?
            .into_inner();
        assignments.extend(answer.assignments);
        page_token = answer.next_page_token;
        if page_token.is_empty() || assignments.len() >= page.limit {
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
        || records(HEADERS, assignments.iter().map(row).collect()),
    )?;
    Ok(())
}
