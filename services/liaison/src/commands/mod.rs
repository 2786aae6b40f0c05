//! One file per command.

pub mod assignment;
pub mod audit;
pub mod certs;
pub mod classify;
pub mod demo;
pub mod dossier;
pub mod explain;
pub mod keys;
pub mod migrate;
pub mod policy;
pub mod pull;
pub mod referral;
pub mod review;
pub mod share;
pub mod submit;
pub mod task;
pub mod triage;
pub mod up;
pub mod verify;
mod words;

use liaison_proto::common::{AssignmentState, ReferralState};

use crate::output::word;

/// The resource name for `given`, which may be the identifier alone.
fn resource(collection: &str, given: &str) -> String {
    match given.split_once('/') {
        Some(_) => given.to_owned(),
        None => format!("{collection}/{given}"),
    }
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
    }
}
