//! The suite's own references, for example `2026-FR-000123`.

use liaison_types::{Party, Timestamp};

/// What is counted together: the referrals of one owner in one calendar year (UTC). Numbers run from
/// 1 and have no gaps.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Series {
    /// `FR` for the bureau `NB-FR`, `FR-PJ1` for its sub-bureau `NB-FR-PJ1`, `X-CUSTOMS` for the
    /// partner `customs`. No country is named `X`.
    pub prefix: String,
    /// The year.
    pub year: i32,
}

impl Series {
    /// The series of a referral that `owner` submits at `at`; `None` for parties that submit nothing.
    #[must_use]
    pub fn of(owner: &Party, at: Timestamp) -> Option<Self> {
        let prefix = match owner {
            Party::Bureau(code) => code.as_str().strip_prefix("NB-")?.to_owned(),
            Party::Partner(name) => format!("X-{}", name.as_str().to_uppercase()),
            Party::Unit(_)
            | Party::Desk(_)
            | Party::Service(_)
            | Party::Operator(_)
            | Party::Auditor(_) => return None,
        };
        Some(Self {
            prefix,
            year: at.year(),
        })
    }

    /// The reference with this number. Six digits, more where they are needed.
    #[must_use]
    pub fn reference(&self, number: i64) -> String {
        format!("{:04}-{}-{number:06}", self.year, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(party: &str, number: i64) -> Option<String> {
        let at = Timestamp::parse_rfc3339("2026-12-31T23:59:59Z").unwrap();
        Series::of(&party.parse().unwrap(), at).map(|series| series.reference(number))
    }

    #[test]
    fn references_name_year_owner_and_number() {
        assert_eq!(
            reference("bureau/NB-FR", 123).as_deref(),
            Some("2026-FR-000123")
        );
        assert_eq!(
            reference("bureau/NB-FR-PJ1", 1).as_deref(),
            Some("2026-FR-PJ1-000001")
        );
        assert_eq!(
            reference("partner/customs", 9).as_deref(),
            Some("2026-X-CUSTOMS-000009")
        );
        assert_eq!(
            reference("bureau/NB-FR", 1_234_567).as_deref(),
            Some("2026-FR-1234567")
        );
        assert_eq!(reference("unit/cyber", 1), None);
    }
}
