//! Admitted referrals wait to be decided.

use liaison_store::Tx;
use liaison_types::{Result, Timestamp};

use super::Ops;
use crate::case::Case;
use crate::store;

impl Ops {
    /// Keeps admitted referrals, to be claimed from now on, by one statement. One that is known is
    /// passed over, whatever became of it since. They are in intake's audit already.
    ///
    /// To be called in the transaction that found out that the facts are new.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn record_admissions(
        &self,
        tx: &Tx<'_>,
        now: Timestamp,
        cases: &[Case],
    ) -> Result<()> {
        if cases.is_empty() {
            return Ok(());
        }
        store::insert_cases(tx, now, cases).await
    }
}
