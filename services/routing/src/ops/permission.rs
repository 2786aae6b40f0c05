//! Who may see and who may work on an assignment as it stands.
//!
//! The policy says whose an assignment is. Here stands what only this service knows: until intake has
//! acknowledged the grant, the assignment does not exist for its unit. The case may still go to another
//! unit by then, and nobody learns of a referral that they were never given.

use liaison_policy::{Decision, may_list_assignments, may_view_assignment, may_work_assignment};
use liaison_types::Party;

use crate::domain::Assignment;

const NOT_GRANTED: &str = "assignment.not-granted";

/// Seeing it.
pub(super) fn may_view(viewer: &Party, assignment: &Assignment) -> Decision {
    if assignment.granted || may_list_assignments(viewer) {
        may_view_assignment(viewer, &assignment.unit)
    } else {
        Decision::deny(vec![NOT_GRANTED])
    }
}

/// Answering it, and everything about its tasks.
pub(super) fn may_work(party: &Party, assignment: &Assignment) -> Decision {
    if assignment.granted {
        may_work_assignment(party, &assignment.unit)
    } else {
        Decision::deny(vec![NOT_GRANTED])
    }
}
