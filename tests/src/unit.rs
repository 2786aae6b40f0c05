//! A unit's work.

use liaison_proto::common::{AssignmentState, Outcome};
use liaison_proto::intake::{Dossier, GetDossierRequest, WithheldItem};
use liaison_proto::routing::{
    AcceptAssignmentRequest, Assignment, ClaimTaskRequest, CompleteAssignmentRequest,
    CompleteTaskRequest, CreateTaskRequest, DeclineAssignmentRequest, ListAssignmentsRequest,
    PullAssignmentsRequest, PulledAssignment, Task,
};
use tonic::Status;

use crate::PATIENCE;
use crate::client::{Client, request_id};

/// The units there are.
pub const UNITS: [&str; 4] = [
    "children-trafficking",
    "cyber",
    "narcotics-organized-crime",
    "terrorism",
];

/// Pulls up to `max` assignments, waiting up to `seconds` for the first.
///
/// # Errors
/// What routing says against it.
pub async fn pull(
    unit: &Client,
    max: i32,
    seconds: i64,
) -> Result<Vec<(Assignment, String)>, Status> {
    let request = PullAssignmentsRequest {
        max_assignments: max,
        wait: (seconds > 0).then_some(prost_types::Duration { seconds, nanos: 0 }),
        ..PullAssignmentsRequest::default()
    };
    let pulled = unit
        .routing()
        .pull_assignments(request)
        .await?
        .into_inner()
        .assignments;
    Ok(pulled.into_iter().map(taken_apart).collect())
}

/// Waits for the next assignment, and pulls it alone.
///
/// # Panics
/// Where none comes.
pub async fn pull_one(unit: &Client) -> (Assignment, String) {
    let seconds = i64::try_from(PATIENCE.as_secs()).unwrap_or(60).min(60);
    let pulled = pull(unit, 1, seconds).await;
    let pulled = pulled.unwrap_or_else(|status| panic!("{} pulls: {status}", unit.party()));
    pulled
        .into_iter()
        .next()
        .unwrap_or_else(|| panic!("{} found nothing to pull", unit.party()))
}

fn taken_apart(pulled: PulledAssignment) -> (Assignment, String) {
    (
        pulled.assignment.expect("an answer has its assignment"),
        pulled.lease_token,
    )
}

/// Opens the dossier of `referral`, which is whole for the unit.
///
/// # Errors
/// What intake says against it.
///
/// # Panics
/// Where something of it is withheld.
pub async fn open(client: &Client, referral: &str) -> Result<Dossier, Status> {
    let (dossier, withheld) = open_part(client, referral).await?;
    assert_eq!(withheld, [], "the dossier is not whole");
    Ok(dossier)
}

/// Opens the dossier of `referral`, and tells what of it is withheld.
///
/// # Errors
/// What intake says against it.
pub async fn open_part(
    client: &Client,
    referral: &str,
) -> Result<(Dossier, Vec<WithheldItem>), Status> {
    let request = GetDossierRequest {
        name: referral.to_owned(),
        purpose: "case work".to_owned(),
    };
    let answer = client.intake().get_dossier(request).await?.into_inner();
    let dossier = answer.dossier;
    let dossier = dossier.ok_or_else(|| Status::data_loss("an answer without its dossier"))?;
    Ok((dossier, answer.withheld))
}

/// Commits the unit.
///
/// # Errors
/// What routing says against it.
pub async fn accept(unit: &Client, name: &str, lease_token: &str) -> Result<Assignment, Status> {
    let request = AcceptAssignmentRequest {
        name: name.to_owned(),
        lease_token: lease_token.to_owned(),
    };
    let answer = unit
        .routing()
        .accept_assignment(request)
        .await?
        .into_inner();
    answer
        .assignment
        .ok_or_else(|| Status::data_loss("an answer without its assignment"))
}

/// Declines for `reason`.
///
/// # Errors
/// What routing says against it.
pub async fn decline(
    unit: &Client,
    name: &str,
    lease_token: &str,
    reason: liaison_proto::common::DeclineReason,
) -> Result<Assignment, Status> {
    let request = DeclineAssignmentRequest {
        name: name.to_owned(),
        lease_token: lease_token.to_owned(),
        reason: reason.into(),
        note: "Not ours, as far as we can see.".to_owned(),
    };
    let answer = unit
        .routing()
        .decline_assignment(request)
        .await?
        .into_inner();
    answer
        .assignment
        .ok_or_else(|| Status::data_loss("an answer without its assignment"))
}

/// Works a task of the accepted assignment from creation to its end.
///
/// # Errors
/// What routing says against it.
pub async fn work(unit: &Client, assignment: &str) -> Result<Task, Status> {
    let mut routing = unit.routing();
    let request = CreateTaskRequest {
        assignment: assignment.to_owned(),
        title: "Check every identifier against the unit's records".to_owned(),
        due_at: None,
        request_id: request_id(),
    };
    let task = routing
        .create_task(request)
        .await?
        .into_inner()
        .task
        .unwrap_or_default();
    routing
        .claim_task(ClaimTaskRequest {
            name: task.name.clone(),
        })
        .await?;
    let request = CompleteTaskRequest {
        name: task.name,
        result: "Two matches.".to_owned(),
    };
    let answer = routing.complete_task(request).await?.into_inner();
    answer
        .task
        .ok_or_else(|| Status::data_loss("an answer without its task"))
}

/// Reports the outcome.
///
/// # Errors
/// What routing says against it.
pub async fn complete(
    unit: &Client,
    assignment: &str,
    outcome: Outcome,
) -> Result<Assignment, Status> {
    let request = CompleteAssignmentRequest {
        name: assignment.to_owned(),
        outcome: outcome.into(),
        note: String::new(),
    };
    let answer = unit
        .routing()
        .complete_assignment(request)
        .await?
        .into_inner();
    answer
        .assignment
        .ok_or_else(|| Status::data_loss("an answer without its assignment"))
}

/// Every assignment that `client` may see in one of `states`, all of them where none is named.
///
/// # Panics
/// Where they are refused.
pub async fn assignments(client: &Client, states: &[AssignmentState]) -> Vec<Assignment> {
    let mut all = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListAssignmentsRequest {
            page_size: 500,
            page_token,
            states: states.iter().map(|state| i32::from(*state)).collect(),
            include_exercises: true,
        };
        let page = client
            .routing()
            .list_assignments(request)
            .await
            .unwrap_or_else(|status| panic!("assignments of {}: {status}", client.party()))
            .into_inner();
        all.extend(page.assignments);
        if page.next_page_token.is_empty() {
            return all;
        }
        page_token = page.next_page_token;
    }
}
