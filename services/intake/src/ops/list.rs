//! Listing referrals.

use liaison_grpc::paging::{Query, page};
use liaison_types::{Party, ReferralId, Result};
use uuid::Uuid;

use super::Ops;
use crate::domain::{Referral, ReferralState};
use crate::store::{self, ListFilter, Whose};

/// Which page of which referrals.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListQuery {
    /// At most this many.
    pub page_size: u32,
    /// From the page before; empty for the first.
    pub page_token: String,
    /// Only those in one of these states; all where absent.
    pub states: Option<Vec<ReferralState>>,
    /// Training traffic too.
    pub include_exercises: bool,
    /// Those that others shared with the caller, instead of its own.
    pub shared: bool,
}

impl Ops {
    /// A page of the caller's referrals, the newest first, and the token of the next; the compliance
    /// and the triage desk see everybody's.
    ///
    /// # Errors
    /// PAGE_TOKEN_MISMATCH where the token is of another query.
    pub async fn list(&self, viewer: &Party, query: ListQuery) -> Result<(Vec<Referral>, String)> {
        let bound = bind(viewer, &query);
        let before: Option<Uuid> = bound.position(&query.page_token)?;
        if query.states.as_ref().is_some_and(Vec::is_empty) {
            return Ok((Vec::new(), String::new()));
        }
        let filter = ListFilter {
            of: if query.shared {
                Whose::SharedWith(viewer.clone())
            } else if self.core.policy.rules().may_list_all(viewer) {
                Whose::All
            } else {
                Whose::Owner(viewer.clone())
            },
            states: query.states.unwrap_or_default(),
            include_exercises: query.include_exercises,
            before: before.map(ReferralId::from_uuid),
            limit: u64::from(query.page_size) + 1,
        };
        let rows = store::list(self.core.db.reader(), &filter).await?;
        Ok(page(&bound, rows, query.page_size, |last| last.id.uuid()))
    }
}

/// What a token is bound to.
fn bind(viewer: &Party, query: &ListQuery) -> Query {
    let mut bound = Query::new("ListReferrals", viewer)
        .with(if query.include_exercises {
            "exercises"
        } else {
            ""
        })
        .with(if query.shared { "shared" } else { "" });
    for state in query.states.iter().flatten() {
        bound = bound.with(state.as_str());
    }
    bound
}
