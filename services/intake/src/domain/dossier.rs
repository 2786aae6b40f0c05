//! What a dossier has to have. The content itself stays a sealed parcel of bytes; here is what the
//! decisions look at, and the forms of the values that have one.

use liaison_policy::purpose::Purpose;
use liaison_types::{IccsCode, Markings, Party, Timestamp};
use uuid::Uuid;

use super::vocabulary::{PersonStatus, ReferralKind, Urgency};

/// A dossier that is complete: every element that makes it admissible is there.
#[derive(Clone, PartialEq, Eq)]
pub struct Submission {
    /// Who submits.
    pub owner: Party,
    /// The submitting officer, as the owner names them.
    pub officer: Option<String>,
    /// What makes the call repeatable; absent where it is only checked.
    pub request_id: Option<Uuid>,
    /// The owner's own reference.
    pub bureau_reference: String,
    /// What is asked for.
    pub kind: ReferralKind,
    /// How pressing it is.
    pub urgency: Urgency,
    /// What it is for.
    pub purpose: Purpose,
    /// Declared ICCS codes.
    pub offences: Vec<IccsCode>,
    /// What may be done with it.
    pub markings: Markings,
    /// The persons, as far as decisions look at them.
    pub persons: Vec<Person>,
    /// Training traffic.
    pub exercise: bool,
    /// The whole dossier, encoded.
    pub content: Vec<u8>,
    /// SHA-256 of `content`.
    pub digest: [u8; 32],
}

impl std::fmt::Debug for Submission {
    /// Without anything that belongs to the content.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Submission")
            .field("owner", &self.owner)
            .field("kind", &self.kind)
            .field("urgency", &self.urgency)
            .field("content_bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}

impl Submission {
    /// Whether somebody suspected is a minor.
    #[must_use]
    pub fn minor_suspected(&self) -> bool {
        self.persons
            .iter()
            .any(|person| person.minor && person.status.is_suspected())
    }
}

/// A person, as far as decisions look at them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Person {
    /// What they have to do with the case.
    pub status: PersonStatus,
    /// A minor.
    pub minor: bool,
}

/// Whether `text` is a date of birth as far as it is known: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, a day
/// of the calendar that is not after `now` and not before 1850.
#[must_use]
pub fn is_date_of_birth(text: &str, now: Timestamp) -> bool {
    let digits = |part: &str, length: usize| {
        (part.len() == length && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse::<u16>().ok())
            .flatten()
    };
    let mut parts = text.split('-');
    let year = parts.next().and_then(|part| digits(part, 4));
    let month = parts.next().map(|part| digits(part, 2));
    let day = parts.next().map(|part| digits(part, 2));
    let (Some(year), None) = (year, parts.next()) else {
        return false;
    };
    let (Some(month), Some(day)) = (month.unwrap_or(Some(1)), day.unwrap_or(Some(1))) else {
        return false;
    };
    if year < 1850 || !(1..=12).contains(&month) || !(1..=days(year, month)).contains(&day) {
        return false;
    }
    let first = format!("{year:04}-{month:02}-{day:02}T00:00:00Z");
    // Half a day ahead of UTC it is the next day already.
    let latest = now + std::time::Duration::from_secs(14 * 60 * 60);
    Timestamp::parse_rfc3339(&first).is_ok_and(|at| at <= latest)
}

const fn days(year: u16, month: u16) -> u16 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

/// How sure information is said to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EvaluationFault {
    /// The scheme is neither `4x4` nor `6x6`.
    Scheme,
    /// The source is no value of the scheme.
    Source,
    /// The information is no value of the scheme.
    Information,
}

/// Everything that is wrong with an evaluation.
#[must_use]
pub fn evaluation_faults(scheme: &str, source: &str, information: &str) -> Vec<EvaluationFault> {
    let (sources, information_values): (&[&str], &[&str]) = match scheme {
        "4x4" => (&["A", "B", "C", "X"], &["1", "2", "3", "4"]),
        "6x6" => (
            &["A", "B", "C", "D", "E", "F"],
            &["1", "2", "3", "4", "5", "6"],
        ),
        _ => return vec![EvaluationFault::Scheme],
    };
    let mut faults = Vec::new();
    if !sources.contains(&source) {
        faults.push(EvaluationFault::Source);
    }
    if !information_values.contains(&information) {
        faults.push(EvaluationFault::Information);
    }
    faults
}

/// Whether `text` has the form of an IANA media type, `type/subtype`, without parameters.
#[must_use]
pub fn is_media_type(text: &str) -> bool {
    let name = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.len() <= 127
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    text.split_once('/')
        .is_some_and(|(kind, subtype)| name(kind) && name(subtype))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_772_352_000); // 2026-03-01

    #[test]
    fn dates_of_birth_are_days_of_the_past() {
        for good in [
            "1987",
            "1987-04",
            "1987-04-30",
            "2024-02-29",
            "2026-03-01",
            "1900-02-28",
        ] {
            assert!(is_date_of_birth(good, NOW), "{good}");
        }
        for bad in [
            "",
            "87",
            "1987-4",
            "1987-13",
            "1987-00",
            "1987-04-31",
            "2023-02-29",
            "1900-02-29",
            "1987-04-30-",
            "1987-04-30T",
            "2026-03-05",
            "2027",
            "1800",
            "+987",
            "1987-",
            "١٩٨٧",
        ] {
            assert!(!is_date_of_birth(bad, NOW), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,16}") {
            let _ = is_date_of_birth(&text, NOW);
            let _ = is_media_type(&text);
            let _ = evaluation_faults(&text, &text, &text);
        }
    }

    #[test]
    fn evaluations_stay_within_their_scheme() {
        assert_eq!(evaluation_faults("4x4", "X", "4"), []);
        assert_eq!(evaluation_faults("6x6", "F", "6"), []);
        assert_eq!(
            evaluation_faults("5x5x5", "A", "1"),
            [EvaluationFault::Scheme]
        );
        assert_eq!(
            evaluation_faults("4x4", "D", "5"),
            [EvaluationFault::Source, EvaluationFault::Information]
        );
    }

    #[test]
    fn media_types_have_two_parts() {
        for good in ["image/jpeg", "application/vnd.ms-excel", "text/x-log+json"] {
            assert!(is_media_type(good), "{good}");
        }
        for bad in [
            "",
            "jpeg",
            "image/",
            "/jpeg",
            "image/jpeg; q=1",
            "a/b/c",
            "im age/x",
        ] {
            assert!(!is_media_type(bad), "{bad}");
        }
    }
}
