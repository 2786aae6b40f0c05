//! A unit pulls what waits for it.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use liaison_grpc::wire;
use liaison_policy::{AssignmentFacts, Question};
use liaison_store::Tx;
use liaison_types::{AssignmentId, DeskCode, Error, ErrorKind, Reason, Result};
use tokio::time::{Instant, sleep_until};

use super::{Assigned, Core, Ops};
use crate::domain::{Actor, Lease, LeaseToken};
use crate::store::{self, Board, Cause, Queue};

/// Asks for assignments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PullAssignments {
    /// How many at most, 1 to 100.
    pub max: usize,
    /// How long to wait for the first.
    pub wait: Duration,
    /// How long the lease lasts; absent for the default.
    pub lease: Option<Duration>,
    /// Only this desk's.
    pub desk: Option<DeskCode>,
}

/// An assignment and the lease on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pulled {
    /// The assignment.
    pub assigned: Assigned,
    /// Proves the lease.
    pub token: LeaseToken,
}

/// One caller's wish, as it joins the others'.
#[derive(Clone, Debug)]
pub(super) struct PullRequest {
    queue: Queue,
    max: usize,
    lease: Option<Duration>,
    by: Actor,
    cause: Cause,
}

impl Ops {
    /// Pulls up to `max` assignments, the most urgent and then the oldest first; waits for the first
    /// one where nothing is there. Empty where nothing came in time, and when the service stops.
    ///
    /// # Errors
    /// PERMISSION_DENIED with UNKNOWN_UNIT where the calling unit is not configured.
    pub async fn pull_assignments(
        &self,
        by: &Actor,
        request: PullAssignments,
    ) -> Result<Vec<Pulled>> {
        let unit = by
            .unit()
            .filter(|unit| self.units().contains(unit))
            .ok_or_else(|| Error::new(ErrorKind::PermissionDenied, Reason::UnknownUnit))?;
        let queue = Queue {
            unit: unit.clone(),
            desk: request.desk,
        };
        let deadline = Instant::now() + request.wait;
        // Before the first look, so that nothing slips through between looking and waiting.
        let mut woken = self.wakes().listen(&queue);
        // Most calls find nothing at first: that is seen without a transaction.
        let mut waiting = store::is_waiting(self.core.parts.db.reader(), &queue).await?;
        loop {
            if !waiting && Instant::now() < deadline {
                tokio::select! {
                    _ = woken.changed() => {}
                    () = sleep_until(deadline) => return Ok(Vec::new()),
                    () = self.core.parts.stopping.cancelled() => return Ok(Vec::new()),
                }
            }
            waiting = false;
            woken.mark_unchanged();
            let pulled = self
                .pulls
                .call(PullRequest {
                    queue: queue.clone(),
                    max: request.max,
                    lease: request.lease,
                    by: by.clone(),
                    cause: self.core.called_by(by),
                })
                .await?;
            if !pulled.is_empty() || Instant::now() >= deadline {
                return Ok(pulled);
            }
        }
    }
}

impl Core {
    /// Serves all requests in one transaction: one look at each queue, one statement a table for
    /// everything that is handed out.
    pub(super) async fn pull(&self, requests: &[PullRequest]) -> Result<Vec<Result<Vec<Pulled>>>> {
        let pulled = self
            .parts
            .db
            .write_tx("routing.pull_assignments", |tx| {
                Box::pin(async move {
                    let mut board = Board::default();
                    let shares = share_out(tx, &mut board, requests).await?;
                    if shares.is_empty() {
                        return Ok(requests.iter().map(|_| Vec::new()).collect());
                    }
                    let referrals: Vec<_> = board.assignments().map(|a| a.referral).collect();
                    board.read_cases(store::find_cases(tx, referrals).await?);
                    let pulled = self.lease(&mut board, requests, &shares)?;
                    self.save(tx, board, self.now()).await?;
                    Ok(pulled)
                })
            })
            .await?;
        Ok(pulled.into_iter().map(Ok).collect())
    }

    /// Leases each assignment to the request that gets it.
    fn lease(
        &self,
        board: &mut Board,
        requests: &[PullRequest],
        shares: &[(usize, AssignmentId)],
    ) -> Result<Vec<Vec<Pulled>>> {
        let now = self.now();
        let mut pulled: Vec<Vec<Pulled>> = requests.iter().map(|_| Vec::new()).collect();
        for (place, id) in shares {
            let PullRequest {
                lease, by, cause, ..
            } = &requests[*place];
            let mut assignment = board
                .assignment(*id)
                .cloned()
                .ok_or_else(Error::not_found)?;
            let token = LeaseToken::new(self.parts.random.as_ref());
            let step = assignment.pull(Lease::new(token.hash(), *lease, &self.parts.terms, now))?;
            let envelope = board.envelope(assignment.referral)?;
            let facts = AssignmentFacts {
                party: &by.party,
                unit: &assignment.unit,
            };
            let permission = self
                .parts
                .policy
                .decide(facts.facts(Question::WorkAssignment));
            let subject = wire::resource(*id);
            let action = "routing.pull_assignments";
            board.audit(self.permitted(cause, action, subject, &permission, None));
            board.put_assignment(assignment.clone(), step, cause)?;
            pulled[*place].push(Pulled {
                assigned: Assigned {
                    assignment,
                    envelope,
                },
                token,
            });
        }
        Ok(pulled)
    }
}

/// Locks what waits and says which request gets which, in the order of the queue.
async fn share_out(
    tx: &Tx<'_>,
    board: &mut Board,
    requests: &[PullRequest],
) -> Result<Vec<(usize, AssignmentId)>> {
    let mut taken: HashSet<AssignmentId> = HashSet::new();
    let mut shares = Vec::new();
    for (queue, places) in by_queue(requests) {
        let wanted: usize = places.iter().map(|place| requests[*place].max).sum();
        // The unit's other queues may have given some of these already, and this transaction's own
        // locks keep it from nothing.
        let limit = u64::try_from(wanted + taken.len()).unwrap_or(u64::MAX);
        let mut found = store::claim(tx, queue, limit).await?;
        found.retain(|assignment| !taken.contains(&assignment.id));
        found.truncate(wanted);
        let mut ids = found.iter().map(|assignment| assignment.id);
        for place in places {
            for id in ids.by_ref().take(requests[place].max) {
                taken.insert(id);
                shares.push((place, id));
            }
        }
        board.read_assignments(found);
    }
    Ok(shares)
}

/// The places of the requests by queue; of each queue in the order of arrival.
fn by_queue(requests: &[PullRequest]) -> BTreeMap<&Queue, Vec<usize>> {
    let mut queues: BTreeMap<&Queue, Vec<usize>> = BTreeMap::new();
    for (place, request) in requests.iter().enumerate() {
        queues.entry(&request.queue).or_default().push(place);
    }
    queues
}
