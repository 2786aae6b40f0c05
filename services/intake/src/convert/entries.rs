//! Reading the lists of a dossier: places, persons, identifiers, evidence.

use liaison_grpc::wire::{Checks, Path, read_markings};
use liaison_proto::intake;
use liaison_types::{CountryCode, Form, Rule, Timestamp};

use crate::domain::Person;
use crate::domain::dossier::{is_date_of_birth, is_media_type};
use crate::domain::vocabulary::PersonStatus;

const MAX_OCCURRENCES: usize = 64;
const MAX_PLACE: usize = 300;
const MAX_PERSONS: usize = 256;
const MAX_NAME: usize = 200;
const MAX_ALIASES: usize = 16;
const MAX_NATIONALITIES: usize = 8;
const MAX_PURPOSE_LINK: usize = 500;
const MAX_DOCUMENT: usize = 100;
const MAX_IDENTIFIERS: usize = 512;
const MAX_IDENTIFIER: usize = 500;
const MAX_EVIDENCE: usize = 256;
const MAX_LOCATOR: usize = 500;
const SHA256_BYTES: usize = 32;

/// Where and when it happened. Facts are complete with one place and one time, in one entry or in two
/// (domain: element 3 of an admissible dossier).
pub fn occurrences(checks: &mut Checks, path: Path<'_>, given: &[intake::Occurrence]) {
    let has_place = |occurrence: &intake::Occurrence| {
        !occurrence.place.trim().is_empty() || !occurrence.country.is_empty()
    };
    let has_time =
        |occurrence: &intake::Occurrence| occurrence.from.is_some() || occurrence.to.is_some();
    checks.ensure(!given.is_empty(), path, Rule::Required);
    for (index, occurrence) in checks
        .at_most(path, given, MAX_OCCURRENCES)
        .iter()
        .enumerate()
    {
        let path = path.index(index);
        checks.line(path.field("place"), &occurrence.place, MAX_PLACE);
        checks.optional_parse::<CountryCode>(
            path.field("country"),
            &occurrence.country,
            Form::CountryCode,
        );
        let from = checks.optional_instant(path.field("from"), occurrence.from.as_ref());
        let to = checks.optional_instant(path.field("to"), occurrence.to.as_ref());
        if let (Some(from), Some(to)) = (from, to) {
            checks.ensure(from <= to, path.field("to"), Rule::Before("from"));
        }
        if !has_place(occurrence) && !has_time(occurrence) {
            checks.ensure(false, path, Rule::Required);
        } else if index == 0 {
            let place = given.iter().any(has_place);
            checks.ensure(place, path.field("place"), Rule::Required);
            let time = given.iter().any(has_time);
            checks.ensure(time, path.field("from"), Rule::Required);
        }
    }
}

/// Persons; what decisions look at is returned.
pub fn persons(
    checks: &mut Checks,
    path: Path<'_>,
    given: &[intake::Person],
    now: Timestamp,
) -> Vec<Person> {
    let given = checks.at_most(path, given, MAX_PERSONS);
    let mut persons = Vec::with_capacity(given.len());
    for (index, person) in given.iter().enumerate() {
        let path = path.index(index);
        let status: Option<PersonStatus> =
            checks.named::<intake::PersonStatus, _>(path.field("status"), person.status);
        name(checks, path, person, status);
        if !person.date_of_birth.is_empty() {
            let right = is_date_of_birth(&person.date_of_birth, now);
            checks.ensure(
                right,
                path.field("date_of_birth"),
                Rule::Malformed(Form::DateOfBirth),
            );
        }
        let field = path.field("nationalities");
        let nationalities = checks.at_most(field, &person.nationalities, MAX_NATIONALITIES);
        for (index, country) in nationalities.iter().enumerate() {
            checks.parse::<CountryCode>(field.index(index), country, Form::CountryCode);
        }
        checks.required_line(
            path.field("purpose_link"),
            &person.purpose_link,
            MAX_PURPOSE_LINK,
        );
        checks.line(path.field("document"), &person.document, MAX_DOCUMENT);
        persons.extend(status.map(|status| Person {
            status,
            minor: person.minor,
        }));
    }
    persons
}

fn name(
    checks: &mut Checks,
    path: Path<'_>,
    person: &intake::Person,
    status: Option<PersonStatus>,
) {
    let family_name = path.field("family_name");
    checks.line(family_name, &person.family_name, MAX_NAME);
    checks.line(path.field("given_names"), &person.given_names, MAX_NAME);
    let suspected = status.is_some_and(PersonStatus::is_suspected);
    if suspected && !person.identity_unknown && person.family_name.trim().is_empty() {
        checks.add(
            family_name,
            Rule::RequiredUnless("status", "identity_unknown"),
        );
    }
    let field = path.field("aliases");
    for (index, alias) in checks
        .at_most(field, &person.aliases, MAX_ALIASES)
        .iter()
        .enumerate()
    {
        checks.required_line(field.index(index), alias, MAX_NAME);
    }
}

/// Things that identify. Where the schema names a form, they have it.
pub fn identifiers(checks: &mut Checks, path: Path<'_>, given: &[intake::Identifier]) {
    for (index, identifier) in checks
        .at_most(path, given, MAX_IDENTIFIERS)
        .iter()
        .enumerate()
    {
        let path = path.index(index);
        let kind = checks.enum_value::<intake::IdentifierKind>(path.field("kind"), identifier.kind);
        let (field, value) = (path.field("value"), identifier.value.as_str());
        checks.required_line(field, value, MAX_IDENTIFIER);
        if value.trim().is_empty() {
            continue;
        }
        let (right, form) = match kind {
            Some(intake::IdentifierKind::Phone) => (is_phone(value), Form::Phone),
            Some(intake::IdentifierKind::Email) => (is_email(value), Form::Email),
            Some(intake::IdentifierKind::IpAddress) => {
                (value.parse::<std::net::IpAddr>().is_ok(), Form::IpAddress)
            }
            Some(intake::IdentifierKind::FileHash) => (is_file_hash(value), Form::FileHash),
            _ => continue,
        };
        checks.ensure(right, field, Rule::Malformed(form));
    }
}

/// E.164, whatever separates the digits for the eye.
fn is_phone(text: &str) -> bool {
    let Some(rest) = text.trim().strip_prefix('+') else {
        return false;
    };
    let digits = rest.bytes().filter(u8::is_ascii_digit).count();
    (7..=15).contains(&digits)
        && rest
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '(' | ')' | '/'))
}

/// One `@` with something on both sides: what is deliverable, nobody here can know.
fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty()
            && !host.is_empty()
            && !host.contains('@')
            && !text.contains(char::is_whitespace)
    })
}

fn is_file_hash(text: &str) -> bool {
    text.len() == 2 * SHA256_BYTES && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The manifest of what the sender holds. The bytes are no part of it.
pub fn evidence(
    checks: &mut Checks,
    path: Path<'_>,
    given: &[intake::EvidenceEntry],
    now: Timestamp,
) {
    for (index, entry) in checks.at_most(path, given, MAX_EVIDENCE).iter().enumerate() {
        let path = path.index(index);
        checks.required_line(path.field("label"), &entry.label, MAX_NAME);
        if !entry.media_type.is_empty() {
            let right = is_media_type(&entry.media_type);
            checks.ensure(
                right,
                path.field("media_type"),
                Rule::Malformed(Form::MediaType),
            );
        }
        let right = entry.size_bytes >= 0;
        checks.ensure(
            right,
            path.field("size_bytes"),
            Rule::OutOfRange(0, i64::MAX),
        );
        let right = entry.sha256.len() == SHA256_BYTES;
        checks.ensure(right, path.field("sha256"), Rule::Malformed(Form::Digest));
        let at = path.field("collected_at");
        let collected = checks.optional_instant(at, entry.collected_at.as_ref());
        checks.ensure(
            collected.is_none_or(|collected| collected <= now),
            at,
            Rule::InFuture,
        );
        checks.line(path.field("collected_by"), &entry.collected_by, MAX_NAME);
        checks.line(path.field("locator"), &entry.locator, MAX_LOCATOR);
        // They stay in the content, with the text of H3, and are read again whenever it is opened.
        read_markings(checks, path.field("markings"), entry.markings.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_their_form() {
        for good in ["+33612345678", "+33 6 12 34 56 78", "+1 (202) 555-0173"] {
            assert!(is_phone(good), "{good}");
        }
        for bad in [
            "0612345678",
            "+12",
            "+33x12345678",
            "+1234567890123456",
            "+٣٣٦١٢٣٤٥٦٧٨",
        ] {
            assert!(!is_phone(bad), "{bad}");
        }
        assert!(is_email("a.b@example.org") && is_email("محمد@example.org"));
        for bad in ["", "@", "a@", "@b", "a@b@c", "a b@c"] {
            assert!(!is_email(bad), "{bad}");
        }
        assert!(is_file_hash(&"aB".repeat(32)) && !is_file_hash(&"a".repeat(63)));
    }
}
