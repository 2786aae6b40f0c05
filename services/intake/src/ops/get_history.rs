//! Reading a history.

use liaison_types::{Party, ReferralId, Result};

use super::Ops;
use crate::domain::Step;
use crate::store;

impl Ops {
    /// Every step of the referral in order, where `viewer` may know of it.
    ///
    /// # Errors
    /// NOT_FOUND where there is none and where it is hidden.
    pub async fn get_history(&self, viewer: &Party, id: ReferralId) -> Result<Vec<Step>> {
        self.core.visible(viewer, id).await?;
        store::history(self.core.db.reader(), id).await
    }
}
