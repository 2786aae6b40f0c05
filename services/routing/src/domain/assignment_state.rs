//! The life of an assignment: the one table of its states and steps.

pub use liaison_types::referral::AssignmentState;
use liaison_types::{Error, Result};

liaison_types::names! {
    /// What can happen to an assignment. `CREATED` is how it begins and no step of the table.
    AssignmentStep {
        /// It came to be; intake is asked for the grant.
        Created = "CREATED",
        /// Intake has acknowledged the grant: the unit may pull it.
        Queued = "QUEUED",
        /// Pulled.
        Leased = "LEASED",
        /// The lease was extended.
        LeaseExtended = "LEASE_EXTENDED",
        /// Given back without an answer.
        Released = "RELEASED",
        /// The lease ran out.
        LeaseExpired = "LEASE_EXPIRED",
        /// Accepted.
        Accepted = "ACCEPTED",
        /// Declined.
        Declined = "DECLINED",
        /// Its first task was begun.
        WorkStarted = "WORK_STARTED",
        /// The lead unit has no direct access to what is asked for.
        IndirectAccessDeclared = "INDIRECT_ACCESS_DECLARED",
        /// A task was added.
        TaskCreated = "TASK_CREATED",
        /// Completed with an outcome.
        Completed = "COMPLETED",
        /// Given up by the unit.
        Failed = "FAILED",
        /// Pulled too often without an answer.
        DeadLettered = "DEAD_LETTERED",
        /// Taken back by the hub.
        Revoked = "REVOKED",
        /// The supporting unit became the lead.
        Promoted = "PROMOTED",
        /// Offered to another unit.
        TransferOffered = "TRANSFER_OFFERED",
        /// The other unit refused, or the offer was taken back.
        TransferRefused = "TRANSFER_REFUSED",
        /// The other unit took it over.
        Transferred = "TRANSFERRED",
    }
}

/// The table. A step that is not here is not possible.
const TABLE: &[(AssignmentState, AssignmentStep, AssignmentState)] = {
    use AssignmentState as S;
    use AssignmentStep as E;
    &[
        (S::Queued, E::Queued, S::Queued),
        (S::Queued, E::Leased, S::Leased),
        (S::Queued, E::Promoted, S::Queued),
        (S::Queued, E::Revoked, S::Revoked),
        (S::Leased, E::LeaseExtended, S::Leased),
        (S::Leased, E::Released, S::Queued),
        (S::Leased, E::LeaseExpired, S::Queued),
        (S::Leased, E::Accepted, S::Accepted),
        (S::Leased, E::Declined, S::Declined),
        (S::Leased, E::DeadLettered, S::DeadLettered),
        (S::Leased, E::Promoted, S::Leased),
        (S::Leased, E::Revoked, S::Revoked),
        (S::Accepted, E::IndirectAccessDeclared, S::Accepted),
        (S::Accepted, E::TaskCreated, S::Accepted),
        (S::Accepted, E::WorkStarted, S::Accepted),
        (S::Accepted, E::Promoted, S::Accepted),
        (S::Accepted, E::TransferOffered, S::TransferOffered),
        (S::Accepted, E::Completed, S::Completed),
        (S::Accepted, E::Failed, S::Failed),
        (S::Accepted, E::Revoked, S::Revoked),
        (S::TransferOffered, E::Promoted, S::TransferOffered),
        (S::TransferOffered, E::TransferRefused, S::Accepted),
        (S::TransferOffered, E::Transferred, S::Transferred),
    ]
};

/// The state after `step`.
///
/// # Errors
/// FAILED_PRECONDITION, ILLEGAL_STATE where the table has no such step.
pub fn next(state: AssignmentState, step: AssignmentStep) -> Result<AssignmentState> {
    TABLE
        .iter()
        .find(|(from, by, _)| *from == state && *by == step)
        .map(|(_, _, to)| *to)
        .ok_or_else(|| Error::illegal_state(step.as_str(), state.as_str()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use AssignmentState as S;

    #[test]
    fn the_table_has_one_row_for_a_state_and_a_step() {
        for (index, (from, step, _)) in TABLE.iter().enumerate() {
            let again = TABLE[index + 1..]
                .iter()
                .any(|(f, s, _)| f == from && s == step);
            assert!(!again, "{from} {step}");
            assert_ne!(*step, AssignmentStep::Created);
        }
    }

    #[test]
    fn every_state_can_be_reached_and_what_is_open_goes_on() {
        for state in S::ALL {
            let reached = *state == S::Queued || TABLE.iter().any(|(_, _, to)| to == state);
            assert!(reached, "{state}");
            let goes_on = TABLE.iter().any(|(from, _, _)| from == state);
            assert_eq!(state.is_open(), goes_on, "{state}");
        }
    }

    fn steps() -> impl Strategy<Value = Vec<AssignmentStep>> {
        prop::collection::vec(prop::sample::select(AssignmentStep::ALL), 0..40)
    }

    proptest! {
        #[test]
        fn whatever_is_tried_a_commitment_follows_a_lease_and_an_end_is_an_end(tried in steps()) {
            let (mut state, mut leased, mut accepted) = (S::Queued, false, false);
            for step in tried {
                let Ok(after) = next(state, step) else {
                    continue;
                };
                prop_assert!(state.is_open(), "nothing follows {state}");
                leased |= after == S::Leased;
                prop_assert!(after != S::Accepted || leased);
                accepted |= after == S::Accepted;
                prop_assert!(after != S::Completed || accepted);
                prop_assert!(after != S::Declined || (leased && state == S::Leased));
                prop_assert!(after != S::Queued || !accepted, "a commitment is not queued again");
                state = after;
            }
        }
    }
}
