//! A referral and its chain of custody.

use liaison_custody::{Digest, Signature};
use liaison_policy::purpose::Purpose;
use liaison_types::{Markings, Party, ReferralId, Timestamp, UnitCode};

use super::clocks::Deadline;
use super::vocabulary::{
    Outcome, ReferralKind, ReferralState, ReferralStep, RefusalGround, Urgency,
};

/// Whether this build proves custody: chains and signs the steps of a referral. Only one with the cargo
/// feature `unprotected`, which is there to be measured against, does not.
pub const PROVED: bool = !cfg!(feature = "unprotected");

/// A referral without its content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Referral {
    /// Its id.
    pub id: ReferralId,
    /// The suite's reference.
    pub reference: String,
    /// The owner's own reference.
    pub bureau_reference: String,
    /// Whose it is.
    pub owner: Party,
    /// What is asked for.
    pub kind: ReferralKind,
    /// How pressing it is.
    pub urgency: Urgency,
    /// What it is for; none where it was kept before that was.
    pub purpose: Option<Purpose>,
    /// Where it stands.
    pub state: ReferralState,
    /// What may be done with it.
    pub markings: Markings,
    /// When it was received; every clock runs from here.
    pub received_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// By when its admissibility is decided.
    pub admissibility: Deadline,
    /// By when the lead unit reports.
    pub completion: Option<Deadline>,
    /// The lead unit.
    pub lead: Option<UnitCode>,
    /// Supporting units.
    pub supporting: Vec<UnitCode>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// The ground of a refusal.
    pub refusal_ground: Option<RefusalGround>,
    /// The rules that admitted or flagged it.
    pub rules: Vec<String>,
    /// Training traffic.
    pub exercise: bool,
    /// Counts the changes; being read is none.
    pub version: i64,
    /// How many steps its history has.
    pub last_position: i64,
}

impl Referral {
    /// Changes with every change of the referral. Opening the dossier changes nothing, so that whoever
    /// reads before deciding still decides on what they read.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("v{}", self.version)
    }

    /// How the owner is named where the schema asks for a bureau: the bureau's code, and for a
    /// partner, which is none, its short form `partner/<name>`.
    #[must_use]
    pub fn bureau(&self) -> String {
        match &self.owner {
            Party::Bureau(code) => code.to_string(),
            other => other.to_string(),
        }
    }
}

/// Who acted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Actor {
    /// The organisation, by its certificate.
    pub party: Party,
    /// The person it vouches for; none where a machine acted.
    pub officer: Option<String>,
}

impl Actor {
    /// A machine.
    #[must_use]
    pub const fn machine(party: Party) -> Self {
        Self {
            party,
            officer: None,
        }
    }
}

/// A step to be added to a history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewStep {
    /// What happened.
    pub step: ReferralStep,
    /// The state after it.
    pub state: ReferralState,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// The unit concerned.
    pub unit: Option<UnitCode>,
    /// A coded detail; may be empty.
    pub detail: String,
    /// SHA-256 of the dossier, where the step is its submission or its destruction.
    pub content: Option<Digest>,
}

/// A step of a history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// 1 for the first, without gaps.
    pub position: i64,
    /// What happened.
    pub what: NewStep,
    /// SHA-256 over it and the digest of the step before.
    pub digest: Digest,
    /// Covers it and all before it; absent where that of a later step of the same transaction does.
    pub signature: Option<Signature>,
}

impl Step {
    /// What custody keeps of it, for as long as `then` runs.
    pub fn with<T>(
        &self,
        referral: ReferralId,
        then: impl FnOnce(&liaison_custody::Step<'_>) -> T,
    ) -> T {
        let what = &self.what;
        let party = what.actor.party.to_string();
        then(&liaison_custody::Step {
            referral,
            position: self.position,
            at: what.at,
            step: what.step.as_str(),
            state: what.state.as_str(),
            party: &party,
            officer: what.actor.officer.as_deref().unwrap_or_default(),
            unit: what.unit.as_ref().map_or("", UnitCode::as_str),
            detail: &what.detail,
            content: what.content,
        })
    }
}

/// The end of a history, where the next step goes. Held under the referral's row lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Chain {
    referral: ReferralId,
    position: i64,
    digest: Option<Digest>,
}

impl Chain {
    /// A history without steps.
    #[must_use]
    pub const fn new(referral: ReferralId) -> Self {
        Self {
            referral,
            position: 0,
            digest: None,
        }
    }

    /// The history whose last step has this position and digest.
    #[must_use]
    pub const fn at(referral: ReferralId, position: i64, digest: Digest) -> Self {
        Self {
            referral,
            position,
            digest: Some(digest),
        }
    }

    /// The position of the last step; 0 without.
    #[must_use]
    pub const fn position(&self) -> i64 {
        self.position
    }

    /// The digest of the last step.
    #[must_use]
    pub const fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Adds a step.
    pub fn append(&mut self, what: NewStep) -> Step {
        self.position += 1;
        let mut step = Step {
            position: self.position,
            what,
            digest: [0; 32],
            signature: None,
        };
        if PROVED {
            let previous = self.digest.as_ref();
            step.digest = step.with(self.referral, |kept| {
                liaison_custody::digest(previous, kept)
            });
        }
        self.digest = Some(step.digest);
        step
    }
}
