//! One file per command.

pub mod assignment;
pub mod certs;
pub mod classify;
pub mod demo;
pub mod migrate;
pub mod pull;
pub mod referral;
pub mod review;
pub mod submit;
pub mod task;
pub mod triage;
pub mod up;

use liaison_proto::common::{AssignmentState, ReferralState};

use crate::failure::Failure;
use crate::output::word;

/// The resource name for `given`, which may be the identifier alone.
fn resource(collection: &str, given: &str) -> String {
    match given.split_once('/') {
        Some(_) => given.to_owned(),
        None => format!("{collection}/{given}"),
    }
}

/// The values named by `given`, which may lack their prefix.
fn referral_states(given: &[String]) -> Result<Vec<i32>, Failure> {
    given
        .iter()
        .map(|name| {
            let upper = name.to_uppercase();
            ReferralState::from_str_name(&upper)
                .or_else(|| ReferralState::from_str_name(&format!("REFERRAL_STATE_{upper}")))
                .map(i32::from)
                .ok_or_else(|| Failure::Usage(format!("{name} is no state of a referral")))
        })
        .collect()
}

fn assignment_states(given: &[String]) -> Result<Vec<i32>, Failure> {
    given
        .iter()
        .map(|name| {
            let upper = name.to_uppercase();
            AssignmentState::from_str_name(&upper)
                .or_else(|| AssignmentState::from_str_name(&format!("ASSIGNMENT_STATE_{upper}")))
                .map(i32::from)
                .ok_or_else(|| Failure::Usage(format!("{name} is no state of an assignment")))
        })
        .collect()
}

/// The number of the enum value `name`, which may lack its prefix.
fn enum_number(
    name: &str,
    prefix: &str,
    what: &str,
    lookup: impl Fn(&str) -> Option<i32>,
) -> Result<i32, Failure> {
    let upper = name.to_uppercase();
    lookup(&upper)
        .or_else(|| lookup(&format!("{prefix}{upper}")))
        .filter(|number| *number != 0)
        .ok_or_else(|| Failure::Usage(format!("{name} is no {what}")))
}

/// A referral's state as people say it.
fn referral_state(number: i32) -> String {
    let state = ReferralState::try_from(number).unwrap_or(ReferralState::Unspecified);
    word(state.as_str_name(), "REFERRAL_STATE_")
}

/// An assignment's state as people say it.
fn assignment_state(number: i32) -> String {
    let state = AssignmentState::try_from(number).unwrap_or(AssignmentState::Unspecified);
    word(state.as_str_name(), "ASSIGNMENT_STATE_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_be_short() {
        assert_eq!(resource("referrals", "0198"), "referrals/0198");
        assert_eq!(resource("referrals", "referrals/0198"), "referrals/0198");
        assert_eq!(
            referral_states(&["routed".into()]).unwrap(),
            [i32::from(ReferralState::Routed)]
        );
        assert_eq!(
            referral_states(&["nowhere".into()])
                .unwrap_err()
                .exit_code(),
            2
        );
    }
}
