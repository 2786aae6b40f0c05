//! Listing assignments.

use std::collections::HashMap;
use std::sync::Arc;

use liaison_grpc::paging::{self, Query};
use liaison_store::Inconsistency;
use liaison_types::{Error, ErrorKind, Reason, Result};
use uuid::Uuid;

use super::{Assigned, Ops};
use crate::domain::{Actor, AssignmentState};
use crate::store;

/// Asks for a page of assignments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListAssignments {
    /// How many at most.
    pub page_size: u32,
    /// From the answer before; empty for the first page.
    pub page_token: String,
    /// Only these states, ascending; empty for all.
    pub states: Vec<AssignmentState>,
    /// Include training traffic.
    pub include_exercises: bool,
}

/// A page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// The newest first.
    pub assignments: Vec<Assigned>,
    /// Empty on the last page.
    pub next_page_token: String,
}

impl Ops {
    /// A page of a unit's own assignments, those whose grant is there; the duty desk sees all of every
    /// unit.
    ///
    /// # Errors
    /// PERMISSION_DENIED to other desks; PAGE_TOKEN_MISMATCH.
    pub async fn list_assignments(&self, by: &Actor, request: ListAssignments) -> Result<Page> {
        let unit = by.unit();
        let policy = self.core.parts.policy.rules();
        if unit.is_none() && !policy.may_list_assignments(&by.party) {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                Reason::CallerNotAllowed,
            ));
        }
        let states: Vec<&str> = request.states.iter().map(|state| state.as_str()).collect();
        let query = Query::new("ListAssignments", &by.party)
            .with(&states.join(","))
            .with(if request.include_exercises {
                "exercises"
            } else {
                ""
            });
        let after: Option<Uuid> = query.position(&request.page_token)?;
        let db = self.core.parts.db.reader();
        let found = store::list_assignments(
            db,
            unit,
            &request.states,
            request.include_exercises,
            after,
            // One more tells whether there is a next page.
            u64::from(request.page_size) + 1,
        )
        .await?;
        let (found, next_page_token) =
            paging::page(&query, found, request.page_size, |last| last.id.uuid());
        let cases =
            store::find_cases(db, found.iter().map(|assignment| assignment.referral)).await?;
        let envelopes: HashMap<_, _> = cases
            .into_iter()
            .map(|case| (case.envelope.referral, case.envelope))
            .collect();
        let assignments = found
            .into_iter()
            .map(|assignment| {
                let envelope = envelopes
                    .get(&assignment.referral)
                    .map(Arc::clone)
                    .ok_or_else(|| Inconsistency::on("routed_case").row(assignment.referral))?;
                Ok(Assigned {
                    assignment,
                    envelope,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Page {
            assignments,
            next_page_token,
        })
    }
}
