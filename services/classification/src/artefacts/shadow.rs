//! A rule set that decides beside the active one. Nothing of it takes effect, and nothing that goes wrong in
//! it is felt: only what it would have decided otherwise is kept, without any word of the case.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use liaison_types::{DecisionId, ReferralId, Timestamp, UnitCode};

use super::in_use::Loaded;
use crate::domain::{Decision, Input, Outcome, decide};

/// What one rule set says of a case, as far as it is compared.
#[derive(Clone, PartialEq, Debug)]
pub struct Verdict {
    /// The version of the rule set.
    pub rule_set: String,
    /// Whether it routes or leaves it to people.
    pub outcome: Outcome,
    /// The unit that leads, or that is proposed; absent for none of them.
    pub lead: Option<UnitCode>,
    /// Units that support.
    pub supporting: Vec<UnitCode>,
    /// How probable the lead is from the text alone, or "none" where no unit leads.
    pub probability: f64,
}

impl Verdict {
    /// What `decision` says, before policy.
    #[must_use]
    pub fn of(decision: &Decision) -> Self {
        let of_lead = decision
            .probabilities
            .iter()
            .find(|answer| Some(&answer.unit) == decision.lead.as_ref())
            .map_or(decision.none_probability, |answer| answer.probability);
        Self {
            rule_set: decision.rule_set.clone(),
            outcome: decision.outcome,
            lead: decision.lead.clone(),
            supporting: decision.supporting.clone(),
            probability: of_lead.as_f64(),
        }
    }

    /// Whether both come to the same for the case, however sure they are.
    fn agrees(&self, other: &Self) -> bool {
        (self.outcome, &self.lead, &self.supporting)
            == (other.outcome, &other.lead, &other.supporting)
    }
}

/// A case that the shadow would have decided otherwise.
#[derive(Clone, PartialEq, Debug)]
pub struct Difference {
    /// The decision that took effect, before policy was asked.
    pub decision: DecisionId,
    /// The referral.
    pub referral: ReferralId,
    /// When.
    pub at: Timestamp,
    /// What the active rule set says.
    pub active: Verdict,
    /// What the shadow says.
    pub shadow: Verdict,
}

/// A rule set that decides without effect.
#[derive(Debug)]
pub struct Shadow {
    /// The rule set.
    pub set: Arc<Loaded>,
    broken: AtomicBool,
}

impl Shadow {
    /// `set` as a shadow.
    #[must_use]
    pub const fn new(set: Arc<Loaded>) -> Self {
        Self {
            set,
            broken: AtomicBool::new(false),
        }
    }

    /// Decides `input`, which came to `decision`, and answers with both where they differ. One that panics is
    /// not asked again by this process.
    #[must_use]
    pub fn differs(&self, input: &Input<'_>, decision: &Decision) -> Option<(Verdict, Verdict)> {
        self.differs_by(decision, || decide(&self.set.rules, input))
    }

    fn differs_by(
        &self,
        decision: &Decision,
        decide: impl FnOnce() -> Decision,
    ) -> Option<(Verdict, Verdict)> {
        if self.broken.load(Ordering::Relaxed) {
            return None;
        }
        // The rule set is only read: nothing is left half changed.
        let Ok(other) = catch_unwind(AssertUnwindSafe(decide)) else {
            self.broken.store(true, Ordering::Relaxed);
            tracing::error!(
                rule_set = self.set.version(),
                "the shadow {} panicked; this process does not ask it again",
                self.set.version()
            );
            return None;
        };
        let (active, shadow) = (Verdict::of(decision), Verdict::of(&other));
        (!active.agrees(&shadow)).then_some((active, shadow))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artefacts::files::NamedFiles;

    #[test]
    fn a_shadow_says_where_it_differs_and_is_silent_once_it_panicked() {
        let set = Arc::new(Loaded::new(&NamedFiles::embedded()).unwrap());
        let shadow = Shadow::new(Arc::clone(&set));
        let input = Input {
            narrative: "Hackers deployed ransomware on the servers and demanded bitcoin.",
            ..Input::default()
        };
        let decision = decide(&set.rules, &input);
        assert_eq!(shadow.differs(&input, &decision), None);
        let surer = || Decision {
            none_probability: decision.probabilities[0].probability,
            ..decision.clone()
        };
        assert_eq!(
            shadow.differs_by(&decision, surer),
            None,
            "how sure it is makes no difference"
        );
        let other = || Decision {
            outcome: Outcome::Review,
            lead: None,
            ..decision.clone()
        };
        let (active, differs) = shadow.differs_by(&decision, other).unwrap();
        assert_eq!(active.lead, decision.lead);
        assert_eq!((differs.lead, differs.outcome), (None, Outcome::Review));
        assert!((differs.probability - decision.none_probability.as_f64()).abs() < 1e-9);

        assert_eq!(shadow.differs_by(&decision, || panic!("on purpose")), None);
        assert_eq!(
            shadow.differs_by(&decision, other),
            None,
            "it is not asked again"
        );
    }
}
