//! What waits at the triage desk.

use liaison_grpc::paging;
use liaison_types::{ReferralId, Result, UnitCode};

use super::Ops;
use crate::case::Case;
use crate::convert::{PageRequest, Sealed};
use crate::desk::Waiting;
use crate::store;

impl Ops {
    /// A page of what waits, the most urgent and then the longest waiting first, and the token of the
    /// next page. Three statements, whatever the size.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn list_triage_items(&self, page: &PageRequest) -> Result<(Vec<Waiting>, String)> {
        let db = self.core.parts.db.reader();
        // One more than asked, to know whether there is a next page.
        let limit = u64::from(page.size) + 1;
        let rows = store::waiting(db, page.include_exercises, page.after, limit).await?;
        let (rows, token) =
            paging::page(&page.query, rows, page.size, |(item, _)| store::place(item));
        let referrals: Vec<ReferralId> = rows.iter().map(|(item, _)| item.referral).collect();
        let mut proposals = store::proposals(db, &referrals).await?;
        let waiting = rows
            .into_iter()
            .map(|(item, case)| {
                let proposal = proposals.remove(&item.referral);
                let envelope = Sealed::of(&case)?.facts;
                Ok(Waiting {
                    excluded: excluded(&envelope.markings.excluded_units, &case),
                    item,
                    envelope,
                    proposal,
                })
            })
            .collect::<Result<_>>()?;
        Ok((waiting, token))
    }
}

/// Units that the source excludes, then those that declined, each once.
pub(super) fn excluded(by_source: &[UnitCode], case: &Case) -> Vec<UnitCode> {
    let mut units = by_source.to_vec();
    for unit in &case.declined {
        if !units.contains(unit) {
            units.push(unit.clone());
        }
    }
    units
}
