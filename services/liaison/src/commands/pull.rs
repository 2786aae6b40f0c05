//! `liaison pull`.

use liaison_proto::routing::{PullAssignmentsRequest, PulledAssignment};
use liaison_types::Party;
use serde_json::{Value, json};

use crate::cli::{Output, PullArgs};
use crate::connection::Connection;
use crate::failure::{Failure, Outcome};
use crate::output::{document, due, table, word};
use crate::proto_json::to_json;

/// Pulls as the unit named.
///
/// # Errors
/// What keeps it from being done.
pub async fn run(output: &Output, args: &PullArgs) -> Outcome {
    let unit = match &args.unit {
        Some(unit) => Some(
            format!("unit/{unit}")
                .parse::<Party>()
                .map_err(|_| Failure::Usage(format!("{unit} is no name of a unit")))?,
        ),
        None => None,
    };
    let seconds = |seconds: u64| prost_types::Duration {
        seconds: i64::try_from(seconds).unwrap_or(i64::MAX),
        nanos: 0,
    };
    let request = PullAssignmentsRequest {
        max_assignments: i32::from(args.max.min(100)),
        wait: Some(seconds(args.wait)),
        lease: Some(seconds(args.lease)),
        desk: String::new(),
    };
    let pulled = Connection::open(&args.connect, unit)?
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
        table(
            &["reference", "role", "urgency", "due", "name", "lease token"],
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
        pulled.lease_token.clone(),
    ]
}
