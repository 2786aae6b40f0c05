//! Listing shares: of a referral, and those that wait for the caller's consent.

use liaison_grpc::paging::{Query, page};
use liaison_types::{Error, Party, ReferralId, Result};
use uuid::Uuid;

use super::Ops;
use crate::domain::{Share, Words};
use crate::store;

/// Which page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SharePage {
    /// At most this many.
    pub size: u32,
    /// From the page before; empty for the first.
    pub token: String,
}

impl Ops {
    /// A page of the shares of a referral, the oldest first, and the token of the next. Everything for the
    /// owner and the compliance desk; the unit that leads sees what it asked for itself.
    ///
    /// # Errors
    /// NOT_FOUND where there is no such referral and where it is hidden.
    pub async fn list_shares(
        &self,
        viewer: &Party,
        id: ReferralId,
        query: SharePage,
    ) -> Result<(Vec<Share>, String)> {
        let core = &*self.core;
        let record = core.visible(viewer, id).await?;
        let bound = Query::new("ListShares", viewer).with(&id.to_string());
        let after: Option<Uuid> = bound.position(&query.token)?;
        let db = core.db.reader();
        let own = match viewer {
            Party::Unit(unit) => {
                if record.referral.lead.as_ref() != Some(unit) {
                    return Err(Error::not_found());
                }
                true
            }
            _ if *viewer == record.referral.owner => false,
            Party::Desk(_) => false,
            // A party it was shared with knows of its own share only.
            _ => return Err(Error::not_found()),
        };
        let limit = u64::from(query.size) + 1;
        let rows = store::shares_of(db, &core.vault, id, after, limit).await?;
        let (mut rows, token) = page(&bound, rows, query.size, |last| last.id.uuid());
        if own {
            rows.retain(|share| share.requested_by.party == *viewer);
        }
        if matches!(viewer, Party::Desk(_)) {
            for share in &mut rows {
                (share.reason, share.decision_reason) = (Words::default(), Words::default());
            }
        }
        Ok((rows, token))
    }

    /// A page of the shares that wait for the consent of `owner`, the oldest first, and the token of the
    /// next.
    ///
    /// # Errors
    /// PAGE_TOKEN_MISMATCH where the token is of another query.
    pub async fn list_consent_requests(
        &self,
        owner: &Party,
        query: SharePage,
    ) -> Result<(Vec<Share>, String)> {
        let core = &*self.core;
        let bound = Query::new("ListConsentRequests", owner);
        let after: Option<Uuid> = bound.position(&query.token)?;
        let limit = u64::from(query.size) + 1;
        let rows =
            store::consent_requests(core.db.reader(), &core.vault, owner, after, limit).await?;
        Ok(page(&bound, rows, query.size, |last| last.id.uuid()))
    }
}
