//! Durations as people write them in settings: `250ms`, `30s`, `5m`, `8h`, `7d`.
//!
//! Use as `#[serde(with = "liaison_types::duration")]`.

use std::fmt;
use std::time::Duration;

use serde::{Deserializer, Serializer, de};

/// The units, largest first, and how many milliseconds each has.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// The text is not a whole number followed by a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a duration; write a whole number and a unit (ms, s, m, h or d), for example 30s")]
pub struct ParseDurationError;

/// Reads a whole number followed by `ms`, `s`, `m`, `h` or `d`.
///
/// # Errors
/// Where the text has another form or does not fit 64 bits of milliseconds.
pub fn parse(text: &str) -> Result<Duration, ParseDurationError> {
    let text = text.trim();
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .ok_or(ParseDurationError)?;
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().map_err(|_| ParseDurationError)?;
    let (_, millis) = UNITS
        .iter()
        .find(|(name, _)| *name == unit.trim_start())
        .ok_or(ParseDurationError)?;
    number
        .checked_mul(*millis)
        .map(Duration::from_millis)
        .ok_or(ParseDurationError)
}

/// Writes the form that [`parse`] reads, with the largest unit that divides the duration. What is
/// below a millisecond is dropped.
#[must_use]
pub fn format(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if millis == 0 {
        return "0s".to_owned();
    }
    UNITS
        .iter()
        .find(|(_, unit)| millis.is_multiple_of(*unit))
        .map_or_else(
            || format!("{millis}ms"),
            |(name, unit)| format!("{}{name}", millis / unit),
        )
}

/// For `#[serde(with)]`.
///
/// # Errors
/// Where the serializer fails.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*duration))
}

/// For `#[serde(with)]`.
///
/// # Errors
/// Where the value is not a text that [`parse`] reads.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    struct Visitor;

    impl de::Visitor<'_> for Visitor {
        type Value = Duration;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a duration such as 250ms, 30s, 5m, 8h or 7d")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
            parse(text).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }

    deserializer.deserialize_str(Visitor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_every_unit() {
        for (text, millis) in [
            ("250ms", 250),
            ("30s", 30_000),
            ("5m", 300_000),
            ("8h", 28_800_000),
            ("0s", 0),
        ] {
            let duration = Duration::from_millis(millis);
            assert_eq!(parse(text), Ok(duration));
            assert_eq!(format(duration), text);
        }
        assert_eq!(parse(" 7 d "), Ok(Duration::from_secs(604_800)));
    }

    #[test]
    fn refuses_what_is_no_duration() {
        for text in [
            "",
            "30",
            "s",
            "-1s",
            "1.5s",
            "1s30",
            "99999999999999999999s",
            "1w",
        ] {
            assert_eq!(parse(text), Err(ParseDurationError), "{text}");
        }
    }
}
