//! How long the clocks of a referral run.
//!
//! Completion: Directive (EU) 2023/977 Article 5. Admissibility: the hub's own.

use std::time::Duration;

use liaison_types::referral::{ReferralKind, Urgency};

/// How long a clock runs, and which rule says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClockRule {
    /// The rule's id.
    pub id: &'static str,
    /// From receipt.
    pub length: Duration,
}

const fn rule(id: &'static str, hours: u64) -> ClockRule {
    ClockRule {
        id,
        length: Duration::from_hours(hours),
    }
}

const ADMISSIBILITY_EMERGENCY: ClockRule = rule("admissibility.emergency", 1);
const ADMISSIBILITY_URGENT: ClockRule = rule("admissibility.urgent", 8);
const ADMISSIBILITY_ROUTINE: ClockRule = rule("admissibility.routine", 24);
const COMPLETION_EMERGENCY: ClockRule = rule("completion.emergency.direct", 8);
const COMPLETION_URGENT: ClockRule = rule("completion.urgent.direct", 8);
/// Urgent, and the lead unit has declared that it has only indirect access.
pub const COMPLETION_URGENT_INDIRECT: ClockRule = rule("completion.urgent.indirect", 3 * 24);
const COMPLETION_ROUTINE: ClockRule = rule("completion.routine", 7 * 24);

const CONSENT_URGENT: ClockRule = rule("consent.urgent", 8);
const CONSENT_ROUTINE: ClockRule = rule("consent.routine", 3 * 24);

/// Five years of 365.25 days, for nominal data (domain reference, clocks: retention).
const RETENTION_NOMINAL: ClockRule = rule("retention.nominal", 5 * 8_766);

const ALL: [ClockRule; 10] = [
    ADMISSIBILITY_EMERGENCY,
    ADMISSIBILITY_URGENT,
    ADMISSIBILITY_ROUTINE,
    COMPLETION_EMERGENCY,
    COMPLETION_URGENT,
    COMPLETION_URGENT_INDIRECT,
    COMPLETION_ROUTINE,
    CONSENT_URGENT,
    CONSENT_ROUTINE,
    RETENTION_NOMINAL,
];

/// The rule with this id.
#[must_use]
pub fn clock_rule(id: &str) -> Option<ClockRule> {
    ALL.into_iter().find(|rule| rule.id == id)
}

/// By when it is decided whether a referral is admissible.
#[must_use]
pub const fn admissibility(urgency: Urgency) -> ClockRule {
    match urgency {
        Urgency::EmergencyLife => ADMISSIBILITY_EMERGENCY,
        Urgency::Urgent => ADMISSIBILITY_URGENT,
        Urgency::Routine => ADMISSIBILITY_ROUTINE,
    }
}

/// By when the owner answers a request for consent, from the request on. No answer is a refusal: nothing
/// is passed on because somebody was away. This project's own decision: what is pressing is answered
/// within the time for the case itself, the rest within the three days of an urgent one.
#[must_use]
pub const fn consent(urgency: Urgency) -> ClockRule {
    match urgency {
        Urgency::EmergencyLife | Urgency::Urgent => CONSENT_URGENT,
        Urgency::Routine => CONSENT_ROUTINE,
    }
}

/// How long the content of a referral is kept, from receipt on.
#[must_use]
pub const fn retention() -> ClockRule {
    RETENTION_NOMINAL
}

/// By when the lead unit reports; `None` where no reply is due. An urgent clock starts as if the unit
/// had direct access: see [`indirect_access`].
#[must_use]
pub const fn completion(kind: ReferralKind, urgency: Urgency) -> Option<ClockRule> {
    if matches!(kind, ReferralKind::SpontaneousInformation) {
        return None;
    }
    Some(match urgency {
        Urgency::EmergencyLife => COMPLETION_EMERGENCY,
        Urgency::Urgent => COMPLETION_URGENT,
        Urgency::Routine => COMPLETION_ROUTINE,
    })
}

/// The rule once the lead unit has declared that it has no direct access to the information, where
/// `in_force` is the rule until then. `None` where that changes nothing: where a life is in danger,
/// nothing is urgent, or no reply is due.
#[must_use]
pub fn indirect_access(in_force: Option<&str>) -> Option<ClockRule> {
    let declared = [COMPLETION_URGENT.id, COMPLETION_URGENT_INDIRECT.id];
    in_force
        .is_some_and(|id| declared.contains(&id))
        .then_some(COMPLETION_URGENT_INDIRECT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_are_those_of_the_directive() {
        for (urgency, admitted, completed) in [
            (Urgency::EmergencyLife, 1, 8),
            (Urgency::Urgent, 8, 8),
            (Urgency::Routine, 24, 7 * 24),
        ] {
            let hours = |rule: ClockRule| rule.length.as_secs() / 3_600;
            assert_eq!(hours(admissibility(urgency)), admitted, "{urgency}");
            for kind in ReferralKind::ALL {
                let due = *kind != ReferralKind::SpontaneousInformation;
                let expected = due.then_some(completed);
                assert_eq!(
                    completion(*kind, urgency).map(hours),
                    expected,
                    "{urgency} {kind}"
                );
            }
        }
    }

    #[test]
    fn indirect_access_gives_three_days_where_it_is_urgent() {
        for urgency in Urgency::ALL {
            let direct = completion(ReferralKind::Alert, *urgency).map(|rule| rule.id);
            let indirect = indirect_access(direct);
            assert_eq!(indirect.is_some(), *urgency == Urgency::Urgent, "{urgency}");
            if let Some(rule) = indirect {
                assert_eq!(rule.length, Duration::from_hours(72));
                assert_eq!(indirect_access(Some(rule.id)), Some(rule));
            }
        }
        assert_eq!(indirect_access(None), None);
    }

    #[test]
    fn rules_have_one_id_each_and_are_found_by_it() {
        for (index, rule) in ALL.iter().enumerate() {
            assert!(ALL[index + 1..].iter().all(|other| other.id != rule.id));
            assert_eq!(clock_rule(rule.id), Some(*rule));
        }
        assert_eq!(clock_rule("completion.never"), None);
    }
}
