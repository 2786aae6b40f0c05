//! What a text would be. Nothing is kept.

use std::sync::Arc;

use liaison_types::{Error, ReferralId, Result};
use uuid::Uuid;

use super::judge::unnamed;
use super::{Core, Ops};
use crate::case::Decided;
use crate::convert::CaseInput;

/// Up to this many bytes a decision takes well under a millisecond; longer ones go to a thread where
/// they hold nobody up.
pub(super) const SHORT: usize = 8 << 10;

impl Ops {
    /// Decides `input` by the rules alone, without markings.
    ///
    /// # Errors
    /// INTERNAL where deciding fails.
    pub async fn classify_text(&self, input: CaseInput) -> Result<Decided> {
        if input.narrative.len() <= SHORT {
            return self.core.decide_text(&input);
        }
        let core = Arc::clone(&self.core);
        tokio::task::spawn_blocking(move || core.decide_text(&input))
            .await
            .map_err(|_| Error::internal("deciding did not end"))?
    }
}

impl Core {
    fn decide_text(&self, input: &CaseInput) -> Result<Decided> {
        let in_use = self.parts.rules.in_use();
        let set = &in_use.active;
        let decision = Self::decide(&set.rules, &input.as_input())?;
        let nobody = ReferralId::from_uuid(Uuid::nil());
        Ok(unnamed(decision, nobody, self.now()))
    }
}
