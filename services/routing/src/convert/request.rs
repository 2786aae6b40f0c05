//! What callers ask for.

use std::time::Duration;

use liaison_grpc::paging;
use liaison_grpc::wire::{self, Checks, Path};
use liaison_proto::{common, routing};
use liaison_types::{AssignmentId, Form, Party, Rule, TaskId};
use uuid::Uuid;

use crate::domain::{AssignmentState, LeaseTerms, TokenHash, Units};
use crate::ops::{
    About, AcceptAssignment, ClaimTask, CompleteAssignment, CompleteTask, CreateTask,
    DeclareIndirectAccess, DeclineAssignment, ExtendLease, GetAssignment, ListAssignments,
    ListTasks, PullAssignments, Refused, ReleaseAssignment,
};

const MAX_PULL: i32 = 100;
const MAX_WAIT: Duration = Duration::from_mins(1);
const MAX_PAGE: u32 = 500;
const MAX_NOTE: usize = 2_000;
const MAX_RESULT: usize = 2_000;
const MAX_TITLE: usize = 200;
const MAX_STATES: usize = 32;

type Read<T> = Result<T, Refused>;

/// The value, or what is wrong with a request about that.
fn finish<T>(checks: Checks, about: About, value: Option<T>) -> Read<T> {
    checks
        .finish(value)
        .map_err(|error| Refused { about, error })
}

fn about_assignment(id: Option<AssignmentId>) -> About {
    id.map_or(About::Nothing, About::Assignment)
}

fn about_task(id: Option<TaskId>) -> About {
    id.map_or(About::Nothing, About::Task)
}

/// A duration within bounds.
fn span(
    checks: &mut Checks,
    path: Path<'_>,
    given: Option<&prost_types::Duration>,
    (min, max): (Duration, Duration),
) -> Option<Duration> {
    let Some(of) = wire::span(given?) else {
        checks.add(path, Rule::Malformed(Form::Span));
        return None;
    };
    let seconds = |of: Duration| i64::try_from(of.as_secs()).unwrap_or(i64::MAX);
    let within = min <= of && of <= max;
    checks.ensure(within, path, Rule::OutOfRange(seconds(min), seconds(max)));
    within.then_some(of)
}

/// A pull of `party`.
pub(crate) fn pull_assignments(
    request: &routing::PullAssignmentsRequest,
    party: &Party,
    units: &Units,
    terms: &LeaseTerms,
) -> Read<PullAssignments> {
    let mut checks = Checks::default();
    let asked = request.max_assignments;
    let range = Rule::OutOfRange(0, i64::from(MAX_PULL));
    checks.ensure(
        (0..=MAX_PULL).contains(&asked),
        Path::root("max_assignments"),
        range,
    );
    let bounds = (Duration::ZERO, MAX_WAIT);
    let wait = span(
        &mut checks,
        Path::root("wait"),
        request.wait.as_ref(),
        bounds,
    );
    let bounds = (terms.min, terms.max);
    let lease = span(
        &mut checks,
        Path::root("lease"),
        request.lease.as_ref(),
        bounds,
    );
    let desk = checks.optional_parse(Path::root("desk"), &request.desk, Form::OwnDesk);
    if let (Party::Unit(unit), Some(desk)) = (party, &desk) {
        let known = units.has_desk(unit, desk);
        checks.ensure(known, Path::root("desk"), Rule::NotAmong(Form::OwnDesk));
    }
    let value = PullAssignments {
        max: usize::try_from(asked.clamp(1, MAX_PULL)).unwrap_or(1),
        wait: wait.unwrap_or_default(),
        lease,
        desk,
    };
    finish(checks, About::Nothing, Some(value))
}

/// The assignment to show.
pub(crate) fn get_assignment(request: &routing::GetAssignmentRequest) -> Read<GetAssignment> {
    let mut checks = Checks::default();
    let assignment = checks.resource(Path::root("name"), &request.name);
    let value = assignment.map(|assignment| GetAssignment { assignment });
    finish(checks, about_assignment(assignment), value)
}

/// The page to list.
pub(crate) fn list_assignments(request: &routing::ListAssignmentsRequest) -> Read<ListAssignments> {
    let mut checks = Checks::default();
    let page_size = match paging::page_size(request.page_size) {
        Ok(size) => size.min(MAX_PAGE),
        Err(violation) => {
            checks.add(Path::root("page_size"), violation.rule);
            MAX_PAGE
        }
    };
    let path = Path::root("states");
    let mut states: Vec<AssignmentState> = Vec::new();
    for (index, state) in checks
        .at_most(path, &request.states, MAX_STATES)
        .iter()
        .enumerate()
    {
        states.extend(
            checks.named::<common::AssignmentState, AssignmentState>(path.index(index), *state),
        );
    }
    states.sort_unstable();
    states.dedup();
    let value = ListAssignments {
        page_size,
        page_token: request.page_token.clone(),
        states,
        include_exercises: request.include_exercises,
    };
    finish(checks, About::Nothing, Some(value))
}

/// The assignment and the proof of the lease on it. A token that is missing or damaged proves
/// nothing, which the operation says.
fn held(checks: &mut Checks, name: &str, token: &str) -> (Option<AssignmentId>, TokenHash) {
    let assignment = checks.resource(Path::root("name"), name);
    if token.is_empty() {
        checks.add(Path::root("lease_token"), Rule::Required);
    }
    (assignment, TokenHash::of(token))
}

/// What is accepted.
pub(crate) fn accept_assignment(
    request: &routing::AcceptAssignmentRequest,
) -> Read<AcceptAssignment> {
    let mut checks = Checks::default();
    let (assignment, proof) = held(&mut checks, &request.name, &request.lease_token);
    let value = assignment.map(|assignment| AcceptAssignment { assignment, proof });
    finish(checks, about_assignment(assignment), value)
}

/// What is declined, and why.
pub(crate) fn decline_assignment(
    request: &routing::DeclineAssignmentRequest,
) -> Read<DeclineAssignment> {
    let mut checks = Checks::default();
    let (assignment, proof) = held(&mut checks, &request.name, &request.lease_token);
    let reason = checks.named::<common::DeclineReason, _>(Path::root("reason"), request.reason);
    checks.required_block(Path::root("note"), &request.note, MAX_NOTE);
    let value = assignment
        .zip(reason)
        .map(|(assignment, reason)| DeclineAssignment {
            assignment,
            proof,
            reason,
            note: request.note.clone(),
        });
    finish(checks, about_assignment(assignment), value)
}

/// Which lease is extended, and for how long.
pub(crate) fn extend_lease(
    request: &routing::ExtendLeaseRequest,
    terms: &LeaseTerms,
) -> Read<ExtendLease> {
    let mut checks = Checks::default();
    let (assignment, proof) = held(&mut checks, &request.name, &request.lease_token);
    let path = Path::root("lease");
    checks.required(path, request.lease.as_ref());
    let lease = span(
        &mut checks,
        path,
        request.lease.as_ref(),
        (terms.min, terms.max),
    );
    let value = assignment
        .zip(lease)
        .map(|(assignment, lease)| ExtendLease {
            assignment,
            proof,
            lease,
        });
    finish(checks, about_assignment(assignment), value)
}

/// What is given back.
pub(crate) fn release_assignment(
    request: &routing::ReleaseAssignmentRequest,
) -> Read<ReleaseAssignment> {
    let mut checks = Checks::default();
    let (assignment, proof) = held(&mut checks, &request.name, &request.lease_token);
    let value = assignment.map(|assignment| ReleaseAssignment { assignment, proof });
    finish(checks, about_assignment(assignment), value)
}

/// What is completed, and what came of it.
pub(crate) fn complete_assignment(
    request: &routing::CompleteAssignmentRequest,
) -> Read<CompleteAssignment> {
    let mut checks = Checks::default();
    let assignment = checks.resource(Path::root("name"), &request.name);
    let outcome = checks.named::<common::Outcome, _>(Path::root("outcome"), request.outcome);
    checks.block(Path::root("note"), &request.note, MAX_NOTE);
    let value = assignment
        .zip(outcome)
        .map(|(assignment, outcome)| CompleteAssignment {
            assignment,
            outcome,
            note: request.note.clone(),
        });
    finish(checks, about_assignment(assignment), value)
}

/// Which assignment's unit has no direct access.
pub(crate) fn declare_indirect_access(
    request: &routing::DeclareIndirectAccessRequest,
) -> Read<DeclareIndirectAccess> {
    let mut checks = Checks::default();
    let assignment = checks.resource(Path::root("name"), &request.name);
    let value = assignment.map(|assignment| DeclareIndirectAccess { assignment });
    finish(checks, about_assignment(assignment), value)
}

/// The task to create.
pub(crate) fn create_task(request: &routing::CreateTaskRequest) -> Read<CreateTask> {
    let mut checks = Checks::default();
    let assignment = checks.resource(Path::root("assignment"), &request.assignment);
    checks.required_line(Path::root("title"), &request.title, MAX_TITLE);
    let due_at = checks.optional_instant(Path::root("due_at"), request.due_at.as_ref());
    let request_id =
        checks.parse::<Uuid>(Path::root("request_id"), &request.request_id, Form::Uuid);
    let value = assignment
        .zip(request_id)
        .map(|(assignment, request_id)| CreateTask {
            assignment,
            title: request.title.clone(),
            due_at,
            request_id,
        });
    finish(checks, about_assignment(assignment), value)
}

/// Whose tasks to list.
pub(crate) fn list_tasks(request: &routing::ListTasksRequest) -> Read<ListTasks> {
    let mut checks = Checks::default();
    let assignment = checks.resource(Path::root("assignment"), &request.assignment);
    let value = assignment.map(|assignment| ListTasks { assignment });
    finish(checks, about_assignment(assignment), value)
}

/// The task to take.
pub(crate) fn claim_task(request: &routing::ClaimTaskRequest) -> Read<ClaimTask> {
    let mut checks = Checks::default();
    let task = checks.resource(Path::root("name"), &request.name);
    finish(
        checks,
        about_task(task),
        task.map(|task| ClaimTask { task }),
    )
}

/// The task to finish.
pub(crate) fn complete_task(request: &routing::CompleteTaskRequest) -> Read<CompleteTask> {
    let mut checks = Checks::default();
    let task = checks.resource(Path::root("name"), &request.name);
    checks.block(Path::root("result"), &request.result, MAX_RESULT);
    let value = task.map(|task| CompleteTask {
        task,
        result: request.result.clone(),
    });
    finish(checks, about_task(task), value)
}
