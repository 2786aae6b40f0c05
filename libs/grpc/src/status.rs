//! The only mapping between [`liaison_types::Error`] and [`tonic::Status`], in both directions.
//!
//! A status carries `google.rpc.ErrorInfo` always, `BadRequest` where fields are wrong, `RetryInfo`
//! where a repetition makes sense at a known time, `QuotaFailure` where a party has as much of
//! something as it may, and a `LocalizedMessage` in the caller's
//! language. Details travel in one header and clients accept about 8 KiB of headers, so everything
//! here is capped and says so where something was cut.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use liaison_identity::tls_refusal;
use liaison_types::{Error, ErrorKind, Language, Reason};
use tonic::{Code, Status, TimeoutExpired};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::quota;

/// `google.rpc.ErrorInfo.domain` of every status that Liaison itself makes.
pub const DOMAIN: &str = "liaison";

/// At most this many field violations travel; the metadata `violations_omitted` counts the rest.
pub const MAX_VIOLATIONS: usize = 32;

/// Longest message, in bytes.
const MAX_MESSAGE: usize = 512;
/// Longest field path, in bytes.
const MAX_FIELD: usize = 160;
/// Longest metadata value, in bytes.
const MAX_METADATA_VALUE: usize = 256;
/// Most metadata entries.
const MAX_METADATA: usize = 16;
/// Bytes of violations before base64. With the rest it stays under 8 KiB of headers.
const MAX_VIOLATION_BYTES: usize = 3072;

/// The status that tells `error` to a caller who reads `language`.
///
/// The cause never leaves the process: faults of ours are logged here, with their whole chain, once.
#[must_use]
pub fn to_status(error: &Error, language: Language) -> Status {
    match error.kind() {
        ErrorKind::Internal | ErrorKind::DataLoss => {
            tracing::error!(reason = error.reason().as_str(), cause = %error.chain(), "call failed");
        }
        ErrorKind::Unavailable => {
            tracing::warn!(reason = error.reason().as_str(), cause = %error.chain(), "call failed");
        }
        _ => {}
    }
    build(error, language)
}

fn build(error: &Error, language: Language) -> Status {
    let mut details = ErrorDetails::new();
    let mut metadata: HashMap<String, String> = error
        .metadata_list()
        .iter()
        .take(MAX_METADATA)
        .map(|(key, value)| ((*key).to_owned(), cut(value, MAX_METADATA_VALUE).to_owned()))
        .collect();
    let mut message = cut(&error.to_string(), MAX_MESSAGE).to_owned();

    let all = error.violation_list();
    if !all.is_empty() {
        let shown = violations(error, language);
        let omitted = all.len() - shown.len();
        if omitted > 0 {
            metadata.insert("violations_omitted".to_owned(), omitted.to_string());
            message.push_str(&format!(" ({omitted} more violations are not listed)"));
        }
        details.set_bad_request(shown);
    }

    details.set_error_info(error.reason().as_str(), DOMAIN, metadata);
    if let Some(delay) = error.retry_delay() {
        details.set_retry_info(Some(delay));
    }
    quota::describe(error, &mut details);
    details.set_localized_message(language.tag(), error.reason().text(language));
    Status::with_error_details(code(error.kind()), message, details)
}

/// What fits of the violations, described in the caller's language alone: with English beside it,
/// fewer would fit. Programs go by the `reason`, which is the same in every language; the
/// `LocalizedMessage` of the whole status names the language.
fn violations(error: &Error, language: Language) -> Vec<FieldViolation> {
    let mut spent = 0;
    let mut shown = Vec::new();
    for violation in error.violation_list().iter().take(MAX_VIOLATIONS) {
        let mut entry = FieldViolation::new(
            cut(&violation.field, MAX_FIELD),
            violation.rule.text(language),
        );
        entry.reason = violation.rule.code().to_owned();
        spent += entry.field.len() + entry.description.len() + entry.reason.len() + 12;
        if spent > MAX_VIOLATION_BYTES && !shown.is_empty() {
            break;
        }
        shown.push(entry);
    }
    shown
}

/// The longest prefix of `text` within `max` bytes that ends between two characters.
fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let end = (0..=max)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    &text[..end]
}

/// The code of a kind.
#[must_use]
pub const fn code(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::Cancelled => Code::Cancelled,
        ErrorKind::InvalidArgument => Code::InvalidArgument,
        ErrorKind::DeadlineExceeded => Code::DeadlineExceeded,
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::AlreadyExists => Code::AlreadyExists,
        ErrorKind::PermissionDenied => Code::PermissionDenied,
        ErrorKind::ResourceExhausted => Code::ResourceExhausted,
        ErrorKind::FailedPrecondition => Code::FailedPrecondition,
        ErrorKind::Aborted => Code::Aborted,
        ErrorKind::Unimplemented => Code::Unimplemented,
        ErrorKind::Internal => Code::Internal,
        ErrorKind::Unavailable => Code::Unavailable,
        ErrorKind::DataLoss => Code::DataLoss,
        ErrorKind::Unauthenticated => Code::Unauthenticated,
    }
}

/// The kind of a code, with the reason to assume where the status names none.
const fn kind(code: Code) -> (ErrorKind, Reason) {
    match code {
        Code::Cancelled => (ErrorKind::Cancelled, Reason::Cancelled),
        Code::InvalidArgument | Code::OutOfRange => {
            (ErrorKind::InvalidArgument, Reason::InvalidArgument)
        }
        Code::DeadlineExceeded => (ErrorKind::DeadlineExceeded, Reason::DeadlineExceeded),
        Code::NotFound => (ErrorKind::NotFound, Reason::NotFound),
        Code::AlreadyExists => (ErrorKind::AlreadyExists, Reason::Conflict),
        Code::PermissionDenied => (ErrorKind::PermissionDenied, Reason::CallerNotAllowed),
        Code::ResourceExhausted => (ErrorKind::ResourceExhausted, Reason::Overloaded),
        Code::FailedPrecondition => (ErrorKind::FailedPrecondition, Reason::IllegalState),
        Code::Aborted => (ErrorKind::Aborted, Reason::Conflict),
        Code::Unimplemented => (ErrorKind::Unimplemented, Reason::MethodNotFound),
        Code::Unavailable => (ErrorKind::Unavailable, Reason::Unavailable),
        Code::DataLoss => (ErrorKind::DataLoss, Reason::InconsistentData),
        Code::Unauthenticated => (ErrorKind::Unauthenticated, Reason::CertificateInvalid),
        Code::Internal | Code::Unknown | Code::Ok => (ErrorKind::Internal, Reason::Internal),
    }
}

/// The error that a called service's status means.
///
/// The message is taken over only from a status that Liaison made; texts of libraries and of the
/// network stay in the cause. Field violations are not taken over, because they speak about the
/// fields of the inner call; a program that shows them to people uses [`Failure`].
#[must_use]
pub fn from_status(status: Status) -> Error {
    let status = settle(status);
    let failure = Failure::read(&status);
    let (kind, assumed) = kind(status.code());
    let reason = failure.reason().unwrap_or(assumed);
    // On the wire this is RESOURCE_EXHAUSTED, as everywhere in gRPC, which otherwise means "later".
    // The same message stays too large for ever.
    let kind = if reason == Reason::MessageTooLarge {
        ErrorKind::InvalidArgument
    } else {
        kind
    };
    let mut error = Error::new(kind, reason);
    if failure.domain == DOMAIN && !status.message().is_empty() {
        error = error.message(cut(status.message(), MAX_MESSAGE));
    }
    if let Some(delay) = failure.retry_after {
        error = error.retry_after(delay);
    }
    error.source(status)
}

/// A status that a client got, put right before anybody decides by its code what to do next.
///
/// tonic says CANCELLED where a deadline that it watches itself runs out, on either side of a
/// connection. A connection that breaks shows as UNKNOWN, INTERNAL or CANCELLED, depending on where
/// hyper and h2 noticed it: all of that is UNAVAILABLE. Where TLS refused it, the reason says so.
#[must_use]
pub fn settle(status: Status) -> Status {
    if status.code() == Code::Cancelled
        && status.message() == TIMEOUT_EXPIRED
        && status.details().is_empty()
    {
        return deadline_exceeded(Language::En);
    }
    if let Some(refusal) = std::error::Error::source(&status).and_then(tls_refusal) {
        return certificate_rejected(refusal, status);
    }
    let mut cause = std::error::Error::source(&status);
    while let Some(next) = cause {
        if next.is::<TimeoutExpired>() {
            return deadline_exceeded(Language::En);
        }
        if next.is::<hyper::Error>() {
            return unavailable(status);
        }
        cause = next.source();
    }
    status
}

/// What a remote tonic writes when its own timer fires first.
const TIMEOUT_EXPIRED: &str = "Timeout expired";

/// The answer to a call whose time ran out.
pub(crate) fn deadline_exceeded(language: Language) -> Status {
    build(
        &Error::new(ErrorKind::DeadlineExceeded, Reason::DeadlineExceeded),
        language,
    )
}

/// A failed transport as a status: connection refused, server refused, peer gone, timer of the
/// channel. What libraries say about it stays in the source.
pub(crate) fn from_transport(error: Box<dyn std::error::Error + Send + Sync>) -> Status {
    let status = settle(Status::from_error(error));
    if status.details().is_empty() {
        unavailable(status)
    } else {
        status
    }
}

/// UNAVAILABLE, since files may be mended while programs wait, but not by waiting alone.
pub(crate) fn certificate_rejected(cause: String, status: Status) -> Status {
    let error =
        Error::new(ErrorKind::Unavailable, Reason::CertificateRejected).metadata("cause", cause);
    let mut rejected = build(&error, Language::En);
    rejected.set_source(Arc::new(status));
    rejected
}

fn unavailable(cause: Status) -> Status {
    let error = Error::new(ErrorKind::Unavailable, Reason::Unavailable);
    let mut status = build(&error, Language::En);
    status.set_source(Arc::new(cause));
    status
}

/// A status taken apart, for programs that show it to people.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The code.
    pub code: Code,
    /// `ErrorInfo.domain`; empty where the status carries none.
    pub domain: String,
    /// `ErrorInfo.reason` as sent; empty where the status carries none.
    pub reason_name: String,
    /// The English message.
    pub message: String,
    /// The message in the language that was asked for.
    pub localized: Option<String>,
    /// Field and what is wrong with it, in the language that was asked for.
    pub violations: Vec<(String, String)>,
    /// When a repetition makes sense.
    pub retry_after: Option<Duration>,
    /// `ErrorInfo.metadata`, sorted by key.
    pub metadata: Vec<(String, String)>,
}

impl Failure {
    /// Takes `status` apart. Details that cannot be decoded are treated as absent.
    #[must_use]
    pub fn read(status: &Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info();
        let mut metadata: Vec<_> = info
            .map(|info| {
                info.metadata
                    .iter()
                    .map(|(k, v)| (k.clone(), v.clone()))
                    .collect()
            })
            .unwrap_or_default();
        metadata.sort();
        Self {
            code: status.code(),
            domain: info.map(|info| info.domain.clone()).unwrap_or_default(),
            reason_name: info.map(|info| info.reason.clone()).unwrap_or_default(),
            message: status.message().to_owned(),
            localized: details.localized_message().map(|text| text.message.clone()),
            violations: details
                .bad_request()
                .map(|bad| bad.field_violations.iter().map(shown).collect())
                .unwrap_or_default(),
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
            metadata,
        }
    }

    /// The reason, where it is one that this version knows.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        (self.domain == DOMAIN)
            .then(|| self.reason_name.parse().ok())
            .flatten()
    }
}

/// A server that says it in two languages has the caller's in the `localized_message`.
fn shown(violation: &FieldViolation) -> (String, String) {
    let text = violation
        .localized_message
        .as_ref()
        .map_or(&violation.description, |localized| &localized.message);
    (violation.field.clone(), text.clone())
}

#[cfg(test)]
mod tests {
    use liaison_types::{Rule, Violation};
    use prost::Message as _;
    use prost_types::FileDescriptorSet;
    use tonic_types::LocalizedMessage;

    use super::*;

    fn many(count: usize) -> Error {
        Error::invalid(
            (0..count)
                .map(|i| Violation::new(format!("dossier.persons[{i}].status"), Rule::Required))
                .collect(),
        )
    }

    #[test]
    fn every_kind_survives_the_way_there_and_back() {
        for kind in [
            ErrorKind::Cancelled,
            ErrorKind::InvalidArgument,
            ErrorKind::DeadlineExceeded,
            ErrorKind::NotFound,
            ErrorKind::AlreadyExists,
            ErrorKind::PermissionDenied,
            ErrorKind::ResourceExhausted,
            ErrorKind::FailedPrecondition,
            ErrorKind::Aborted,
            ErrorKind::Unimplemented,
            ErrorKind::Internal,
            ErrorKind::Unavailable,
            ErrorKind::DataLoss,
            ErrorKind::Unauthenticated,
        ] {
            for reason in Reason::ALL
                .iter()
                .filter(|r| **r != Reason::MessageTooLarge)
            {
                let sent = Error::new(kind, *reason).retry_after(Duration::from_millis(1500));
                let got = from_status(to_status(&sent, Language::Ar));
                assert_eq!(
                    (got.kind(), got.reason(), got.retry_delay(), got.to_string()),
                    (kind, *reason, sent.retry_delay(), sent.to_string())
                );
            }
        }
    }

    #[test]
    fn a_message_too_large_is_not_sent_again() {
        let sent = Error::new(ErrorKind::ResourceExhausted, Reason::MessageTooLarge);
        assert!(!from_status(to_status(&sent, Language::En)).is_retryable());
    }

    #[test]
    fn the_cause_stays_inside() {
        let status = to_status(&Error::internal("password=hunter2"), Language::En);
        assert!(!format!("{status:?}").contains("hunter2"));
        assert!(!String::from_utf8_lossy(status.details()).contains("hunter2"));
    }

    #[test]
    fn violations_are_capped_and_the_rest_is_counted() {
        let failure = Failure::read(&to_status(&many(40), Language::En));
        assert_eq!(failure.violations.len(), MAX_VIOLATIONS);
        assert_eq!(
            failure.metadata,
            [("violations_omitted".to_owned(), "8".to_owned())]
        );
        assert!(
            failure
                .message
                .ends_with("(8 more violations are not listed)")
        );

        let few = Failure::read(&to_status(&many(3), Language::En));
        assert_eq!(few.violations.len(), 3);
        assert!(few.metadata.is_empty());
    }

    #[test]
    fn as_many_violations_fit_in_every_language() {
        for language in Language::ALL {
            let status = to_status(&many(MAX_VIOLATIONS), language);
            let failure = Failure::read(&status);
            assert_eq!(failure.violations.len(), MAX_VIOLATIONS, "{language}");
            assert!(failure.metadata.is_empty(), "{language}");
            let text = Rule::Required.text(language);
            assert!(failure.violations.iter().all(|(_, told)| *told == text));
        }
    }

    #[test]
    fn the_headers_stay_within_what_clients_accept() {
        let long = Error::invalid(
            (0..500)
                .map(|i| Violation::new(format!("{}[{i}]", "é".repeat(300)), Rule::TooLong(7)))
                .collect(),
        )
        .message("é".repeat(100_000))
        .metadata("state", "x".repeat(100_000));
        for language in Language::ALL {
            let status = to_status(&long, language);
            let mut headers = http::HeaderMap::new();
            status.add_header(&mut headers).unwrap();
            let size: usize = headers
                .iter()
                .map(|(k, v)| k.as_str().len() + v.len() + 32)
                .sum();
            assert!(size < 8 * 1024, "{language}: {size}");
            assert!(!Failure::read(&status).violations.is_empty());
        }
    }

    #[test]
    fn texts_speak_the_callers_language() {
        let status = to_status(&many(1), Language::Fr);
        let details = status.get_error_details();
        let violation = &details.bad_request().unwrap().field_violations[0];
        assert_eq!(violation.description, Rule::Required.text(Language::Fr));
        assert!(violation.localized_message.is_none());
        assert_eq!(violation.reason, "REQUIRED");
        let failure = Failure::read(&status);
        assert_eq!(
            failure.localized.as_deref(),
            Some(Reason::InvalidArgument.text(Language::Fr))
        );
        assert_eq!(failure.violations[0].1, Rule::Required.text(Language::Fr));
        assert_eq!(details.localized_message().unwrap().locale, "fr");
    }

    #[test]
    fn of_two_languages_the_callers_is_shown() {
        let mut wrong = FieldViolation::new("narrative", Rule::Required.text(Language::En));
        let text = Rule::Required.text(Language::Fr);
        wrong.localized_message = Some(LocalizedMessage::new("fr", text.clone()));
        let details = ErrorDetails::with_bad_request(vec![wrong]);
        let status = Status::with_error_details(Code::InvalidArgument, "x", details);
        assert_eq!(
            Failure::read(&status).violations,
            [("narrative".to_owned(), text)]
        );
    }

    #[test]
    fn a_timer_of_tonic_is_a_deadline_and_a_cancellation_is_not() {
        assert_eq!(
            from_status(Status::cancelled("Timeout expired")).kind(),
            ErrorKind::DeadlineExceeded
        );
        assert_eq!(
            from_status(Status::cancelled("gone")).kind(),
            ErrorKind::Cancelled
        );
    }

    #[test]
    fn foreign_texts_are_not_taken_over() {
        let error = from_status(Status::unavailable("tcp connect error: 10.1.2.3:7101"));
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(!error.to_string().contains("10.1.2.3"));
        assert!(error.chain().contains("10.1.2.3"));
    }

    #[test]
    fn the_reasons_are_those_of_the_schema() {
        let set = FileDescriptorSet::decode(liaison_proto::FILE_DESCRIPTOR_SET).unwrap();
        let schema = set
            .file
            .iter()
            .flat_map(|file| &file.enum_type)
            .find(|schema| schema.name() == "ErrorReason")
            .unwrap();
        let mut published: Vec<_> = schema
            .value
            .iter()
            .filter(|value| value.number() != 0)
            .map(|value| value.name().trim_start_matches("ERROR_REASON_"))
            .collect();
        let mut ours: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        published.sort_unstable();
        ours.sort_unstable();
        assert_eq!(published, ours);
    }

    #[test]
    fn damaged_details_are_no_details() {
        let status = Status::with_details(Code::NotFound, "x", vec![0xff; 9].into());
        assert_eq!(from_status(status).reason(), Reason::NotFound);
    }
}
