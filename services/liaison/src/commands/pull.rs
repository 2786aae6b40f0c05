//! `liaison pull`.

use liaison_proto::routing::{PullAssignmentsRequest, PulledAssignment};
use serde_json::{Value, json};

use crate::cli::{Output, PullArgs};
use crate::connection::Connection;
use crate::failure::{Failure, Outcome};
use crate::output::{document, due, records, word};
use crate::proto_json::to_json;

/// Pulls as the unit that acts.
///
/// # Errors
/// What keeps it from being done.
pub async fn run(output: &Output, args: &PullArgs) -> Outcome {
    if args.connect.party.is_none() {
        return Err(Failure::Usage(
            "say which unit pulls with --unit, for example --unit cyber".to_owned(),
        ));
    }
    let seconds = |seconds: u64| prost_types::Duration {
        seconds: i64::try_from(seconds).unwrap_or(i64::MAX),
        nanos: 0,
    };
    let request = PullAssignmentsRequest {
        max_assignments: i32::from(args.max),
        wait: Some(seconds(args.wait)),
        lease: Some(seconds(args.lease)),
        desk: String::new(),
    };
    let pulled = Connection::open(&args.connect, None)?
        .routing()?
        .pull_assignments(request)
        .await
        .map_err(Failure::refused("pulling"))?
        .into_inner()
        .assignments;
    let json: Vec<Value> = pulled
        .iter()
        .map(|pulled| to_json("liaison.routing.v1.PulledAssignment", pulled))
        .collect();
    document(output, &json!({ "assignments": json }), || {
        records(
            &[
                "reference",
                "role",
                "urgency",
                "due",
                "assignment",
                "referral",
                "lease token",
            ],
            pulled.iter().map(row).collect(),
        )
    })?;
    Ok(())
}

fn row(pulled: &PulledAssignment) -> Vec<String> {
    let assignment = pulled.assignment.clone().unwrap_or_default();
    vec![
        assignment.reference.clone(),
        word(assignment.role().as_str_name(), "ASSIGNMENT_ROLE_"),
        word(assignment.urgency().as_str_name(), "URGENCY_"),
        due(assignment.completion.as_ref()),
        assignment.name.clone(),
        assignment.referral.clone(),
        pulled.lease_token.clone(),
    ]
}
