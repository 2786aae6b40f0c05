//! Answers to assignments, many at a time: whatever the number of callers, one transaction locks,
//! decides and writes for all of them. Here two parties that race are told apart: who comes second
//! under the row's lock finds the state that the first one left.

use std::collections::{BTreeSet, HashMap};

use liaison_grpc::wire;
use liaison_store::Tx;
use liaison_types::{AssignmentId, Error, ErrorKind, ReferralId, Result};

use super::accept_assignment::AcceptAssignment;
use super::complete_assignment::CompleteAssignment;
use super::declare_indirect_access::{self, DeclareIndirectAccess};
use super::decline_assignment::DeclineAssignment;
use super::extend_lease::ExtendLease;
use super::permission::may_work;
use super::release_assignment::ReleaseAssignment;
use super::{Assigned, Core, Ops};
use crate::domain::{Actor, Assignment, AssignmentState, AssignmentStep, Role, TriageCause};
use crate::store::{self, Board, Cause};

/// What a unit wants to do with an assignment.
#[derive(Clone, Debug)]
pub(super) enum Intent {
    Accept(AcceptAssignment),
    Decline(DeclineAssignment),
    Extend(ExtendLease),
    Release(ReleaseAssignment),
    Complete(CompleteAssignment),
    DeclareIndirectAccess(DeclareIndirectAccess),
}

/// Who wants what.
#[derive(Clone, Debug)]
pub(super) struct Command {
    by: Actor,
    intent: Intent,
    cause: Cause,
}

impl Intent {
    const fn assignment(&self) -> AssignmentId {
        match self {
            Self::Accept(request) => request.assignment,
            Self::Decline(request) => request.assignment,
            Self::Extend(request) => request.assignment,
            Self::Release(request) => request.assignment,
            Self::Complete(request) => request.assignment,
            Self::DeclareIndirectAccess(request) => request.assignment,
        }
    }

    const fn action(&self) -> &'static str {
        match self {
            Self::Accept(_) => "routing.accept_assignment",
            Self::Decline(_) => "routing.decline_assignment",
            Self::Extend(_) => "routing.extend_lease",
            Self::Release(_) => "routing.release_assignment",
            Self::Complete(_) => "routing.complete_assignment",
            Self::DeclareIndirectAccess(_) => "routing.declare_indirect_access",
        }
    }

    /// What the caller had to say.
    fn note(&self) -> Option<String> {
        let note = match self {
            Self::Decline(request) => &request.note,
            Self::Complete(request) => &request.note,
            Self::Accept(_)
            | Self::Extend(_)
            | Self::Release(_)
            | Self::DeclareIndirectAccess(_) => return None,
        };
        Some(note.clone()).filter(|note| !note.is_empty())
    }

    /// Why, or what came of it, in a word of the vocabulary.
    const fn detail(&self) -> Option<&'static str> {
        match self {
            Self::Decline(request) => Some(request.reason.as_str()),
            Self::Complete(request) => Some(request.outcome.as_str()),
            Self::Accept(_)
            | Self::Extend(_)
            | Self::Release(_)
            | Self::DeclareIndirectAccess(_) => None,
        }
    }

    /// Whether something is written about the case: whoever may be the first to do so locks it.
    const fn is_said(&self) -> bool {
        matches!(self, Self::Decline(_) | Self::Complete(_))
    }

    /// Whether the case may change, or the referral's other assignments.
    const fn concerns_others(&self) -> bool {
        matches!(
            self,
            Self::Decline(_) | Self::Release(_) | Self::DeclareIndirectAccess(_)
        )
    }
}

impl Ops {
    pub(super) async fn change(&self, by: &Actor, intent: Intent) -> Result<Assigned> {
        let cause = self.core.called_by(by);
        self.changes
            .call(Command {
                by: by.clone(),
                intent,
                cause,
            })
            .await
    }
}

impl Core {
    /// Carries out all commands in one transaction. A refusal concerns its own command only.
    pub(super) async fn change(&self, commands: &[Command]) -> Result<Vec<Result<Assigned>>> {
        let results = self
            .parts
            .db
            .write_tx("routing.change_assignments", |tx| {
                Box::pin(async move {
                    let now = self.now();
                    let mut board = self.board_for(tx, commands).await?;
                    let open_tasks = open_tasks(tx, commands).await?;
                    let mut results = Vec::with_capacity(commands.len());
                    for command in commands {
                        match self.carry_out(&mut board, command, &open_tasks) {
                            // A fault of ours may have left the board half changed.
                            Err(error) if is_fault(&error) => return Err(error),
                            result => results.push(result),
                        }
                    }
                    self.save(tx, board, now).await?;
                    Ok(results)
                })
            })
            .await?;
        Ok(results)
    }

    /// Locks what the commands need: cases first, then assignments.
    async fn board_for(&self, tx: &Tx<'_>, commands: &[Command]) -> Result<Board> {
        let ids = || commands.iter().map(|command| command.intent.assignment());
        let of = |which: fn(&Intent) -> bool| {
            let those = commands
                .iter()
                .filter(move |command| which(&command.intent));
            those.map(|command| command.intent.assignment())
        };
        let locking = of(|intent| intent.concerns_others() || intent.is_said());
        let referrals = store::referrals_of(tx, locking).await?;
        let wide: BTreeSet<ReferralId> = of(Intent::concerns_others)
            .filter_map(|id| referrals.get(&id).copied())
            .collect();
        let mut board = Board::default();
        board.read_cases(store::lock_cases(tx, referrals.into_values()).await?);
        board.read_assignments(store::lock_all(tx, ids(), wide).await?);
        let unread: Vec<_> = board
            .assignments()
            .map(|assignment| assignment.referral)
            .filter(|referral| board.find_case(*referral).is_none())
            .collect();
        board.read_cases(store::find_cases(tx, unread).await?);
        Ok(board)
    }

    fn carry_out(
        &self,
        board: &mut Board,
        command: &Command,
        open_tasks: &HashMap<AssignmentId, u64>,
    ) -> Result<Assigned> {
        let Command { by, intent, cause } = command;
        let id = intent.assignment();
        let Some(assignment) = board.assignment(id).cloned() else {
            return Err(Error::not_found());
        };
        let permission =
            may_work(&self.parts.policy, &by.party, &assignment).ok_or_else(Error::not_found)?;
        let version = assignment.version;
        let terms = &self.parts.terms;
        let carried_out = match intent {
            Intent::Accept(request) => request.apply(board, assignment, cause),
            Intent::Decline(request) => self.decline(board, assignment, request, cause),
            Intent::Extend(request) => request.apply(board, assignment, terms, cause),
            Intent::Release(request) => request.apply(board, assignment, terms, cause),
            Intent::Complete(request) => {
                let open = open_tasks.get(&id).copied().unwrap_or(0);
                request.apply(board, assignment, open, cause)
            }
            Intent::DeclareIndirectAccess(_) => {
                declare_indirect_access::apply(board, assignment, cause)
            }
        };
        carried_out?;
        let assignment = board.assignment(id).cloned().ok_or_else(Error::not_found)?;
        if assignment.version != version {
            let subject = wire::resource(id);
            if let Some(said) = intent.note() {
                board.note(id, said);
            }
            let (action, detail) = (intent.action(), intent.detail());
            board.audit(self.permitted(cause, action, subject, &permission, detail));
        }
        let envelope = board.envelope(assignment.referral)?;
        Ok(Assigned {
            assignment,
            envelope,
        })
    }
}

fn is_fault(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Internal | ErrorKind::DataLoss)
}

/// Completing needs to know.
async fn open_tasks(tx: &Tx<'_>, commands: &[Command]) -> Result<HashMap<AssignmentId, u64>> {
    let completed: Vec<AssignmentId> = commands
        .iter()
        .filter(|command| matches!(command.intent, Intent::Complete(_)))
        .map(|command| command.intent.assignment())
        .collect();
    store::count_open_tasks(tx, &completed).await
}

/// Puts an assignment on the board that ended a lease without an answer. Where that was the lead's
/// last attempt, the case goes back to the duty desk; a supporting unit's silence changes nothing for
/// the others.
pub(super) fn put_unanswered(
    board: &mut Board,
    assignment: Assignment,
    step: AssignmentStep,
    cause: &Cause,
) -> Result<()> {
    let (referral, unit) = (assignment.referral, assignment.unit.clone());
    let lost_lead =
        assignment.state == AssignmentState::DeadLettered && assignment.role == Role::Lead;
    board.put_assignment(assignment, step, cause)?;
    if lost_lead {
        board.give_back(referral, TriageCause::DeadLettered, Some(&unit), cause)?;
    }
    Ok(())
}
