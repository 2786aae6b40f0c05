//! The border to the schema, in both directions.

mod event;
mod request;
mod view;

pub(crate) use event::{classified, destination, events, purged};
pub(crate) use request::{
    accept_assignment, claim_task, complete_assignment, complete_task, create_task,
    declare_indirect_access, decline_assignment, extend_lease, get_assignment, list_assignments,
    list_tasks, pull_assignments, release_assignment,
};
pub(crate) use view::{assignment, pulled, task};
