//! What ends a command without success, and how it is told.

use std::fmt::Write as _;
use std::io;

use liaison_grpc::Failure as StatusFailure;
use liaison_policy::RuleSet;
use liaison_types::{ErrorKind, Reason};
use serde_json::{Value, json};
use tonic::Status;

use crate::cli::Output;
use crate::dossier_file::DossierFileError;
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
    /// What was found is bad news, and was told on standard output; exit code 1.
    Told,
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
            Self::Refused { .. } | Self::Local(_) | Self::Told => 1,
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
            Self::Told => String::new(),
        }
    }

    /// For programs. What a service did not say is null; `retry_after` is in seconds.
    #[must_use]
    pub fn json(&self) -> Value {
        match self {
            Self::Usage(message) => json!({ "error": { "reason": "USAGE", "message": message } }),
            Self::Local(message) => json!({ "error": { "reason": "LOCAL", "message": message } }),
            Self::Told => Value::Null,
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
                    "localized_message": failure.localized,
                    "hint": hint(&failure),
                    "rules": rules(&failure).collect::<Vec<_>>(),
                    "violations": violations,
                    "retry_after": failure.retry_after.map(|after| after.as_secs_f64()),
                } })
            }
        }
    }

    /// Tells it on standard error, in the form asked for.
    pub fn tell(&self, output: &Output) {
        use std::io::Write as _;
        if matches!(self, Self::Told) {
            return;
        }
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
    for rule in rules(failure) {
        let _ = write!(text, "\n  {}", styled(STRONG, rule));
        // A service may decide by rules that this build does not know.
        if let Some(known) = RuleSet::built_in().rule(rule) {
            let _ = write!(text, " {}", known.says());
        }
    }
    if let Some(hint) = hint(failure) {
        let _ = write!(text, "\n  {hint}");
    }
    if let Some(after) = failure.retry_after {
        let _ = write!(text, "\n  try again in {:.1} s", after.as_secs_f64());
    }
    text
}

/// The rules of policy that made a refusal, where it says so.
fn rules(failure: &StatusFailure) -> impl Iterator<Item = &str> {
    let said = failure.metadata.iter().filter(|(key, _)| key == "rules");
    said.flat_map(|(_, rules)| rules.split_whitespace())
}

/// What to do about it on this command line, where the services can only say it in terms of the API.
fn hint(failure: &StatusFailure) -> Option<&'static str> {
    (failure.reason() == Some(Reason::OfficerRequired))
        .then_some("say who acts with --officer NAME, or with the variable LIAISON__OFFICER")
}

/// The error and every cause below it that says something new.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut last = text.clone();
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        if said != last {
            let _ = write!(text, ": {said}");
        }
        last = said;
        cause = next.source();
    }
    text
}

impl From<DossierFileError> for Failure {
    fn from(error: DossierFileError) -> Self {
        Self::Local(chain(&error))
    }
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
            return Self::Usage(chain(&error));
        }
        Self::Local(chain(&error))
    }
}

/// What commands return.
pub type Outcome = Result<(), Failure>;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use liaison_types::{Error, Language};

    use super::*;

    fn refused(error: &Error, language: Language) -> Failure {
        let status = liaison_grpc::to_status(error, language);
        Failure::refused("pulling")(status)
    }

    #[test]
    fn programs_get_all_that_people_get() {
        let error = Error::overloaded(Duration::from_millis(1500));
        let json = refused(&error, Language::Fr).json();
        assert_eq!(json["error"]["what"], "pulling");
        assert_eq!(json["error"]["reason"], "OVERLOADED");
        assert_eq!(json["error"]["retry_after"], 1.5);
        assert_eq!(
            json["error"]["localized_message"],
            Reason::Overloaded.text(Language::Fr)
        );
        assert_eq!(
            json["error"]["message"],
            Reason::Overloaded.text(Language::En)
        );
        assert_eq!(json["error"]["hint"], Value::Null);
    }

    #[test]
    fn a_missing_officer_is_asked_for_as_the_command_line_takes_it() {
        let error = Error::new(ErrorKind::PermissionDenied, Reason::OfficerRequired);
        let failure = refused(&error, Language::En);
        assert!(failure.text().contains("--officer NAME"));
        assert!(failure.json().to_string().contains("--officer NAME"));
    }

    #[test]
    fn the_rules_of_a_refusal_are_named_and_say_what_they_say() {
        let rules = "purge.not-terminal of.another-rule-set";
        let error = Error::new(ErrorKind::PermissionDenied, Reason::PolicyDenied);
        let failure = refused(&error.metadata("rules", rules), Language::En);
        let text = anstream::adapter::strip_str(&failure.text()).to_string();
        assert!(text.contains("\n  purge.not-terminal Only a referral that is over is purged."));
        assert!(text.ends_with("\n  of.another-rule-set"), "{text}");
        let named = json!(["purge.not-terminal", "of.another-rule-set"]);
        assert_eq!(failure.json()["error"]["rules"], named);
    }

    #[test]
    fn nothing_is_said_twice() {
        let wrong = Error::new(ErrorKind::FailedPrecondition, Reason::SettingInvalid)
            .message("x is wrong")
            .source(io::Error::other("x is wrong"));
        let Failure::Local(message) = Failure::from(wrong) else {
            panic!("it is local");
        };
        assert_eq!(message, "x is wrong");
    }
}
