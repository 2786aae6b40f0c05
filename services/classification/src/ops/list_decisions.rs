//! The decisions on a referral.

use liaison_types::{Error, ReferralId, Result};

use super::Ops;
use crate::case::Decided;
use crate::store;

impl Ops {
    /// The decisions on `referral`, the newest first; none while it waits for the machine.
    ///
    /// # Errors
    /// NOT_FOUND where there is no such referral here.
    pub async fn list_decisions(&self, referral: ReferralId) -> Result<Vec<Decided>> {
        let parts = &self.core.parts;
        let db = parts.db.reader();
        if store::find_case(db, referral).await?.is_none() {
            return Err(Error::not_found());
        }
        store::decisions_of(db, &parts.vault, referral).await
    }
}
