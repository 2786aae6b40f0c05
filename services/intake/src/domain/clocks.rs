//! By when a referral is decided on and answered. Every clock runs from receipt.

use liaison_policy::{ClockRule, clock};
use liaison_types::Timestamp;

use super::vocabulary::{ReferralKind, Urgency};

/// When a clock runs out, and which rule set it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deadline {
    /// The instant.
    pub due_at: Timestamp,
    /// The id of the rule.
    pub rule: &'static str,
}

impl Deadline {
    /// `rule` for what began at `start`.
    pub(super) fn from(rule: ClockRule, start: Timestamp) -> Self {
        Self {
            due_at: start + rule.length,
            rule: rule.id,
        }
    }
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
        Self {
            admissibility: Deadline::from(clock::admissibility(urgency), received_at),
            completion: clock::completion(kind, urgency)
                .map(|rule| Deadline::from(rule, received_at)),
        }
    }
}

/// The completion clock once the lead unit has declared that it has only indirect access. It stays
/// what it is where that changes nothing.
#[must_use]
pub fn with_indirect_access(
    completion: Option<Deadline>,
    received_at: Timestamp,
) -> Option<Deadline> {
    clock::indirect_access(completion.map(|deadline| deadline.rule))
        .map(|rule| Deadline::from(rule, received_at))
        .or(completion)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_run_from_receipt() {
        let at = Timestamp::from_seconds(1_772_352_000);
        let hours =
            |deadline: Option<Deadline>| deadline.unwrap().due_at.since(at).as_secs() / 3_600;
        let clocks = Clocks::new(ReferralKind::Alert, Urgency::Urgent, at);
        assert_eq!(hours(Some(clocks.admissibility)), 8);
        assert_eq!(hours(clocks.completion), 8);
        let indirect = with_indirect_access(clocks.completion, at);
        assert_eq!(hours(indirect), 72);
        assert_eq!(with_indirect_access(indirect, at), indirect);
        let routine = Clocks::new(ReferralKind::Alert, Urgency::Routine, at).completion;
        assert_eq!(with_indirect_access(routine, at), routine);
        assert_eq!(with_indirect_access(None, at), None);
    }
}
