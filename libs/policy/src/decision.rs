//! What every question answers.

/// The stable id of a rule, for example `view.grant`.
pub type RuleId = &'static str;

/// Yes or no.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// It may be done.
    Allow,
    /// It may not.
    Deny,
}

/// An answer with its reasons. There is no answer without a rule id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// Yes or no.
    pub effect: Effect,
    /// The rules that made it so; never empty.
    pub rules: Vec<RuleId>,
    /// The party whose consent would change a denial; `None` where no consent can.
    pub missing_consent: Option<String>,
}

impl Decision {
    /// Allowed by `rule`.
    #[must_use]
    pub fn allow(rule: RuleId) -> Self {
        Self {
            effect: Effect::Allow,
            rules: vec![rule],
            missing_consent: None,
        }
    }

    /// Denied by `rules`, which are not empty.
    #[must_use]
    pub fn deny(rules: Vec<RuleId>) -> Self {
        debug_assert!(!rules.is_empty());
        Self {
            effect: Effect::Deny,
            rules,
            missing_consent: None,
        }
    }

    /// Whether it may be done.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.effect == Effect::Allow
    }
}
