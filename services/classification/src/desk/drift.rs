//! How the machine's decisions change from week to week.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use liaison_types::{Timestamp, UnitCode};

const DAY: i64 = 24 * 60 * 60 * 1_000_000;
/// Monday, 1970-01-05, in microseconds: the first week that began after the epoch.
const FIRST: i64 = 4 * DAY;

/// A week from Monday 00:00 UTC on, as ISO 8601 counts them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Week(i64);

impl Week {
    /// The number of weeks since the one that began on 1970-01-05.
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// The week of `at`.
    #[must_use]
    pub const fn of(at: Timestamp) -> Self {
        Self((at.as_micros() - FIRST).div_euclid(7 * DAY))
    }

    /// The week so many weeks earlier.
    #[must_use]
    pub fn earlier(self, weeks: u32) -> Self {
        Self(self.0 - i64::from(weeks))
    }

    /// When it begins.
    #[must_use]
    pub const fn since(self) -> Timestamp {
        Timestamp::from_micros(FIRST + self.0 * 7 * DAY)
    }
}

impl fmt::Display for Week {
    /// As ISO 8601 writes it, for example `2026-W47`: the year is that of its Thursday.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thursday = self.since() + Duration::from_hours(3 * 24);
        let year = thursday.year();
        let first = Timestamp::parse_rfc3339(&format!("{year:04}-01-01T00:00:00Z"));
        let first = first.map_err(|_| fmt::Error)?;
        let number = (thursday.as_micros() - first.as_micros()) / (7 * DAY) + 1;
        write!(f, "{year:04}-W{number:02}")
    }
}

/// Decisions of one week by one rule set that come to the same lead.
#[derive(Clone, PartialEq, Debug)]
pub struct Slice {
    /// The week of the decisions.
    pub week: Week,
    /// The version of the rule set that made them.
    pub rule_set: String,
    /// The lead; none where it is no unit's business.
    pub lead: Option<UnitCode>,
    /// How many there are.
    pub decisions: i64,
    /// How many of them went to people.
    pub reviews: i64,
    /// How many of them people changed later, to another lead.
    pub changed: i64,
    /// The sum of the confidences that are known.
    pub confidence: f64,
    /// How many confidences are known.
    pub measured: i64,
}

/// The machine's decisions of one week by one rule set.
#[derive(Clone, PartialEq, Debug)]
pub struct WeekFigures {
    /// The week.
    pub week: Week,
    /// The version of the rule set.
    pub rule_set: String,
    /// How many there are.
    pub decisions: i64,
    /// How many there are of each lead, in the order of their codes; none of the units comes first.
    pub leads: Vec<(Option<UnitCode>, i64)>,
    /// The mean probability of the answer given, from the text alone; none where none is known.
    pub confidence: Option<f64>,
    /// How many of them went to people.
    pub reviews: i64,
    /// How many of them people changed later, to another lead.
    pub changed: i64,
}

/// One row a week and rule set, the newest week first.
#[must_use]
pub fn figures(slices: Vec<Slice>) -> Vec<WeekFigures> {
    let mut rows: BTreeMap<(Week, String), Vec<Slice>> = BTreeMap::new();
    for slice in slices {
        let key = (slice.week, slice.rule_set.clone());
        rows.entry(key).or_default().push(slice);
    }
    let summed = |((week, rule_set), slices): ((Week, String), Vec<Slice>)| {
        let sum = |of: fn(&Slice) -> i64| slices.iter().map(of).sum();
        let measured: i64 = sum(|slice| slice.measured);
        let confidence: f64 = slices.iter().map(|slice| slice.confidence).sum();
        let mut leads: Vec<_> = slices
            .iter()
            .map(|slice| (slice.lead.clone(), slice.decisions))
            .collect();
        leads.sort();
        WeekFigures {
            week,
            rule_set,
            decisions: sum(|slice| slice.decisions),
            leads,
            confidence: (measured > 0).then(|| confidence / count(measured)),
            reviews: sum(|slice| slice.reviews),
            changed: sum(|slice| slice.changed),
        }
    };
    rows.into_iter().rev().map(summed).collect()
}

impl WeekFigures {
    /// Which share of the decisions `part` of them is, from 0 to 1.
    #[must_use]
    pub fn share(&self, part: i64) -> f64 {
        count(part) / count(self.decisions.max(1))
    }
}

/// Exact up to 2⁵³, which no week reaches.
#[expect(
    clippy::cast_precision_loss,
    reason = "no week has that many decisions"
)]
const fn count(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn week(day: &str) -> Week {
        Week::of(Timestamp::parse_rfc3339(&format!("{day}T23:59:59.999999Z")).unwrap())
    }

    #[test]
    fn weeks_are_those_of_iso_8601() {
        for (day, name) in [
            ("1970-01-05", "1970-W02"),
            ("2026-11-22", "2026-W47"),
            ("2026-11-23", "2026-W48"),
            // The last days of a year may be in the first week of the next, and the other way round.
            ("2024-12-29", "2024-W52"),
            ("2024-12-30", "2025-W01"),
            ("2026-12-31", "2026-W53"),
            ("2027-01-03", "2026-W53"),
            ("2027-01-04", "2027-W01"),
        ] {
            assert_eq!(week(day).to_string(), name, "{day}");
        }
        let monday = week("2026-11-22").since();
        assert_eq!(monday.to_string(), "2026-11-16T00:00:00Z");
        assert_eq!(Week::of(monday), week("2026-11-22"));
        assert_eq!(week("2026-11-22").earlier(1), week("2026-11-15"));
    }

    #[test]
    fn slices_are_summed_by_week_and_rule_set() {
        let slice = |day, rule_set: &str, lead: Option<&str>, decisions| Slice {
            week: week(day),
            rule_set: rule_set.into(),
            lead: lead.map(|lead| lead.parse().unwrap()),
            decisions,
            reviews: 1,
            changed: 0,
            confidence: 0.5,
            measured: 1,
        };
        let rows = figures(vec![
            slice("2026-11-15", "1", Some("cyber"), 2),
            slice("2026-11-22", "1", Some("terrorism"), 4),
            slice("2026-11-22", "2", Some("cyber"), 8),
            slice("2026-11-22", "1", None, 16),
            slice("2026-11-22", "1", Some("cyber"), 1),
        ]);
        let found: Vec<_> = rows
            .iter()
            .map(|row| (row.week.to_string(), row.rule_set.as_str(), row.decisions))
            .collect();
        assert_eq!(
            found,
            [
                ("2026-W47".to_owned(), "2", 8),
                ("2026-W47".to_owned(), "1", 21),
                ("2026-W46".to_owned(), "1", 2),
            ]
        );
        let leads: Vec<_> = rows[1]
            .leads
            .iter()
            .map(|(lead, count)| (lead.as_ref().map(UnitCode::as_str), *count))
            .collect();
        let expected = [(None, 16), (Some("cyber"), 1), (Some("terrorism"), 4)];
        assert_eq!(leads, expected);
        assert_eq!((rows[1].confidence, rows[1].reviews), (Some(0.5), 3));
        assert!((rows[0].share(2) - 0.25).abs() < 1e-9);
    }
}
