//! Who may see and who may work on an assignment as it stands.
//!
//! The policy says whose an assignment is. Here stands what only this service knows: until intake has
//! acknowledged the grant, the assignment does not exist for its unit. The case may still go to another
//! unit by then, and nobody learns of a referral that they were never given.

use liaison_policy::{AssignmentFacts, Decided, Policy, Question};
use liaison_types::Party;

use crate::domain::Assignment;

/// Whether `viewer` may see it.
pub(super) fn may_view(policy: &Policy, viewer: &Party, assignment: &Assignment) -> bool {
    let there = assignment.granted || policy.rules().may_list_assignments(viewer);
    there && decided(policy, viewer, assignment, Question::ViewAssignment).is_allowed()
}

/// What lets `party` answer it, and do everything about its tasks; none where nothing does.
pub(super) fn may_work(policy: &Policy, party: &Party, assignment: &Assignment) -> Option<Decided> {
    let decided = assignment
        .granted
        .then(|| decided(policy, party, assignment, Question::WorkAssignment));
    decided.filter(Decided::is_allowed)
}

fn decided(policy: &Policy, party: &Party, assignment: &Assignment, question: Question) -> Decided {
    let unit = &assignment.unit;
    policy.decide(AssignmentFacts { party, unit }.facts(question))
}
