//! What the other services tell about a referral.

use liaison_policy::clock;
use liaison_types::{AssignmentId, ReferralId, Timestamp, UnitCode};

use super::referral::Actor;
use super::vocabulary::{
    AssignmentState, AssignmentStep, Outcome, ReferralStep, RefusalGround, Role,
};

/// A fact about a referral.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fact {
    /// The referral.
    pub referral: ReferralId,
    /// Position within its own subject.
    pub sequence: i64,
    /// When it happened.
    pub at: Timestamp,
    /// Who acted.
    pub actor: Actor,
    /// What happened.
    pub kind: FactKind,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FactKind {
    /// It was decided what kind of case it is.
    Classified {
        /// 1 for the first decision, then ascending.
        revision: i32,
        /// The unit that is to lead.
        lead: UnitCode,
        /// A rule that decided, by id; may be empty.
        rule: String,
    },
    /// The duty desk decided that it is no unit's business.
    Refused {
        /// The decision's revision.
        revision: i32,
        /// On what ground.
        ground: RefusalGround,
    },
    /// The duty desk has to decide.
    TriageRequested {
        /// Why, by its public name.
        cause: &'static str,
    },
    /// A step of an assignment.
    Assignment {
        /// The assignment.
        assignment: AssignmentId,
        /// The unit.
        unit: UnitCode,
        /// Its part, after the step.
        role: Role,
        /// The step.
        step: AssignmentStep,
        /// The state after it.
        state: AssignmentState,
        /// Why it was declined, by its public name.
        decline_reason: Option<&'static str>,
        /// What came of it.
        outcome: Option<Outcome>,
    },
}

/// What a fact is in the history of its referral.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    /// The step.
    pub step: ReferralStep,
    /// The unit concerned.
    pub unit: Option<UnitCode>,
    /// A coded detail.
    pub detail: String,
}

impl Fact {
    /// Whether the lead unit declares that it has only indirect access to the information.
    #[must_use]
    pub fn declares_indirect_access(&self) -> bool {
        let declared = AssignmentStep::IndirectAccessDeclared;
        matches!(&self.kind, FactKind::Assignment { step, .. } if *step == declared)
    }

    /// The step it is in the history; none for what happens between routing and a unit without anybody
    /// being bound: pulling, giving back, a lease running out.
    #[must_use]
    pub fn trace(&self) -> Option<Trace> {
        match &self.kind {
            FactKind::Classified { lead, rule, .. } => Some(Trace {
                step: ReferralStep::Classified,
                unit: Some(lead.clone()),
                detail: rule.clone(),
            }),
            FactKind::Refused { ground, .. } => Some(Trace {
                step: ReferralStep::Refused,
                unit: None,
                detail: ground.as_str().to_owned(),
            }),
            FactKind::TriageRequested { cause } => Some(Trace {
                step: ReferralStep::TriageRequested,
                unit: None,
                detail: (*cause).to_owned(),
            }),
            FactKind::Assignment {
                unit,
                role,
                step,
                decline_reason,
                outcome,
                ..
            } => {
                let (step, detail) = match step {
                    AssignmentStep::Created if *role == Role::Lead => {
                        (ReferralStep::Routed, role.as_str())
                    }
                    AssignmentStep::Created => (ReferralStep::Granted, role.as_str()),
                    AssignmentStep::Promoted => (ReferralStep::Routed, step.as_str()),
                    AssignmentStep::Accepted => (ReferralStep::Accepted, role.as_str()),
                    AssignmentStep::Declined => {
                        (ReferralStep::Declined, decline_reason.unwrap_or_default())
                    }
                    AssignmentStep::IndirectAccessDeclared => {
                        let rule = clock::COMPLETION_URGENT_INDIRECT.id;
                        (ReferralStep::IndirectAccessDeclared, rule)
                    }
                    AssignmentStep::WorkStarted => (ReferralStep::WorkStarted, role.as_str()),
                    AssignmentStep::Completed => {
                        (ReferralStep::Completed, outcome.map_or("", Outcome::as_str))
                    }
                    AssignmentStep::DeadLettered | AssignmentStep::Revoked => {
                        (ReferralStep::AssignmentEnded, step.as_str())
                    }
                    AssignmentStep::Queued
                    | AssignmentStep::Leased
                    | AssignmentStep::Released
                    | AssignmentStep::LeaseExpired => return None,
                };
                Some(Trace {
                    step,
                    unit: Some(unit.clone()),
                    detail: detail.to_owned(),
                })
            }
        }
    }
}
