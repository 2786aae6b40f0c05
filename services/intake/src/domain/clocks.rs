//! By when a referral is decided on and answered. Every clock runs from receipt.

use std::time::Duration;

use liaison_types::Timestamp;

use super::vocabulary::{ReferralKind, Urgency};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// When a clock runs out, and which rule set it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deadline {
    /// The instant.
    pub due_at: Timestamp,
    /// The id of the rule.
    pub rule: &'static str,
}

/// A rule: how long a clock runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Rule {
    id: &'static str,
    length: Duration,
}

/// Every rule (Directive (EU) 2023/977 Article 5, and the hub's own for admissibility).
const RULES: [Rule; 7] = [
    Rule {
        id: "admissibility.emergency",
        length: HOUR,
    },
    Rule {
        id: "admissibility.urgent",
        length: Duration::from_secs(8 * 60 * 60),
    },
    Rule {
        id: "admissibility.routine",
        length: DAY,
    },
    Rule {
        id: "completion.emergency.direct",
        length: Duration::from_secs(8 * 60 * 60),
    },
    Rule {
        id: "completion.urgent.direct",
        length: Duration::from_secs(8 * 60 * 60),
    },
    // A unit that has only indirect access declares it; then three days run instead of eight hours.
    Rule {
        id: "completion.urgent.indirect",
        length: Duration::from_secs(3 * 24 * 60 * 60),
    },
    Rule {
        id: "completion.routine",
        length: Duration::from_secs(7 * 24 * 60 * 60),
    },
];

/// The rule ids that may stand in the database.
#[must_use]
pub fn rule_id(text: &str) -> Option<&'static str> {
    RULES.iter().map(|rule| rule.id).find(|id| *id == text)
}

/// Both clocks of a referral.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clocks {
    /// By when its admissibility is decided.
    pub admissibility: Deadline,
    /// By when the lead unit reports; none where no reply is due.
    pub completion: Option<Deadline>,
}

impl Clocks {
    /// The clocks of a referral received at `received_at`.
    #[must_use]
    pub fn new(kind: ReferralKind, urgency: Urgency, received_at: Timestamp) -> Self {
        let (admissibility, completion) = match urgency {
            Urgency::EmergencyLife => ("admissibility.emergency", "completion.emergency.direct"),
            Urgency::Urgent => ("admissibility.urgent", "completion.urgent.direct"),
            Urgency::Routine => ("admissibility.routine", "completion.routine"),
        };
        Self {
            admissibility: deadline(admissibility, received_at),
            completion: (kind != ReferralKind::SpontaneousInformation)
                .then(|| deadline(completion, received_at)),
        }
    }
}

fn deadline(id: &'static str, received_at: Timestamp) -> Deadline {
    let length = RULES
        .iter()
        .find(|rule| rule.id == id)
        .map_or(DAY, |rule| rule.length);
    Deadline {
        due_at: received_at + length,
        rule: id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_are_those_of_the_directive() {
        let at = Timestamp::from_seconds(1_772_352_000);
        let hours = |deadline: Deadline| deadline.due_at.since(at).as_secs() / 3_600;
        for (urgency, admissibility, completion) in [
            (Urgency::EmergencyLife, 1, 8),
            (Urgency::Urgent, 8, 8),
            (Urgency::Routine, 24, 7 * 24),
        ] {
            let clocks = Clocks::new(ReferralKind::RequestForInformation, urgency, at);
            assert_eq!(hours(clocks.admissibility), admissibility, "{urgency}");
            assert_eq!(clocks.completion.map(hours), Some(completion), "{urgency}");
        }
    }

    #[test]
    fn information_given_unasked_needs_no_answer() {
        for urgency in Urgency::ALL {
            let at = Timestamp::from_seconds(0);
            let clocks = Clocks::new(ReferralKind::SpontaneousInformation, *urgency, at);
            assert_eq!(clocks.completion, None);
        }
    }

    #[test]
    fn rules_have_one_id_each_and_are_found_by_it() {
        for (index, rule) in RULES.iter().enumerate() {
            assert!(RULES[index + 1..].iter().all(|other| other.id != rule.id));
            assert_eq!(rule_id(rule.id), Some(rule.id));
        }
        assert_eq!(rule_id("completion.never"), None);
    }
}
