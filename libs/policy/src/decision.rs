//! What every question answers.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use liaison_types::Party;

use crate::attribute::Consent;

/// The stable id of a rule, for example `view.grant`. Copies share the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(Arc<str>);

impl RuleId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for RuleId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<RuleId> for String {
    fn from(id: RuleId) -> Self {
        id.as_str().to_owned()
    }
}

impl AsRef<str> for RuleId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for RuleId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<&str> for RuleId {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Yes, no, or not without a person.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Effect {
    /// It may be done.
    Allow,
    /// It may not.
    Deny,
    /// A person has to look first. Only [`crate::Question::Submit`] is answered so.
    Review,
}

/// Whose consent is missing.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Consenter {
    /// The owner, whoever that is: facts name nobody.
    Owner,
    /// This party, which is the owner.
    Party(Party),
}

impl fmt::Display for Consenter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner => f.write_str("owner"),
            Self::Party(party) => party.fmt(f),
        }
    }
}

/// An answer with its reasons. There is no answer without a rule id.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Decision {
    /// Yes, no, or not without a person.
    pub effect: Effect,
    /// The rules that made it so, never empty. Where it is allowed, those that allow stand first, then
    /// those whose consent was given.
    pub rules: Vec<RuleId>,
    /// Whose consent would turn this denial into an allowance; `None` where none can.
    pub missing_consent: Option<Consenter>,
}

impl Decision {
    /// Allowed by `rule`.
    #[must_use]
    pub fn allow(rule: impl Into<RuleId>) -> Self {
        Self {
            effect: Effect::Allow,
            rules: vec![rule.into()],
            missing_consent: None,
        }
    }

    /// Denied by `rules`, which are not empty.
    #[must_use]
    pub fn deny(rules: impl IntoIterator<Item = impl Into<RuleId>>) -> Self {
        let rules: Vec<RuleId> = rules.into_iter().map(Into::into).collect();
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

    /// The same answer, with the owner named where the owner's consent is missing.
    #[must_use]
    pub fn of_owner(mut self, owner: &Party) -> Self {
        if self.missing_consent.is_some() {
            self.missing_consent = Some(Consenter::Party(owner.clone()));
        }
        self
    }
}

/// What the rules that apply come to. This is the whole order of precedence:
///
/// 1. a rule that denies wins over everything, and all of them are named;
/// 2. what no rule allows is denied by the question's default;
/// 3. what needs the owner's consent is denied without it, and it is the missing consent only where
///    nobody has refused it;
/// 4. what is flagged needs a person;
/// 5. the rest is allowed.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) denying: Vec<RuleId>,
    pub(crate) consenting: Vec<RuleId>,
    pub(crate) flagging: Vec<RuleId>,
    pub(crate) allowing: Vec<RuleId>,
}

impl Heard {
    /// `default` is the rule that denies where nothing allows; `consent` what the owner said.
    pub(crate) fn decision(self, default: &RuleId, consent: Consent) -> Decision {
        let denied = |rules, missing_consent| Decision {
            effect: Effect::Deny,
            rules,
            missing_consent,
        };
        if !self.denying.is_empty() {
            return denied(self.denying, None);
        }
        if self.allowing.is_empty() {
            return denied(vec![default.clone()], None);
        }
        if !self.consenting.is_empty() && consent != Consent::Given {
            let missing = (consent == Consent::None).then_some(Consenter::Owner);
            return denied(self.consenting, missing);
        }
        let (effect, rules) = if self.flagging.is_empty() {
            let mut rules = self.allowing;
            rules.extend(self.consenting);
            (Effect::Allow, rules)
        } else {
            (Effect::Review, self.flagging)
        };
        Decision {
            effect,
            rules,
            missing_consent: None,
        }
    }
}
