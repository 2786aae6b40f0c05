//! The referral's own state machine: what intake itself decides, from receipt to admission. What
//! comes after is told by the other services as facts; see [`progress`](super::progress).

use liaison_types::{Error, Result};

use super::vocabulary::{ReferralState, ReferralStep};

/// From which state which step leads where.
const TABLE: &[(ReferralState, ReferralStep, ReferralState)] = &[
    (
        ReferralState::Submitted,
        ReferralStep::Admitted,
        ReferralState::Admitted,
    ),
    (
        ReferralState::Submitted,
        ReferralStep::ReviewRequested,
        ReferralState::UnderReview,
    ),
    (
        ReferralState::UnderReview,
        ReferralStep::Admitted,
        ReferralState::Admitted,
    ),
    (
        ReferralState::UnderReview,
        ReferralStep::Refused,
        ReferralState::Refused,
    ),
];

/// The state that `step` leads to.
///
/// # Errors
/// ILLEGAL_STATE where there is no such step from `state`.
pub fn next(state: ReferralState, step: ReferralStep) -> Result<ReferralState> {
    TABLE
        .iter()
        .find(|(from, by, _)| (*from, *by) == (state, step))
        .map(|(_, _, to)| *to)
        .ok_or_else(|| Error::illegal_state(step.as_str(), state.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_types::Reason;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_walk_ends_admitted_or_refused_and_stays(
            steps in prop::collection::vec(prop::sample::select(ReferralStep::ALL), 0..12),
        ) {
            let mut state = ReferralState::Submitted;
            for step in steps {
                let settled = matches!(state, ReferralState::Admitted | ReferralState::Refused);
                match next(state, step) {
                    Ok(to) => {
                        prop_assert!(!settled, "{step} left {state}");
                        state = to;
                    }
                    Err(error) => prop_assert_eq!(error.reason(), Reason::IllegalState),
                }
            }
        }
    }

    #[test]
    fn a_step_has_one_target() {
        for (index, (from, by, _)) in TABLE.iter().enumerate() {
            assert!(
                TABLE[index + 1..]
                    .iter()
                    .all(|(f, b, _)| (f, b) != (from, by))
            );
        }
    }
}
