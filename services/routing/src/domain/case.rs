//! A classified referral, as routing holds it.

use std::sync::Arc;

use liaison_types::{DecisionId, DeskCode, Markings, ReferralId, Timestamp, UnitCode};

use crate::domain::vocabulary::{ReferralKind, TriageCause, Urgency};

/// By when the lead unit reports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompletionClock {
    /// When it started.
    pub started_at: Timestamp,
    /// When it runs out.
    pub due_at: Timestamp,
    /// The rule that set it.
    pub rule: String,
}

/// What everybody may hold of a referral.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Envelope {
    /// The referral.
    pub referral: ReferralId,
    /// The suite's reference.
    pub reference: String,
    /// The bureau it belongs to.
    pub bureau: String,
    /// Its kind.
    pub kind: ReferralKind,
    /// How pressing it is.
    pub urgency: Urgency,
    /// Markings, exclusions included.
    pub markings: Markings,
    /// When it was received.
    pub received_at: Timestamp,
    /// The completion clock; absent where no reply is due.
    pub completion: Option<CompletionClock>,
    /// Training traffic.
    pub exercise: bool,
}

/// What kind of case it is: who should have it, if anybody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// The decision's id.
    pub id: DecisionId,
    /// Ascending from 1; a later one replaces an earlier one.
    pub revision: i32,
    /// The unit that leads; none where a person found it no unit's business.
    pub lead: Option<UnitCode>,
    /// The lead unit's desk.
    pub desk: Option<DeskCode>,
    /// Units that support, the most fitting first.
    pub supporting: Vec<UnitCode>,
    /// Rules that decided.
    pub rules: Vec<String>,
    /// A person decided.
    pub by_person: bool,
}

impl Decision {
    /// Every unit it names, the most fitting first, each once.
    #[must_use]
    pub fn candidates(&self) -> Vec<&UnitCode> {
        let mut candidates: Vec<&UnitCode> = self.lead.iter().collect();
        for unit in &self.supporting {
            if !candidates.contains(&unit) {
                candidates.push(unit);
            }
        }
        candidates
    }
}

/// A case: the envelope, the latest decision, and whether it went back to the duty desk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    /// The envelope.
    pub envelope: Arc<Envelope>,
    /// The latest decision.
    pub decision: Decision,
    /// Why that decision came to nothing; absent while it stands.
    pub returned: Option<TriageCause>,
    /// When the first decision arrived.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}
