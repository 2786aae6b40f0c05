//! What the service does: one use case a file, named after its verb.
//!
//! Each runs in one transaction that holds the state, the events others are told by, and the audit.
//! Whoever may not see an assignment gets the answer that nobody has it; that is decided before
//! anything else is looked at.

mod accept_assignment;
mod change;
mod claim_task;
mod complete_assignment;
mod complete_task;
mod create_task;
mod declare_indirect_access;
mod decline_assignment;
mod expire_leases;
mod extend_lease;
mod get_assignment;
mod grant_acknowledged;
mod list_assignments;
mod list_tasks;
mod permission;
mod pull_assignments;
mod purge_referrals;
mod record_classification;
mod refuse;
mod release_assignment;

pub use accept_assignment::AcceptAssignment;
pub use claim_task::ClaimTask;
pub use complete_assignment::CompleteAssignment;
pub use complete_task::CompleteTask;
pub use create_task::CreateTask;
pub use declare_indirect_access::DeclareIndirectAccess;
pub use decline_assignment::DeclineAssignment;
pub use extend_lease::ExtendLease;
pub use get_assignment::GetAssignment;
pub use list_assignments::{ListAssignments, Page};
pub use list_tasks::ListTasks;
pub use pull_assignments::{PullAssignments, Pulled};
pub use record_classification::Classified;
pub use refuse::{About, Refused};
pub use release_assignment::ReleaseAssignment;

use std::fmt;
use std::sync::Arc;

use liaison_grpc::event_delivery::EventSource;
use liaison_outbox::Outbox;
use liaison_policy::{Decided, Policy};
use liaison_runtime::record_decision;
use liaison_store::Tx;
use liaison_store::audit::AuditEntry;
use liaison_store::sealed::Vault;
use liaison_store::{Batcher, BatcherSettings, Db};
use liaison_telemetry::propagation;
use liaison_types::{AssignmentId, AuditId, Clock, Error, Party, Random, Result, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::convert;
use crate::domain::{Actor, Assignment, Envelope, LeaseTerms, Units};
use crate::store::{self, Board, Cause};
use crate::wake::Wakes;

use change::Command;
use pull_assignments::PullRequest;

/// The name of this service: its party is `service/routing`.
pub const SERVICE: &str = "routing";

/// How it stands in the audit what this service did by a rule of its own.
const PERMIT: &str = "PERMIT";
const REFUSE: &str = "REFUSE";

/// An assignment with the envelope of its referral: what a unit is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assigned {
    /// The assignment.
    pub assignment: Assignment,
    /// The envelope.
    pub envelope: Arc<Envelope>,
}

/// What the operations need.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness: ids and lease tokens.
    pub random: Arc<dyn Random>,
    /// Seals what people write.
    pub vault: Vault,
    /// The units and their desks.
    pub units: Units,
    /// How leases are given.
    pub terms: LeaseTerms,
    /// The most tasks of one assignment.
    pub max_tasks: usize,
    /// What is decided by.
    pub policy: Policy,
    /// Where others are told.
    pub outbox: Outbox,
    /// Cancelled when long polls have to end.
    pub stopping: CancellationToken,
}

/// The operations. Cheap to clone.
#[derive(Clone)]
pub struct Ops {
    core: Arc<Core>,
    /// Concurrent pulls share a transaction.
    pulls: Batcher<PullRequest, Vec<Pulled>>,
    /// So do concurrent answers.
    changes: Batcher<Command, Assigned>,
}

impl fmt::Debug for Ops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ops")
    }
}

/// What every operation works with.
struct Core {
    parts: Parts,
    service: Party,
    source: EventSource,
    wakes: Arc<Wakes>,
}

impl Ops {
    /// The operations on these parts. Must be made within a runtime.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let service = Party::service(SERVICE);
        let source = EventSource::new(&service, Arc::clone(&parts.random));
        let (pull, change) = (
            BatcherSettings::new("routing.pull_assignments", &parts.db),
            BatcherSettings::new("routing.change_assignments", &parts.db),
        );
        let core = Arc::new(Core {
            parts,
            service,
            source,
            wakes: Arc::default(),
        });
        Self {
            pulls: Batcher::spawn(pull, {
                let core = Arc::clone(&core);
                move |requests| {
                    let core = Arc::clone(&core);
                    Box::pin(async move { core.pull(&requests).await })
                }
            }),
            changes: Batcher::spawn(change, {
                let core = Arc::clone(&core);
                move |commands| {
                    let core = Arc::clone(&core);
                    Box::pin(async move { core.change(&commands).await })
                }
            }),
            core,
        }
    }

    /// What they work on.
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.core.parts
    }

    /// The units and their desks.
    #[must_use]
    pub fn units(&self) -> &Units {
        &self.core.parts.units
    }

    /// How leases are given.
    #[must_use]
    pub fn terms(&self) -> &LeaseTerms {
        &self.core.parts.terms
    }

    /// How many queues long polls wait for at this moment.
    #[must_use]
    pub fn polled_queues(&self) -> usize {
        self.core.wakes.polled()
    }

    /// Who waits for work.
    pub(crate) fn wakes(&self) -> &Wakes {
        &self.core.wakes
    }
}

impl Core {
    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// The cause of a call: who makes it, now, in the present trace.
    fn called_by(&self, by: &Actor) -> Cause {
        Cause {
            actor: Some(by.clone()),
            at: self.now(),
            traceparent: propagation::current_traceparent(),
        }
    }

    /// An entry of the audit about what `cause` does.
    fn entry(&self, cause: &Cause, action: &str, subject: String, decision: &str) -> AuditEntry {
        let actor = cause.actor.as_ref();
        let party = actor.map_or_else(|| self.service.clone(), |actor| actor.party.clone());
        let id = AuditId::new(cause.at, self.parts.random.as_ref());
        AuditEntry {
            officer: actor.and_then(|actor| actor.officer.clone()),
            ..AuditEntry::new(id, cause.at, party, action, subject, decision)
        }
    }

    /// The entry of what policy decided. `detail` is a coded reason or outcome: the audit outlives a purge,
    /// and holds nothing of what people write.
    fn permitted(
        &self,
        cause: &Cause,
        action: &str,
        subject: String,
        permission: &Decided,
        detail: Option<&'static str>,
    ) -> AuditEntry {
        let mut entry = self.entry(cause, action, subject, REFUSE);
        entry.purpose = detail.map(str::to_owned);
        record_decision(&mut entry, permission);
        entry
    }

    /// The entry of what follows by a rule of this service's own, without a question to policy.
    fn done(&self, cause: &Cause, action: &str, subject: String, rule: &str) -> AuditEntry {
        let mut entry = self.entry(cause, action, subject, PERMIT);
        entry.rules = vec![rule.to_owned()];
        entry
    }

    /// Writes the board, with what others are told. Whoever waits for what it puts into a queue is
    /// woken once the transaction has committed.
    async fn save(&self, tx: &Tx<'_>, mut board: Board, now: Timestamp) -> Result<()> {
        let events = convert::events(&self.source, board.take_facts());
        let arrived = board.arrived();
        if !arrived.is_empty() {
            let wakes = Arc::clone(&self.wakes);
            tx.after_commit(move || wakes.arrived(&arrived));
        }
        board.write(tx, &self.parts.vault).await?;
        self.parts.outbox.enqueue(tx, now, events).await
    }

    /// Locks an assignment that `by` may work on and puts it on a new board with its case.
    async fn own(
        &self,
        tx: &Tx<'_>,
        by: &Actor,
        id: AssignmentId,
    ) -> Result<(Board, Assignment, Decided)> {
        self.own_on(Board::default(), tx, by, id).await
    }

    /// The same with the case locked as well, for what may be the first that is written about it.
    async fn own_with_case(
        &self,
        tx: &Tx<'_>,
        by: &Actor,
        id: AssignmentId,
    ) -> Result<(Board, Assignment, Decided)> {
        let mut board = Board::default();
        let referral = store::referrals_of(tx, [id]).await?;
        board.read_cases(store::lock_cases(tx, referral.into_values()).await?);
        self.own_on(board, tx, by, id).await
    }

    async fn own_on(
        &self,
        mut board: Board,
        tx: &Tx<'_>,
        by: &Actor,
        id: AssignmentId,
    ) -> Result<(Board, Assignment, Decided)> {
        board.read_assignments(store::lock_all(tx, [id], []).await?);
        let Some(assignment) = board.assignment(id).cloned() else {
            return Err(Error::not_found());
        };
        let permission = permission::may_work(&self.parts.policy, &by.party, &assignment)
            .ok_or_else(Error::not_found)?;
        if board.find_case(assignment.referral).is_none() {
            board.read_cases(store::find_cases(tx, [assignment.referral]).await?);
        }
        Ok((board, assignment, permission))
    }
}
