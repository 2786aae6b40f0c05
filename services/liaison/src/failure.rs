//! What ends a command without success, and how it is told.

use std::fmt::Write as _;
use std::io;

use liaison_grpc::Failure as StatusFailure;
use liaison_types::{ErrorKind, Reason};
use serde_json::{Value, json};
use tonic::Status;

use crate::cli::Output;
use crate::output::{BAD, FAINT, STRONG, styled};

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// What was asked for makes no sense; exit code 2.
    Usage(String),
    /// A service refused or could not be reached; exit code 1.
    Refused {
        /// What was being done, for example the file submitted.
        what: String,
        /// The answer.
        status: Box<Status>,
    },
    /// Something on this machine went wrong; exit code 1.
    Local(String),
}

impl Failure {
    /// A service's answer to what was being done.
    pub fn refused(what: impl Into<String>) -> impl FnOnce(Status) -> Self {
        let what = what.into();
        move |status| Self::Refused {
            what,
            status: Box::new(status),
        }
    }

    /// 2 for what was asked wrongly, 1 for the rest.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Refused { .. } | Self::Local(_) => 1,
        }
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Usage(message) | Self::Local(message) => {
                format!("{} {message}", styled(BAD, "error:"))
            }
            Self::Refused { what, status } => refused(what, &StatusFailure::read(status)),
        }
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        match self {
            Self::Usage(message) => json!({ "error": { "reason": "USAGE", "message": message } }),
            Self::Local(message) => json!({ "error": { "reason": "LOCAL", "message": message } }),
            Self::Refused { what, status } => {
                let failure = StatusFailure::read(status);
                let violations: Vec<Value> = failure
                    .violations
                    .iter()
                    .map(|(field, description)| {
                        json!({ "field": field, "description": description })
                    })
                    .collect();
                json!({ "error": {
                    "what": what,
                    "code": format!("{:?}", failure.code),
                    "reason": failure.reason_name,
                    "message": failure.message,
                    "violations": violations,
                } })
            }
        }
    }

    /// Tells it on standard error, in the form asked for.
    pub fn tell(&self, output: &Output) {
        use std::io::Write as _;
        let text = match output {
            Output::Json => self.json().to_string(),
            Output::Table | Output::File(_) => self.text(),
        };
        // Nobody is left to be told where standard error is closed.
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }
}

fn refused(what: &str, failure: &StatusFailure) -> String {
    let message = failure.localized.as_deref().unwrap_or(&failure.message);
    let mut text = format!(
        "{} {what}: {message} {}",
        styled(BAD, "refused:"),
        styled(FAINT, &format!("[{}]", failure.reason_name)),
    );
    for (field, description) in &failure.violations {
        let _ = write!(text, "\n  {} {description}", styled(STRONG, field));
    }
    if let Some(after) = failure.retry_after {
        let _ = write!(text, "\n  try again in {:.1} s", after.as_secs_f64());
    }
    text
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Local(error.to_string())
    }
}

impl From<liaison_types::Error> for Failure {
    fn from(error: liaison_types::Error) -> Self {
        let wrong = (ErrorKind::InvalidArgument, Reason::SettingInvalid);
        if (error.kind(), error.reason()) == wrong {
            return Self::Usage(error.chain());
        }
        Self::Local(error.chain())
    }
}

/// What commands return.
pub type Outcome = Result<(), Failure>;
