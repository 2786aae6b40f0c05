//! Calls that must be refused, each for the right reason.

use std::fmt::Debug;

use liaison_grpc::Failure;
use liaison_types::Reason;
use tonic::{Code, Status};

/// The refusal in `answer`, which must have this code and this reason.
///
/// # Panics
/// Where it was not refused, or otherwise.
#[track_caller]
pub fn refused<T: Debug>(answer: Result<T, Status>, code: Code, reason: Reason) -> Failure {
    let status = match answer {
        Ok(answer) => panic!("not refused with {reason}: {answer:?}"),
        Err(status) => status,
    };
    let failure = Failure::read(&status);
    assert_eq!(
        (failure.code, failure.reason()),
        (code, Some(reason)),
        "{failure:?}"
    );
    assert!(
        !failure.message.is_empty(),
        "a refusal says why: {failure:?}"
    );
    failure
}

/// The refusal in `answer` for fields that are wrong.
///
/// # Panics
/// Where it was not refused, or otherwise.
#[track_caller]
pub fn invalid<T: Debug>(answer: Result<T, Status>) -> Failure {
    let failure = refused(answer, Code::InvalidArgument, Reason::InvalidArgument);
    assert!(
        !failure.violations.is_empty(),
        "it says which fields: {failure:?}"
    );
    failure
}

/// The names of the fields that a refusal finds wrong.
#[must_use]
pub fn fields(failure: &Failure) -> Vec<&str> {
    failure
        .violations
        .iter()
        .map(|(field, _)| field.as_str())
        .collect()
}
