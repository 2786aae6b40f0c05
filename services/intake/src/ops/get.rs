//! Reading a referral.

use liaison_types::{Party, ReferralId, Result};

use super::Ops;
use crate::domain::Referral;

impl Ops {
    /// The referral, where `viewer` may know of it.
    ///
    /// # Errors
    /// NOT_FOUND where there is none and where it is hidden.
    pub async fn get(&self, viewer: &Party, id: ReferralId) -> Result<Referral> {
        Ok(self.core.visible(viewer, id).await?.referral)
    }
}
