//! What ends when, and whom to tell how often.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use liaison_types::{Timestamp, duration};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What sort of thing ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ValidityKind {
    /// The certificate of this process.
    Own,
    /// A certificate between the own one and the authority.
    Intermediate,
    /// An authority that is trusted.
    Authority,
    /// A revocation list: its `nextUpdate`. It stays in force after that.
    RevocationList,
}

impl ValidityKind {
    /// A stable word for metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Intermediate => "intermediate",
            Self::Authority => "authority",
            Self::RevocationList => "revocation_list",
        }
    }

    /// What to do before it ends.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Own => {
                "issue a new certificate in its place (`liaison certs renew`); it is read without a \
                 restart"
            }
            Self::Intermediate => "have a new one issued and put it into the certificate's file",
            Self::Authority => {
                "begin to replace it (`liaison certs rotate begin`); nothing that it issued outlives \
                 it"
            }
            Self::RevocationList => {
                "put the authority's next list in its place; until then this one stays in force"
            }
        }
    }
}

/// Something that this process holds, and when it ends.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Validity {
    /// What it is.
    pub kind: ValidityKind,
    /// Which one: the party, the subject's name with the beginning of the serial number, or the
    /// issuer of the list. From files of the operator, so there are only a few.
    pub name: String,
    /// When it ends.
    pub until: Timestamp,
}

impl Validity {
    /// Whole seconds until the end; negative after it.
    #[must_use]
    pub fn seconds_left(&self, now: Timestamp) -> i64 {
        self.until.to_seconds_and_nanos().0 - now.to_seconds_and_nanos().0
    }
}

/// How long before something ends to warn: distinct durations, the longest first.
///
/// Its text form is a list separated by commas, `30d, 7d, 1d`, so that one variable of the
/// environment can hold it. The empty list never warns beforehand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WarnBefore(Vec<Duration>);

/// The text is no list of durations.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a list of durations such as 30d, 7d, 1d")]
pub struct ParseWarnBeforeError;

impl Default for WarnBefore {
    /// Thirty days, seven days, one day.
    fn default() -> Self {
        Self(
            [30, 7, 1]
                .map(|days| Duration::from_secs(days * 86_400))
                .into(),
        )
    }
}

impl WarnBefore {
    /// The durations, the longest first.
    #[must_use]
    pub fn durations(&self) -> &[Duration] {
        &self.0
    }
}

impl FromStr for WarnBefore {
    type Err = ParseWarnBeforeError;

    fn from_str(text: &str) -> Result<Self, ParseWarnBeforeError> {
        let mut durations: Vec<Duration> = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| duration::parse(part).map_err(|_| ParseWarnBeforeError))
            .collect::<Result<_, _>>()?;
        durations.sort_unstable_by(|a, b| b.cmp(a));
        durations.dedup();
        Ok(Self(durations))
    }
}

impl fmt::Display for WarnBefore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self.0.iter().map(|d| duration::format(*d)).collect();
        f.write_str(&parts.join(", "))
    }
}

impl Serialize for WarnBefore {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WarnBefore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Something ends soon, or has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExpiryWarning {
    /// What.
    pub validity: Validity,
    /// How long is left; `None` where it is over.
    pub left: Option<Duration>,
}

/// Remembers what was said, so that every threshold is told once for everything that ends.
///
/// Where several were crossed since the last look, as after a start, only the last of them is told.
/// What was replaced by something that ends later is a new thing and begins anew.
#[derive(Clone, Debug)]
pub struct ExpiryWatch {
    warn: WarnBefore,
    /// How many thresholds were crossed when it was last told; the end itself is one of them.
    told: BTreeMap<Validity, usize>,
}

impl ExpiryWatch {
    /// A watch that has told nothing yet.
    #[must_use]
    pub const fn new(warn: WarnBefore) -> Self {
        Self {
            warn,
            told: BTreeMap::new(),
        }
    }

    /// What is to be told at `now` about everything that is held.
    pub fn look(&mut self, now: Timestamp, held: &[Validity]) -> Vec<ExpiryWarning> {
        let mut warnings = Vec::new();
        let mut told = BTreeMap::new();
        for validity in held {
            let before = self.told.get(validity).copied().unwrap_or(0);
            let crossed = self.crossed(now, validity.until);
            if crossed > before {
                warnings.push(ExpiryWarning {
                    validity: validity.clone(),
                    left: (now < validity.until).then(|| validity.until.since(now)),
                });
            }
            told.insert(validity.clone(), crossed.max(before));
        }
        self.told = told;
        warnings
    }

    fn crossed(&self, now: Timestamp, until: Timestamp) -> usize {
        let left = until.since(now);
        let thresholds = self.warn.0.iter().filter(|before| left <= **before);
        thresholds.count() + usize::from(now >= until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn own(until: Timestamp) -> Validity {
        Validity {
            kind: ValidityKind::Own,
            name: "service/intake".to_owned(),
            until,
        }
    }

    #[test]
    fn each_threshold_is_told_once_and_a_renewed_certificate_begins_anew() {
        let begin = Timestamp::from_seconds(1_772_352_000);
        let held = [own(begin + 60 * DAY)];
        let mut watch = ExpiryWatch::new(WarnBefore::default());
        let mut said = Vec::new();
        for hour in 0..(62 * 24) {
            let now = begin + hour * DAY / 24;
            for warning in watch.look(now, &held) {
                said.push((hour, warning.left));
            }
        }
        assert_eq!(
            said,
            [
                (30 * 24, Some(30 * DAY)),
                (53 * 24, Some(7 * DAY)),
                (59 * 24, Some(DAY)),
                (60 * 24, None)
            ]
        );
        let renewed = [own(begin + 70 * DAY)];
        let again = watch.look(begin + 61 * DAY, &renewed);
        assert_eq!(again[0].left, Some(9 * DAY));
        assert_eq!(watch.look(begin + 61 * DAY, &renewed), []);
    }

    #[test]
    fn a_start_tells_only_the_nearest_and_each_thing_for_itself() {
        let now = Timestamp::from_seconds(1_772_352_000);
        let list = Validity {
            kind: ValidityKind::RevocationList,
            ..own(now + DAY / 2)
        };
        let mut watch = ExpiryWatch::new("1d, 30d".parse().unwrap());
        let said = watch.look(now, &[own(now + DAY / 2), list, own(now + 90 * DAY)]);
        assert_eq!(said.len(), 2);
        assert!(said.iter().all(|warning| warning.left == Some(DAY / 2)));
        assert_eq!(own(now).seconds_left(now + DAY), -86_400);
    }

    #[test]
    fn lists_of_thresholds_are_read_in_any_order() {
        let warn: WarnBefore = "1d,30d, 7d, 7d".parse().unwrap();
        assert_eq!(warn, WarnBefore::default());
        assert_eq!(warn.to_string(), "30d, 7d, 1d");
        assert!("".parse::<WarnBefore>().unwrap().durations().is_empty());
        assert_eq!("soon".parse::<WarnBefore>(), Err(ParseWarnBeforeError));
        let mut silent = ExpiryWatch::new("".parse().unwrap());
        let now = Timestamp::from_seconds(0);
        assert_eq!(silent.look(now, &[own(now + DAY)]), []);
        assert_eq!(
            silent.look(now, &[own(now)])[0].left,
            None,
            "the end is always told"
        );
    }
}
