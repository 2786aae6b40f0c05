//! What others are told.

use liaison_types::{AssignmentId, ReferralId, TaskId, Timestamp, UnitCode};

use crate::domain::actor::Actor;
use crate::domain::assignment::Assignment;
use crate::domain::assignment_state::{AssignmentState, AssignmentStep};
use crate::domain::case::{Case, Envelope};
use crate::domain::task::Task;
use crate::domain::task_state::TaskState;
use crate::domain::vocabulary::{DeclineReason, Outcome, Role, TriageCause};

/// A service that is told facts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Audience {
    /// Keeps the referral's history and the grants.
    Intake,
    /// Classifies again what comes back.
    Classification,
    /// Tells units and desks.
    Notification,
}

/// What happened, and in which trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fact {
    /// What happened.
    pub what: What,
    /// When.
    pub at: Timestamp,
    /// The trace of what caused it.
    pub traceparent: Option<String>,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// A step of an assignment.
    Assignment(AssignmentFact),
    /// A case went back to the duty desk.
    Returned(ReturnedFact),
    /// A step of a task.
    Task(TaskFact),
}

/// A step of an assignment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AssignmentFact {
    /// The assignment.
    pub assignment: AssignmentId,
    /// Its version after the step.
    pub sequence: i64,
    /// The referral.
    pub referral: ReferralId,
    /// The suite's reference.
    pub reference: String,
    /// The unit.
    pub unit: UnitCode,
    /// The unit may have it: intake has acknowledged the grant.
    pub granted: bool,
    /// Its part.
    pub role: Role,
    /// What happened.
    pub step: AssignmentStep,
    /// The state after it.
    pub state: AssignmentState,
    /// Why it was declined.
    pub decline_reason: Option<DeclineReason>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// Training traffic.
    pub exercise: bool,
    /// Who acted; absent where the hub did.
    pub actor: Option<Actor>,
}

/// A case went back to the duty desk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReturnedFact {
    /// The referral.
    pub referral: ReferralId,
    /// Why.
    pub cause: TriageCause,
    /// The unit it came back from.
    pub unit: Option<UnitCode>,
    /// Units that declined so far.
    pub declined: Vec<UnitCode>,
    /// The decision that came to nothing. A decision comes back once, so that this is also the
    /// fact's sequence.
    pub revision: i32,
}

/// A step of a task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaskFact {
    /// The task.
    pub task: TaskId,
    /// Its version after the step.
    pub sequence: i64,
    /// The assignment.
    pub assignment: AssignmentId,
    /// The unit.
    pub unit: UnitCode,
    /// The state after it.
    pub state: TaskState,
    /// Training traffic.
    pub exercise: bool,
}

impl What {
    /// `assignment` has just taken `step`.
    #[must_use]
    pub fn assignment(
        assignment: &Assignment,
        envelope: &Envelope,
        step: AssignmentStep,
        actor: Option<&Actor>,
    ) -> Self {
        Self::Assignment(AssignmentFact {
            assignment: assignment.id,
            sequence: assignment.version,
            referral: assignment.referral,
            reference: envelope.reference.clone(),
            unit: assignment.unit.clone(),
            granted: assignment.granted,
            role: assignment.role,
            step,
            state: assignment.state,
            decline_reason: assignment.decline_reason,
            outcome: assignment.outcome,
            exercise: envelope.exercise,
            actor: actor.cloned(),
        })
    }

    /// `case` goes back to the duty desk.
    #[must_use]
    pub fn returned(
        case: &Case,
        cause: TriageCause,
        unit: Option<&UnitCode>,
        declined: Vec<UnitCode>,
    ) -> Self {
        Self::Returned(ReturnedFact {
            referral: case.envelope.referral,
            cause,
            unit: unit.cloned(),
            declined,
            revision: case.decision.revision,
        })
    }

    /// `task` of `assignment` has just changed.
    #[must_use]
    pub fn task(task: &Task, assignment: &Assignment, envelope: &Envelope) -> Self {
        Self::Task(TaskFact {
            task: task.id,
            sequence: task.version,
            assignment: assignment.id,
            unit: assignment.unit.clone(),
            state: task.state,
            exercise: envelope.exercise,
        })
    }

    /// Who is told. Intake hears what changes a grant or the referral's history; the unit hears of
    /// its assignments from the moment on at which it may have them, and never of one that was taken
    /// back before; what concerns nobody else than the caller is told to nobody.
    #[must_use]
    pub const fn audience(&self) -> &'static [Audience] {
        use AssignmentStep as E;
        match self {
            Self::Assignment(fact) => match fact.step {
                E::Created => &[Audience::Intake],
                E::Queued | E::Leased | E::Released | E::LeaseExpired => &[Audience::Notification],
                E::LeaseExtended | E::TaskCreated => &[],
                E::Revoked | E::Promoted if !fact.granted => &[Audience::Intake],
                E::Accepted
                | E::Declined
                | E::IndirectAccessDeclared
                | E::WorkStarted
                | E::Completed
                | E::Failed
                | E::DeadLettered
                | E::Revoked
                | E::Promoted
                | E::TransferOffered
                | E::TransferRefused
                | E::Transferred => &[Audience::Intake, Audience::Notification],
            },
            Self::Returned(_) => &[Audience::Classification],
            Self::Task(_) => &[Audience::Notification],
        }
    }
}
