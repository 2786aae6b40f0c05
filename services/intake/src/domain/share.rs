//! Passing a referral on: a share, its state machine, and the owner's consent.

use liaison_policy::attribute::{Action, Consent, Usage};
use liaison_policy::purpose::{Purpose, limitation};
use liaison_policy::{Intent, clock};
use liaison_types::{Error, Party, ReferralId, Result, ShareId, Timestamp};
use uuid::Uuid;

use super::clocks::Deadline;
use super::referral::Actor;
use super::vocabulary::{
    IntendedAction, IntendedUse, ReferralStep, ShareState, ShareStep, Urgency,
};

/// A party that a referral was or is to be passed on to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Share {
    /// Its id.
    pub id: ShareId,
    /// What is passed on.
    pub referral: ReferralId,
    /// Whose referral it is.
    pub owner: Party,
    /// To whom.
    pub recipient: Party,
    /// Where it stands.
    pub state: ShareState,
    /// What for and how.
    pub terms: Terms,
    /// Who asked for it.
    pub requested_by: Actor,
    /// When.
    pub requested_at: Timestamp,
    /// What makes the call repeatable; unique for each party.
    pub request_id: Uuid,
    /// By when the owner has to consent; none where no consent was needed.
    pub consent: Option<Deadline>,
    /// Who answered for the owner.
    pub decided_by: Option<Actor>,
    /// When it came to its present state.
    pub updated_at: Timestamp,
    /// The rules that decided.
    pub rules: Vec<String>,
    /// Training traffic.
    pub exercise: bool,
    /// Why it was asked for.
    pub reason: Words,
    /// Why the owner decided so; empty before.
    pub decision_reason: Words,
}

/// What the recipient needs it for, and what it will do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
    /// The purpose.
    pub purpose: Purpose,
    /// How visible it will be.
    pub action: IntendedAction,
    /// In what proceedings.
    pub usage: IntendedUse,
}

impl Terms {
    /// As policy sees them, against the purpose that the source named.
    #[must_use]
    pub fn intent(self, source: Purpose) -> Intent {
        Intent {
            purpose: limitation(source, Some(self.purpose)),
            usage: match self.usage {
                IntendedUse::Police => Usage::Police,
                IntendedUse::Judicial => Usage::Judicial,
                IntendedUse::Other => Usage::Other,
            },
            action: match self.action {
                IntendedAction::None => Action::None,
                IntendedAction::Passive => Action::Passive,
                IntendedAction::Active => Action::Active,
            },
        }
    }
}

/// By what share a party sees a referral.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Passed {
    /// What for and how.
    pub terms: Terms,
    /// Who passed it on.
    pub by: Actor,
    /// Whether the owner agreed: it passed it on itself, or it was asked for its consent.
    pub agreed: bool,
}

/// What somebody wrote. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Words(pub String);

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// From which state which step leads where.
const TABLE: &[(ShareState, ShareStep, ShareState)] = &[
    (
        ShareState::AwaitingConsent,
        ShareStep::Give,
        ShareState::Active,
    ),
    (
        ShareState::AwaitingConsent,
        ShareStep::Refuse,
        ShareState::Refused,
    ),
    (
        ShareState::AwaitingConsent,
        ShareStep::Expire,
        ShareState::Expired,
    ),
    (
        ShareState::AwaitingConsent,
        ShareStep::End,
        ShareState::Ended,
    ),
    (ShareState::Active, ShareStep::End, ShareState::Ended),
];

/// The state that `step` leads to.
///
/// # Errors
/// ILLEGAL_STATE where there is no such step from `state`.
pub fn next(state: ShareState, step: ShareStep) -> Result<ShareState> {
    TABLE
        .iter()
        .find(|(from, by, _)| (*from, *by) == (state, step))
        .map(|(_, _, to)| *to)
        .ok_or_else(|| Error::illegal_state(step.as_str(), state.as_str()))
}

/// By when the owner answers what is asked now.
#[must_use]
pub fn consent_by(urgency: Urgency, now: Timestamp) -> Deadline {
    Deadline::from(clock::consent(urgency), now)
}

impl Share {
    /// Whether the recipient could ever open the dossier.
    #[must_use]
    pub const fn was_received(&self) -> bool {
        match self.state {
            ShareState::Active => true,
            ShareState::Ended => self.consent.is_none() || self.decided_by.is_some(),
            ShareState::AwaitingConsent | ShareState::Refused | ShareState::Expired => false,
        }
    }

    /// What the owner said, as policy sees it.
    #[must_use]
    pub fn consented(&self) -> Consent {
        match (self.consent, self.state) {
            (Some(_), ShareState::Active) => Consent::Given,
            (Some(_), ShareState::Refused | ShareState::Expired) => Consent::Refused,
            _ => Consent::None,
        }
    }

    /// Takes a step. An answer that comes after its time is the clock's.
    ///
    /// # Errors
    /// ILLEGAL_STATE where there is no such step from its state.
    pub fn take(&mut self, step: ShareStep, now: Timestamp) -> Result<ReferralStep> {
        let late = self.consent.is_some_and(|consent| consent.due_at <= now);
        let answer = matches!(step, ShareStep::Give | ShareStep::Refuse);
        if answer && late && self.state == ShareState::AwaitingConsent {
            return Err(Error::illegal_state(
                step.as_str(),
                ShareState::Expired.as_str(),
            ));
        }
        self.state = next(self.state, step)?;
        self.updated_at = now;
        Ok(match step {
            ShareStep::Give => ReferralStep::ConsentGiven,
            ShareStep::Refuse => ReferralStep::ConsentRefused,
            ShareStep::Expire => ReferralStep::ConsentExpired,
            ShareStep::End => ReferralStep::ShareEnded,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_stays_over() {
        for state in ShareState::ALL {
            for step in ShareStep::ALL {
                let leads = next(*state, *step).ok();
                let over = !matches!(state, ShareState::AwaitingConsent | ShareState::Active);
                assert!(!over || leads.is_none(), "{state} {step}");
                assert_ne!(leads, Some(*state), "{state} {step}");
            }
        }
        let ended = next(ShareState::Active, ShareStep::End).ok();
        assert_eq!(ended, Some(ShareState::Ended));
        assert!(next(ShareState::Active, ShareStep::Give).is_err());
    }

    #[test]
    fn words_are_not_shown() {
        assert_eq!(format!("{:?}", Words("secret".to_owned())), "6 bytes");
    }
}
