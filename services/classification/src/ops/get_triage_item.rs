//! A referral is opened at the triage desk.

use liaison_policy::attribute::Grant;
use liaison_policy::{Decided as Permission, ViewFacts};
use liaison_runtime::record_decision;
use liaison_store::{Tx, audit};
use liaison_types::{Error, Party, ReferralId, Result};

use super::list_triage_items::excluded;
use super::{Core, Ops, PERMIT, REFUSE};
use crate::convert::Sealed;
use crate::desk::{Opened, Waiting, latest};
use crate::store;

const ACTION: &str = "classification.get_triage_item";

impl Ops {
    /// What the desk knows of `referral`, whether it waits there or not: the item, every decision with its
    /// reasons and notes, and what was said of the decisions afterwards. The dossier is not in it; it is read
    /// at intake. Each opening is in the audit, and a refused one too.
    ///
    /// # Errors
    /// NOT_FOUND where there is no such referral here, and where `viewer` must not read what is so marked.
    pub async fn get_triage_item(
        &self,
        viewer: &Party,
        officer: Option<&str>,
        referral: ReferralId,
    ) -> Result<Opened> {
        let core = &self.core;
        core.parts
            .db
            .write_tx("classification.get_triage_item", |tx| {
                Box::pin(async move { core.open(tx, viewer, officer, referral).await })
            })
            .await?
            .ok_or_else(Error::not_found)
    }
}

impl Core {
    /// Nothing where it must not be opened, which is kept.
    async fn open(
        &self,
        tx: &Tx<'_>,
        viewer: &Party,
        officer: Option<&str>,
        referral: ReferralId,
    ) -> Result<Option<Opened>> {
        let case = store::find_case(tx, referral).await?;
        let case = case.ok_or_else(Error::not_found)?;
        let envelope = Sealed::of(&case)?;
        let permission = self.may_see(viewer, &envelope)?;
        let word = if permission.is_allowed() {
            PERMIT
        } else {
            REFUSE
        };
        let mut entry = self.entry(self.now(), viewer, ACTION, referral, word, Vec::new());
        entry.officer = officer.map(str::to_owned);
        record_decision(&mut entry, &permission);
        audit::record(tx, vec![entry]).await?;
        if !permission.is_allowed() {
            return Ok(None);
        }
        let item = store::items_of(tx, &[referral]).await?.remove(&referral);
        let decisions = store::decisions_of(tx, &self.parts.vault, referral).await?;
        let item = item.map(|item| Waiting {
            excluded: excluded(&envelope.facts.markings.excluded_units, &case),
            item,
            envelope: envelope.facts,
            proposal: latest(&decisions).1.cloned(),
        });
        Ok(Some(Opened {
            item,
            decisions,
            corrections: store::corrections_of(tx, referral).await?,
        }))
    }

    /// What policy says of `viewer`, who works at the desk, reading what its officers wrote of the referral.
    /// That is as much its content as the dossier, so that the question is the same, put without a grant:
    /// a desk whose clearance does not reach may do neither.
    fn may_see(&self, viewer: &Party, envelope: &Sealed) -> Result<Permission> {
        let owner = envelope.owner()?;
        let markings = &envelope.facts.markings;
        let mut facts = ViewFacts::new(viewer, &owner, Grant::None, markings);
        facts.clearance = self.parts.policy.clearance(viewer);
        Ok(self.parts.policy.decide(facts.dossier()))
    }
}
