//! Finding what is not sealed yet.
//!
//! An entry's id is made before its transaction commits, so entries appear behind others that have long
//! been sealed, and "after the last one" would leave them out. Comparing the whole audit with its seals
//! each second would find all and cost ever more. So each entry is looked at three times, each time
//! later and more rarely:
//!
//! * at once: the search for *recent* entries goes back [`RECENT`] before the newest. Transactions take
//!   milliseconds and the clocks of replicas are held to well below a second of each other, so that it
//!   misses next to nothing; at 3,000 entries a second it compares about 12,000 each second;
//! * again at the age of [`SETTLED`], once: the *horizon* moves over every entry as it reaches that age.
//!   A transaction begins no further attempt 15 seconds after its first, and waits for a connection for
//!   10, by default; the rest is room for clocks that are wrong;
//! * again in each *sweep* from the first entry to the horizon, which begins every [`SWEEP_EVERY`] and
//!   compares [`SWEEP_STEP`] entries at a time, so that what came later than all that (a clock wrong by
//!   minutes, a session that hung, a restored table) is sealed as well, in the end.
//!
//! Where nothing was written for the age of [`SETTLED`] all that is left is to read the head and the
//! newest entry, without a lock and without writing.

use std::time::Duration;

use liaison_types::{Error, Result, Timestamp};
use sea_orm::sea_query::{LockBehavior, LockType};
use sea_orm::{
    ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement, Value,
};
use uuid::Uuid;

use super::super::AuditRecord;
use super::super::entity as audit;
use super::super::id::{highest_at, lowest_at, made_at};
use super::{Batch, MAX_BATCH, SEALER_TABLE, entity};
use crate::bulk::any_of;
use crate::error::DbResult;
use crate::inconsistency::Inconsistency;
use crate::tx::Tx;

/// How far before the newest entry every search goes back.
const RECENT: Duration = Duration::from_secs(3);
/// The age at which an entry is looked at once more.
const SETTLED: Duration = Duration::from_secs(60);
/// A sweep begins this long after the last one ended.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);
/// As many entries a sweep compares in one search: a few milliseconds.
const SWEEP_STEP: u64 = 2_000;

/// How far the searches came. Absent is before the first entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursors {
    /// Up to here every entry was looked at, at least at once.
    pub(super) recent: Option<Uuid>,
    /// Up to here every entry was looked at, at the age of [`SETTLED`] at least.
    pub(super) horizon: Option<Uuid>,
    /// Up to here the sweep came that is under way; absent also where none is.
    pub(super) swept: Option<Uuid>,
    /// When the last sweep ended.
    pub(super) swept_at: Timestamp,
}

impl Cursors {
    fn of(head: &entity::sealer::Model) -> Self {
        Self {
            recent: head.recent,
            horizon: head.horizon,
            swept: head.swept,
            swept_at: Timestamp::from_micros(head.swept_at),
        }
    }

    /// Also where the clock was turned back, since nobody knows how far.
    fn sweep_is_due(&self, now: Timestamp) -> bool {
        self.swept.is_some() || now < self.swept_at || now.since(self.swept_at) >= SWEEP_EVERY
    }
}

/// The entries that are not sealed yet, at most `limit` and [`MAX_BATCH`], in the order of their ids, and
/// the head they follow, for [`append_seals`](super::append_seals) in the same transaction.
///
/// `None` where somebody else is sealing right now. The head stays locked until the transaction ends, so
/// that no two seal at once; nobody waits, but on SQLite, where all who write wait for each other. Where
/// the batch is full there is more to seal: seal on at once. `now` is the clock by which ids are made,
/// give or take some seconds.
///
/// # Errors
/// `INCONSISTENT_DATA` where the head is gone or an entry is none, else what the database says.
pub async fn next_to_seal(tx: &Tx<'_>, now: Timestamp, limit: u64) -> Result<Option<Batch>> {
    let newest = last_until(tx, Uuid::max()).await?;
    let on = Inconsistency::on(SEALER_TABLE).row(entity::sealer::ID);
    let Some(seen) = head(tx, None).await? else {
        return Err(on.into());
    };
    let before = Cursors::of(&seen);
    if newest == before.horizon && !before.sweep_is_due(now) {
        return batch(tx, seen, before, Vec::new()).await.map(Some);
    }
    let Some(head) = head(tx, Some(LockBehavior::SkipLocked)).await? else {
        return Ok(None);
    };
    let mut found = Cursors::of(&head);
    let mut search = Search {
        tx,
        limit: limit.min(MAX_BATCH),
        ids: Vec::new(),
    };
    if found.sweep_is_due(now) {
        search.sweep(&mut found, now).await?;
    }
    search.settle(&mut found, now).await?;
    search.recent(&mut found, now).await?;
    batch(tx, head, found, search.ids).await.map(Some)
}

async fn head(tx: &Tx<'_>, lock: Option<LockBehavior>) -> Result<Option<entity::sealer::Model>> {
    let mut select = entity::sealer::Entity::find_by_id(entity::sealer::ID);
    if let Some(behavior) = lock {
        select = select.lock_with_behavior(LockType::Update, behavior);
    }
    select.one(tx).await.db()
}

async fn batch(
    tx: &Tx<'_>,
    head: entity::sealer::Model,
    found: Cursors,
    ids: Vec<Uuid>,
) -> Result<Batch> {
    let on = Inconsistency::on(SEALER_TABLE)
        .row(head.id)
        .column("digest");
    let before = Cursors::of(&head);
    let digest = head.digest.map(<[u8; 32]>::try_from).transpose();
    let digest = digest.map_err(|_| on)?;
    let entries = if ids.is_empty() {
        Vec::new()
    } else {
        audit::Entity::find()
            .filter(any_of(tx.get_database_backend(), audit::Column::Id, ids))
            .order_by_asc(audit::Column::Id)
            .all(tx)
            .await
            .db()?
            .into_iter()
            .map(AuditRecord::try_from)
            .collect::<Result<_>>()?
    };
    Ok(Batch {
        position: head.position,
        digest,
        entries,
        found,
        before,
    })
}

struct Search<'a> {
    tx: &'a Tx<'a>,
    limit: u64,
    /// What was found, in ascending order: the searches follow each other.
    ids: Vec<Uuid>,
}

impl Search<'_> {
    /// From where the sweep stands, towards the horizon.
    async fn sweep(&mut self, cursors: &mut Cursors, now: Timestamp) -> Result<()> {
        let Some(horizon) = cursors.horizon else {
            cursors.swept_at = now;
            return Ok(());
        };
        let after = cursors.swept.unwrap_or(Uuid::nil());
        let until = nth_after(self.tx, after, SWEEP_STEP).await?;
        let until = until.map_or(horizon, |id| id.min(horizon));
        let covered = self.range(after, until).await?;
        if covered >= horizon {
            cursors.swept = None;
            cursors.swept_at = now;
        } else {
            cursors.swept = Some(covered);
        }
        Ok(())
    }

    /// From the horizon to what has come of age.
    async fn settle(&mut self, cursors: &mut Cursors, now: Timestamp) -> Result<()> {
        // The end is read before the range: what commits in between is found, and what commits later is
        // not passed over unseen by more than its lateness.
        let Some(until) = last_until(self.tx, highest_at(now - SETTLED)).await? else {
            return Ok(());
        };
        if cursors.horizon.is_none_or(|horizon| until > horizon) {
            let after = cursors.horizon.unwrap_or(Uuid::nil());
            let covered = self.range(after, until).await?;
            cursors.horizon = (covered > Uuid::nil()).then_some(covered);
        }
        Ok(())
    }

    /// From the horizon, or where the last search for recent entries left off, to the newest.
    async fn recent(&mut self, cursors: &mut Cursors, now: Timestamp) -> Result<()> {
        let Some(newest) = last_until(self.tx, Uuid::max()).await? else {
            return Ok(());
        };
        let after = cursors.recent.max(cursors.horizon);
        let covered = self
            .range(after.unwrap_or(Uuid::nil()), Uuid::max())
            .await?;
        // By the newest entry as well, lest a clock that is ahead make this look at nothing.
        let next = covered.min(lowest_at(now.min(made_at(newest)) - RECENT));
        cursors.recent = cursors.recent.max(Some(next));
        Ok(())
    }

    /// Looks for unsealed entries after `after`, up to and with `until`. Answers up to where all are found:
    /// `until`, or less where the limit is reached.
    async fn range(&mut self, after: Uuid, until: Uuid) -> Result<Uuid> {
        let left = self.limit.saturating_sub(self.ids.len() as u64);
        if after >= until || left == 0 {
            return Ok(after);
        }
        let found = unsealed_ids(self.tx, after, until, left).await?;
        let covered = match found.last() {
            Some(last) if found.len() as u64 == left => *last,
            _ => until,
        };
        self.ids.extend(found);
        Ok(covered)
    }
}

/// Up to `limit` entries without a seal, after `after`, up to and with `until`.
///
/// The seal is asked for by a subquery that yields a value, which PostgreSQL cannot turn into a join: it
/// looks each entry up in the index of the seals, which is what SQLite does in any case. A join it would
/// plan by what it believes of two tables that were empty when it looked.
pub(super) async fn unsealed_ids<C: ConnectionTrait>(
    db: &C,
    after: Uuid,
    until: Uuid,
    limit: u64,
) -> Result<Vec<Uuid>> {
    ids(
        db,
        "SELECT a.id FROM audit AS a WHERE a.id > $1 AND a.id <= $2 \
         AND (SELECT s.position FROM audit_seal AS s WHERE s.audit_id = a.id) IS NULL \
         ORDER BY a.id LIMIT $3",
        vec![after.into(), until.into(), count(limit)?],
    )
    .await
}

/// The last entry up to and with `until`. PostgreSQL has no maximum of UUIDs.
async fn last_until<C: ConnectionTrait>(db: &C, until: Uuid) -> Result<Option<Uuid>> {
    let sql = "SELECT id FROM audit WHERE id <= $1 ORDER BY id DESC LIMIT 1";
    Ok(ids(db, sql, vec![until.into()]).await?.pop())
}

/// The entry number `number` after `after`, counted from 1; none where there are fewer.
async fn nth_after<C: ConnectionTrait>(db: &C, after: Uuid, number: u64) -> Result<Option<Uuid>> {
    let sql = "SELECT id FROM audit WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2";
    let values = vec![after.into(), count(number.saturating_sub(1))?];
    Ok(ids(db, sql, values).await?.pop())
}

fn count(number: u64) -> Result<Value> {
    Ok(i64::try_from(number).map_err(Error::internal)?.into())
}

async fn ids<C: ConnectionTrait>(db: &C, sql: &str, values: Vec<Value>) -> Result<Vec<Uuid>> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let rows = db.query_all_raw(statement).await.db()?;
    rows.iter()
        .map(|row| row.try_get_by_index(0).db())
        .collect()
}
