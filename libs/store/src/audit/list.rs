//! Reading the audit.

use liaison_types::{AuditId, Party, Result, Timestamp};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{AuditRecord, entity, id};
use crate::error::DbResult;

/// At most this many entries come at once.
pub const MAX_PAGE: u64 = 1_000;

/// Which entries to list. Absent parts ask for everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only those about this subject.
    pub subject: Option<String>,
    /// Only those of this party.
    pub party: Option<Party>,
    /// Only those at this instant or later.
    pub from: Option<Timestamp>,
    /// Only those before this instant.
    pub until: Option<Timestamp>,
    /// Only those with facts: what policy decided.
    pub decided: bool,
    /// Only those after this entry: where the last page ended.
    pub after: Option<AuditId>,
    /// At most this many, and never more than [`MAX_PAGE`].
    pub limit: u64,
}

/// The entries `query` asks for, by id, which is by time to the millisecond.
///
/// Ids are made from `at` ([`record`](super::record) sees to it), so `from` and `until` are bounds of the
/// id as well: whether it is asked for a subject, a party or neither, an index gives the page in order.
///
/// # Errors
/// `INCONSISTENT_DATA` where a row is no entry, else what the database says.
pub async fn list<C: ConnectionTrait>(db: &C, query: &AuditQuery) -> Result<Vec<AuditRecord>> {
    use entity::Column;
    let mut select = entity::Entity::find();
    if let Some(subject) = &query.subject {
        select = select.filter(Column::Subject.eq(subject));
    }
    if let Some(party) = &query.party {
        select = select.filter(Column::Party.eq(party.to_string()));
    }
    if let Some(from) = query.from {
        select = select
            .filter(Column::At.gte(from.as_micros()))
            .filter(Column::Id.gte(id::lowest_at(from)));
    }
    if let Some(until) = query.until {
        select = select
            .filter(Column::At.lt(until.as_micros()))
            .filter(Column::Id.lte(id::highest_at(until)));
    }
    if query.decided {
        select = select.filter(Column::Facts.is_not_null());
    }
    if let Some(after) = query.after {
        select = select.filter(Column::Id.gt(after.uuid()));
    }
    select
        .order_by_asc(Column::Id)
        .limit(query.limit.min(MAX_PAGE))
        .all(db)
        .await
        .db()?
        .into_iter()
        .map(AuditRecord::try_from)
        .collect()
}
