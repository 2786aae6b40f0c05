//! The one error type of the workspace. It knows no transport; `liaison-grpc` maps it to a status.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::reason::Reason;
use crate::violation::Violation;

/// What went wrong, in the terms of `google.rpc.Code`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ErrorKind {
    /// The caller went away.
    Cancelled,
    /// The request is wrong whatever the state of the system.
    InvalidArgument,
    /// Too late.
    DeadlineExceeded,
    /// Not there, or not for the caller to see.
    NotFound,
    /// Exists already.
    AlreadyExists,
    /// The caller may not.
    PermissionDenied,
    /// A limit is reached; see [`Error::retry_after`].
    ResourceExhausted,
    /// Right, but not in the present state.
    FailedPrecondition,
    /// Lost against a concurrent change; the whole read-decide-write may be repeated.
    Aborted,
    /// No such method.
    Unimplemented,
    /// A fault of ours.
    Internal,
    /// Try again later.
    Unavailable,
    /// Stored data are damaged.
    DataLoss,
    /// The caller is not known.
    Unauthenticated,
}

/// An error with what may be said about it and, separately, what caused it.
///
/// `Display` prints the public message only. The cause (driver texts, addresses) is reached through
/// [`std::error::Error::source`] and belongs in the log, never in an answer.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    reason: Reason,
    message: Option<String>,
    violations: Vec<Violation>,
    retry_after: Option<Duration>,
    metadata: Vec<(&'static str, String)>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What operations of Liaison return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error whose message is the reason's English text.
    #[must_use]
    pub fn new(kind: ErrorKind, reason: Reason) -> Self {
        Self(Box::new(Inner {
            kind,
            reason,
            message: None,
            violations: Vec::new(),
            retry_after: None,
            metadata: Vec::new(),
            source: None,
        }))
    }

    /// Wrong fields, all at once.
    #[must_use]
    pub fn invalid(violations: Vec<Violation>) -> Self {
        Self::new(ErrorKind::InvalidArgument, Reason::InvalidArgument).violations(violations)
    }

    /// Not there, or hidden: the same answer for both.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(ErrorKind::NotFound, Reason::NotFound)
    }

    /// No such step from the present state. `state` is the state's public name.
    #[must_use]
    pub fn illegal_state(step: &str, state: &str) -> Self {
        Self::new(ErrorKind::FailedPrecondition, Reason::IllegalState)
            .message(format!("{step} is not possible in state {state}"))
            .metadata("state", state)
            .metadata("step", step)
    }

    /// A fault of ours with its cause.
    #[must_use]
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Internal, Reason::Internal).source(source)
    }

    /// Something needed does not answer; worth repeating.
    #[must_use]
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Unavailable, Reason::Unavailable).source(source)
    }

    /// The service takes no more for now.
    #[must_use]
    pub fn overloaded(retry_after: Duration) -> Self {
        Self::new(ErrorKind::ResourceExhausted, Reason::Overloaded).retry_after(retry_after)
    }

    /// Replaces the public English message. It must hold nothing personal and nothing hidden.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.0.message = Some(message.into());
        self
    }

    /// Sets the violations.
    #[must_use]
    pub fn violations(mut self, violations: Vec<Violation>) -> Self {
        self.0.violations = violations;
        self
    }

    /// Says when a repetition makes sense.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Adds a public machine-readable detail.
    #[must_use]
    pub fn metadata(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.0.metadata.push((key, value.into()));
        self
    }

    /// Sets the cause, for the log.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Why, stably.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    /// The public English message; `None` where the reason's own text says all.
    #[must_use]
    pub fn public_message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The wrong fields.
    #[must_use]
    pub fn violation_list(&self) -> &[Violation] {
        &self.0.violations
    }

    /// After how long a repetition makes sense.
    #[must_use]
    pub fn retry_delay(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Public machine-readable details.
    #[must_use]
    pub fn metadata_list(&self) -> &[(&'static str, String)] {
        &self.0.metadata
    }

    /// Whether the same call may succeed later without anybody mending anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.0.kind {
            ErrorKind::Cancelled
            | ErrorKind::DeadlineExceeded
            | ErrorKind::ResourceExhausted
            | ErrorKind::Aborted
            | ErrorKind::Internal
            | ErrorKind::Unavailable => true,
            ErrorKind::InvalidArgument
            | ErrorKind::NotFound
            | ErrorKind::AlreadyExists
            | ErrorKind::PermissionDenied
            | ErrorKind::FailedPrecondition
            | ErrorKind::Unimplemented
            | ErrorKind::DataLoss
            | ErrorKind::Unauthenticated => false,
        }
    }

    /// The message and every cause below it, for the log.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = StdError::source(self);
        while let Some(next) = cause {
            text.push_str(": ");
            text.push_str(&next.to_string());
            cause = next.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            self.0
                .message
                .as_deref()
                .unwrap_or_else(|| self.0.reason.text(crate::language::Language::En)),
        )
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_in_the_chain_and_not_in_the_message() {
        let error = Error::internal("password=hunter2");
        assert!(!error.to_string().contains("hunter2"));
        assert!(error.chain().ends_with(": password=hunter2"));
    }
}
