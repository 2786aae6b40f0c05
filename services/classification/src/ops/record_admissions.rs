//! Admitted referrals wait to be decided.

use liaison_store::Tx;
use liaison_types::{Result, Timestamp};

use super::Ops;
use crate::arrivals::Arrivals;
use crate::case::Case;
use crate::store;

impl Ops {
    /// Keeps admitted referrals, by one statement: claimed for the worker behind `arrivals`, who has
    /// them once the transaction has committed, or to be claimed from now on where it has no room. One
    /// that is known is passed over, whatever became of it since. They are in intake's audit already.
    ///
    /// To be called in the transaction that found out that the facts are new.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn record_admissions(
        &self,
        tx: &Tx<'_>,
        now: Timestamp,
        cases: Vec<Case>,
        arrivals: &Arrivals,
    ) -> Result<()> {
        if cases.is_empty() {
            return Ok(());
        }
        let arrivals = arrivals.clone();
        let Some(room) = arrivals.reserve(cases.len()) else {
            store::insert_cases(tx, now, now, &cases).await?;
            tx.after_commit(move || arrivals.wake());
            return Ok(());
        };
        let until = now + self.terms().lease;
        let mut claimed = cases;
        for case in &mut claimed {
            case.attempts = case.attempts.saturating_add(1);
        }
        let new = store::insert_cases(tx, now, until, &claimed).await?;
        claimed.retain(|case| new.contains(&case.referral));
        tx.after_commit(move || arrivals.hand_over(claimed, until, room));
        Ok(())
    }
}
