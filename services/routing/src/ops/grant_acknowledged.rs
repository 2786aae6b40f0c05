//! Intake has acknowledged a grant: from now on the unit may pull the assignment and open the dossier.

use liaison_store::Tx;
use liaison_types::{AssignmentId, Result, Timestamp};

use super::Ops;
use crate::store::{self, Board, Cause};

impl Ops {
    /// The grants of these assignments are there. In the transaction that removes the events that
    /// asked for them, so that neither is ever without the other. Wake the long polls after it has
    /// committed.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn grant_acknowledged(
        &self,
        tx: &Tx<'_>,
        now: Timestamp,
        ids: Vec<AssignmentId>,
    ) -> Result<()> {
        let mut board = Board::default();
        board.read_assignments(store::lock_all(tx, ids.iter().copied(), []).await?);
        let referrals: Vec<_> = board.assignments().map(|a| a.referral).collect();
        board.read_cases(store::find_cases(tx, referrals).await?);
        for id in ids {
            // Taken back in the meantime, or granted before: nothing changes.
            if let Some(mut assignment) = board.assignment(id).cloned()
                && let Some(step) = assignment.grant(now)
            {
                let traceparent = assignment.traceparent.clone();
                let cause = Cause {
                    actor: None,
                    at: now,
                    traceparent,
                };
                board.put_assignment(assignment, step, &cause)?;
            }
        }
        self.core.save(tx, board, now).await
    }
}
