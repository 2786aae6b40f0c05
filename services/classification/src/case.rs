//! A referral on its way through classification.

use liaison_types::referral::{RefusalGround, Urgency};
use liaison_types::{
    DecisionId, DeskCode, Error, IccsCode, Language, Markings, Party, ReferralId, Result,
    Timestamp, UnitCode,
};
use serde::{Deserialize, Serialize};

use crate::artefacts::digest::Digest;
use crate::domain::{self, Outcome, Span};

liaison_types::names! {
    /// Where a case stands.
    CaseState {
        /// The machine has yet to decide.
        Pending = "PENDING",
        /// People at the triage desk have to decide.
        Triage = "TRIAGE",
        /// It was decided which unit leads; routing has it.
        Routed = "ROUTED",
        /// A person decided that it is no unit's business.
        Refused = "REFUSED",
    }
    /// What may happen to a case.
    CaseStep {
        /// The machine decides which unit leads.
        Route = "ROUTE",
        /// The machine leaves it to people.
        RequestTriage = "REQUEST_TRIAGE",
        /// Routing gives it back.
        Return = "RETURN",
        /// A person decides which unit leads.
        Decide = "DECIDE",
        /// A person decides that it is no unit's business.
        Refuse = "REFUSE",
        /// A person decides otherwise than before which unit leads.
        Correct = "CORRECT",
        /// A person decides otherwise than before that it is no unit's business, or on what ground.
        CorrectToRefusal = "CORRECT_TO_REFUSAL",
    }
}

/// Every step there is; all others are illegal.
const STEPS: [(CaseState, CaseStep, CaseState); 9] = [
    (CaseState::Pending, CaseStep::Route, CaseState::Routed),
    (
        CaseState::Pending,
        CaseStep::RequestTriage,
        CaseState::Triage,
    ),
    (CaseState::Routed, CaseStep::Return, CaseState::Triage),
    (CaseState::Triage, CaseStep::Decide, CaseState::Routed),
    (CaseState::Triage, CaseStep::Refuse, CaseState::Refused),
    (CaseState::Routed, CaseStep::Correct, CaseState::Routed),
    (CaseState::Refused, CaseStep::Correct, CaseState::Routed),
    (
        CaseState::Routed,
        CaseStep::CorrectToRefusal,
        CaseState::Refused,
    ),
    (
        CaseState::Refused,
        CaseStep::CorrectToRefusal,
        CaseState::Refused,
    ),
];

impl CaseState {
    /// The state after `step`.
    ///
    /// # Errors
    /// ILLEGAL_STATE where there is no such step from here.
    pub fn next(self, step: CaseStep) -> Result<Self> {
        STEPS
            .iter()
            .find(|(from, by, _)| (*from, *by) == (self, step))
            .map(|(_, _, to)| *to)
            .ok_or_else(|| Error::illegal_state(step.as_str(), self.as_str()))
    }
}

/// What is decided on besides offences and text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Envelope {
    /// The referral.
    pub referral: ReferralId,
    /// The suite's reference.
    pub reference: String,
    /// How pressing it is.
    pub urgency: Urgency,
    /// Markings, exclusions included.
    pub markings: Markings,
    /// Training traffic.
    pub exercise: bool,
}

/// A case as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    /// The referral.
    pub referral: ReferralId,
    /// Where it stands.
    pub state: CaseState,
    /// How many decisions there are: the revision of the latest one.
    pub revision: i32,
    /// How many facts were told about it: the position of the latest one.
    pub sequence: i64,
    /// How pressing it is.
    pub urgency: Urgency,
    /// Units that declined it: they must not lead.
    pub declined: Vec<UnitCode>,
    /// The envelope as it arrived, in the schema's bytes.
    pub envelope: Vec<u8>,
    /// Attempts to decide it so far, one under way included.
    pub attempts: u32,
    /// The trace it belongs to.
    pub traceparent: Option<String>,
    /// When it was admitted here.
    pub created_at: Timestamp,
}

impl Case {
    /// The position of the next fact about it.
    pub const fn next_fact(&mut self) -> i64 {
        self.sequence += 1;
        self.sequence
    }

    /// The revision of the next decision on it.
    pub const fn next_revision(&mut self) -> i32 {
        self.revision += 1;
        self.revision
    }

    /// Remembers units that declined. Each is kept once, in the order of their declining.
    pub fn exclude(&mut self, units: impl IntoIterator<Item = UnitCode>) {
        for unit in units {
            if !self.declined.contains(&unit) {
                self.declined.push(unit);
            }
        }
    }
}

/// Who acted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Actor {
    /// The party its certificate names.
    pub party: Party,
    /// The officer that party named.
    pub officer: String,
}

/// What a reason is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroundKind {
    /// A rule that applied.
    Rule,
    /// A declared code or tag that was read.
    Code,
    /// A concept that was found in the text.
    Concept,
    /// What the wording of the text added.
    Wording,
}

/// One reason of a decision, as it is kept and shown: no words of the text.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Ground {
    /// What it is.
    pub kind: GroundKind,
    /// The rule, row or concept.
    pub id: String,
    /// The unit it speaks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<UnitCode>,
    /// How much it counts.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub weight: f64,
    /// How often it was found.
    #[serde(default, skip_serializing_if = "is_none_found")]
    pub count: u32,
    /// Where it was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Place>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks with a reference"
)]
fn is_zero(weight: &f64) -> bool {
    *weight == 0.0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks with a reference"
)]
const fn is_none_found(count: &u32) -> bool {
    *count == 0
}

/// A place in a text, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Place {
    /// In the title, not in the narrative.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub title: bool,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl From<&Span> for Place {
    fn from(span: &Span) -> Self {
        Self {
            title: span.field == domain::Field::Title,
            start: span.start,
            end: span.end,
        }
    }
}

impl Ground {
    /// A rule.
    #[must_use]
    pub fn rule(id: impl Into<String>) -> Self {
        Self {
            kind: GroundKind::Rule,
            id: id.into(),
            unit: None,
            weight: 0.0,
            count: 0,
            places: Vec::new(),
        }
    }
}

impl From<domain::Reason> for Ground {
    fn from(reason: domain::Reason) -> Self {
        match reason {
            domain::Reason::Rule { id } => Self::rule(id),
            domain::Reason::Code { id, unit, .. } => Self {
                kind: GroundKind::Code,
                unit,
                ..Self::rule(id)
            },
            domain::Reason::Wording {
                unit,
                weight,
                spans,
            } => Self {
                kind: GroundKind::Wording,
                unit,
                weight: weight.as_f64(),
                places: spans.iter().map(Place::from).collect(),
                ..Self::rule("text.wording")
            },
            domain::Reason::Concept(found) => Self {
                kind: GroundKind::Concept,
                unit: found.unit,
                weight: found.weight.as_f64(),
                count: found.count,
                places: found.spans.iter().map(Place::from).collect(),
                id: found.id,
            },
        }
    }
}

/// How probable an answer is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Probable {
    /// The unit; absent for none of them.
    pub unit: Option<UnitCode>,
    /// From 0 to 1.
    pub probability: f64,
}

/// An offence that the text suggests, as it is kept and shown.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Suggested {
    /// The ICCS code.
    pub iccs: IccsCode,
    /// How much speaks for it.
    pub weight: f64,
}

/// A sign in the text that the case may be more pressing than it was called, as it is kept and shown: no words
/// of the text. It raises a question to people and changes nothing by itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hinted {
    /// The concept.
    pub id: String,
    /// Where it was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Place>,
}

impl From<domain::UrgencyHint> for Hinted {
    fn from(hint: domain::UrgencyHint) -> Self {
        Self {
            id: hint.id,
            places: hint.spans.iter().map(Place::from).collect(),
        }
    }
}

/// What becomes of a case by a decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Course {
    /// It goes to the lead unit.
    Route,
    /// It goes to the triage desk.
    Review,
    /// It goes back to its owner, refused on this ground. Only a person decides that.
    Refuse(RefusalGround),
}

impl From<Outcome> for Course {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Route => Self::Route,
            Outcome::Review => Self::Review,
        }
    }
}

impl Course {
    /// On what ground the case is refused, where it is.
    #[must_use]
    pub const fn refusal(self) -> Option<RefusalGround> {
        match self {
            Self::Refuse(ground) => Some(ground),
            Self::Route | Self::Review => None,
        }
    }
}

/// A decision, whoever made it.
#[derive(Clone, PartialEq, Debug)]
pub struct Decided {
    /// Its id.
    pub id: DecisionId,
    /// The referral.
    pub referral: ReferralId,
    /// 1 for the first on a referral, then ascending.
    pub revision: i32,
    /// What becomes of it.
    pub course: Course,
    /// The unit that leads, or that is proposed; absent where it is no unit's business.
    pub lead: Option<UnitCode>,
    /// Units that support.
    pub supporting: Vec<UnitCode>,
    /// The desk that gets it.
    pub desk: Option<DeskCode>,
    /// How probable each answer is, descending; empty where a person decided.
    pub probabilities: Vec<Probable>,
    /// Why.
    pub grounds: Vec<Ground>,
    /// Offences that the text suggests, best first; empty where a person decided.
    pub suggestions: Vec<Suggested>,
    /// Signs that the case may be more pressing than it was called; empty where a person decided.
    pub urgency_hints: Vec<Hinted>,
    /// The version of the rule set; empty where a person decided.
    pub rule_set: String,
    /// The language of the text, as far as it could be told.
    pub language: Option<Language>,
    /// When it was decided.
    pub at: Timestamp,
    /// Who decided; absent for the machine.
    pub by: Option<Actor>,
    /// A person's reasoning.
    pub note: Option<String>,
    /// Training traffic.
    pub exercise: bool,
    /// The version of the text model; empty where none took part.
    pub model: String,
    /// What made it, and of what; absent where a person decided, and on what was decided before this was kept.
    pub making: Option<Making>,
}

/// What a decision of the machine can be made again with, beside its rule set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Making {
    /// The version of the program.
    pub program: String,
    /// The digest of what was decided on; absent once the content was purged.
    pub input: Option<Digest>,
    /// The digest of what the machine decided, before policy was asked who may have the referral.
    pub decision: Digest,
}

impl Decided {
    /// The ids of the rules and codes that decided, each once.
    #[must_use]
    pub fn rules(&self) -> Vec<String> {
        let mut rules: Vec<String> = Vec::new();
        for ground in &self.grounds {
            if ground.kind != GroundKind::Concept && !rules.contains(&ground.id) {
                rules.push(ground.id.clone());
            }
        }
        rules
    }

    /// The concepts that were found in the text, each once.
    #[must_use]
    pub fn concepts(&self) -> Vec<&str> {
        let concepts = self
            .grounds
            .iter()
            .filter(|ground| ground.kind == GroundKind::Concept);
        concepts.map(|ground| ground.id.as_str()).collect()
    }

    /// How probable its own answer is, from the text alone, from 0 to 1; none where a person decided. Where a
    /// declared code decided against the text this is low.
    #[must_use]
    pub fn confidence(&self) -> Option<f64> {
        let own = |answer: &&Probable| answer.unit == self.lead;
        let found = self.probabilities.iter().find(own);
        found.map(|answer| answer.probability)
    }

    /// Whether it names the same lead as `other`, and the same supporting units in any order. Where nobody leads,
    /// units that a code or tag would have had support count for nothing.
    #[must_use]
    pub fn answers_as(&self, other: &Self) -> bool {
        let within = |one: &[UnitCode], other: &[UnitCode]| one.iter().all(|u| other.contains(u));
        let same_support = within(&self.supporting, &other.supporting)
            && within(&other.supporting, &self.supporting);
        self.lead == other.lead && (self.lead.is_none() || same_support)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_types::Reason;
    use proptest::prelude::*;

    fn any_step() -> impl Strategy<Value = CaseStep> {
        prop::sample::select(CaseStep::ALL)
    }

    proptest! {
        /// Whatever is tried: the machine decides at most once and never refuses, people decide only what is at
        /// their desk and correct only what was decided, and routing returns only what it has.
        #[test]
        fn steps_alternate_between_the_desk_and_routing(steps in prop::collection::vec(any_step(), 0..40)) {
            let mut state = CaseState::Pending;
            let mut taken = Vec::new();
            for step in steps {
                match state.next(step) {
                    Ok(next) => {
                        taken.push(step);
                        state = next;
                    }
                    Err(error) => prop_assert_eq!(error.reason(), Reason::IllegalState),
                }
            }
            let by_machine = |step: &CaseStep| matches!(step, CaseStep::Route | CaseStep::RequestTriage);
            prop_assert!(taken.iter().skip(1).all(|step| !by_machine(step)));
            prop_assert!(taken.first().is_none_or(by_machine));
            let to_desk = |step| matches!(step, CaseStep::RequestTriage | CaseStep::Return);
            let corrects = |step| matches!(step, CaseStep::Correct | CaseStep::CorrectToRefusal);
            let refuses = |step| matches!(step, CaseStep::Refuse | CaseStep::CorrectToRefusal);
            for pair in taken.windows(2) {
                prop_assert!(!corrects(pair[1]) || !to_desk(pair[0]));
                prop_assert!(pair[1] != CaseStep::Return || !refuses(pair[0]));
            }
            prop_assert_eq!(state == CaseState::Refused, taken.last().is_some_and(|step| refuses(*step)));
            taken.retain(|step| !corrects(*step));
            for pair in taken.windows(2) {
                prop_assert_ne!(to_desk(pair[0]), to_desk(pair[1]));
            }
        }
    }

    #[test]
    fn grounds_round_trip_and_leave_out_what_is_empty() {
        let concept = Ground {
            kind: GroundKind::Concept,
            unit: Some("cyber".parse().unwrap()),
            weight: 1.25,
            count: 2,
            places: vec![Place {
                title: false,
                start: 3,
                end: 9,
            }],
            ..Ground::rule("cyber.intrusion")
        };
        for ground in [concept, Ground::rule("text.sure")] {
            let text = serde_json::to_string(&ground).unwrap();
            assert_eq!(serde_json::from_str::<Ground>(&text).unwrap(), ground);
        }
        assert_eq!(
            serde_json::to_string(&Ground::rule("text.sure")).unwrap(),
            r#"{"kind":"rule","id":"text.sure"}"#
        );
    }
}
