//! Leases run out.

use liaison_grpc::wire;
use liaison_types::Result;

use super::Ops;
use super::change::put_unanswered;
use crate::store::{self, Board, Cause};

/// The most leases of one transaction.
const BATCH: u64 = 256;

impl Ops {
    /// Ends every lease that has run out by now, and answers how many: each assignment waits again, or
    /// is a dead letter where that was its last attempt.
    ///
    /// # Errors
    /// Where the database refuses; what was done until then stays done.
    pub async fn expire_leases(&self) -> Result<u64> {
        let mut total = 0;
        loop {
            let (found, ended) = self.expire_some().await?;
            total += ended;
            if found < BATCH {
                return Ok(total);
            }
        }
    }

    /// How many were found, and how many of them were still there to end under the lock.
    async fn expire_some(&self) -> Result<(u64, u64)> {
        let core = &self.core;
        let parts = &core.parts;
        let found = store::expired(parts.db.reader(), core.now(), BATCH).await?;
        if found.is_empty() {
            return Ok((0, 0));
        }
        let ids = found.as_slice();
        let ended = parts
            .db
            .write_tx("routing.expire_leases", |tx| {
                Box::pin(async move {
                    let now = core.now();
                    let mut board = Board::default();
                    let referrals = store::referrals_of(tx, ids.iter().copied()).await?;
                    board.read_cases(store::lock_cases(tx, referrals.values().copied()).await?);
                    let locked =
                        store::lock_all(tx, ids.iter().copied(), referrals.into_values()).await?;
                    board.read_assignments(locked);
                    let mut ended = 0;
                    for id in ids {
                        // Answered or extended in the meantime: it is not ours any more.
                        if let Some(mut assignment) = board.assignment(*id).cloned()
                            && let Some(step) = assignment.expire(&parts.terms, now)
                        {
                            let traceparent = assignment.traceparent.clone();
                            let cause = Cause {
                                actor: None,
                                at: now,
                                traceparent,
                            };
                            board.audit(core.done(
                                &cause,
                                "routing.expire_lease",
                                wire::resource(*id),
                                "lease.ran-out",
                            ));
                            put_unanswered(&mut board, assignment, step, &cause)?;
                            ended += 1;
                        }
                    }
                    core.save(tx, board, now).await?;
                    Ok(ended)
                })
            })
            .await?;
        Ok((u64::try_from(found.len()).unwrap_or(BATCH), ended))
    }
}
