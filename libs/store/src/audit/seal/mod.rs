//! The chain over the audit, kept beside it.
//!
//! Each entry is sealed once, at a position without gaps from 1, by a digest that covers the seal before;
//! the newest one is the head. What comes before a signed checkpoint can be changed by nobody unseen,
//! the owner of the tables included.

mod entity;
mod next;
mod read;

use liaison_types::{AuditId, Error, Result, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue, ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter,
};
use sea_orm_migration::SchemaManager;

use super::AuditRecord;
use crate::bulk::insert_all;
use crate::error::DbResult;
use crate::migration::{self as m, append_only, keeps_rows, unique_index};
use crate::tx::{Tx, ensure_affected};

pub use next::next_to_seal;
pub use read::{checkpoints, last_checkpoint, sealed, unsealed, waiting};

/// The table of seals: append-only.
pub const SEAL_TABLE: &str = "audit_seal";
/// The table of checkpoints: append-only.
pub const CHECKPOINT_TABLE: &str = "audit_checkpoint";
/// The table of one row: the head, and how far the search for unsealed entries came.
pub const SEALER_TABLE: &str = "audit_sealer";
/// At most this many entries are sealed in one transaction.
pub const MAX_BATCH: u64 = 10_000;

/// Entries to be sealed next, and the head they follow.
#[derive(Clone, Debug)]
#[must_use = "what the search learned is kept by `append_seals`, also where there is nothing to seal"]
pub struct Batch {
    position: i64,
    digest: Option<[u8; 32]>,
    entries: Vec<AuditRecord>,
    found: next::Cursors,
    before: next::Cursors,
}

impl Batch {
    /// The position of the head; 0 where nothing is sealed yet. The first of the entries comes one after.
    #[must_use]
    pub fn position(&self) -> i64 {
        self.position
    }

    /// The digest of the head; `None` where nothing is sealed yet.
    #[must_use]
    pub fn digest(&self) -> Option<&[u8; 32]> {
        self.digest.as_ref()
    }

    /// The entries, in the order in which they are to be sealed.
    #[must_use]
    pub fn entries(&self) -> &[AuditRecord] {
        &self.entries
    }

    /// The position of the head once the entries are sealed.
    #[must_use]
    pub fn last_position(&self) -> i64 {
        // Bounded by MAX_BATCH.
        self.position + i64::try_from(self.entries.len()).unwrap_or(i64::MAX)
    }
}

/// A seal, with what it was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Where it stands in the chain, from 1.
    pub position: i64,
    /// The entry.
    pub audit_id: AuditId,
    /// The chained digest; what is kept in its place and is no digest is all zeros here, and fits nothing.
    pub digest: [u8; 32],
    /// The entry as it is now.
    pub record: Found,
}

/// What is there of a sealed entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// An entry.
    Entry(Box<AuditRecord>),
    /// A row that no service wrote: some column holds what cannot stand there.
    Unreadable,
    /// Nothing.
    Gone,
}

/// A signed statement that the chain was at this position with this digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The position of the head.
    pub position: i64,
    /// The digest there; what is no digest is all zeros here, and fits nothing.
    pub digest: [u8; 32],
    /// When and by whom it was signed.
    pub signature: Signature,
}

/// A signature under a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// When it was made.
    pub at: Timestamp,
    /// Which key made it.
    pub key_id: String,
    /// The signature itself.
    pub bytes: Vec<u8>,
}

/// Keeps the seals of `batch`, `digests` in the order of its entries, moves the head to the last of them,
/// and adds a checkpoint there where a signature is given. To be called in the transaction of
/// [`next_to_seal`], also where there is nothing to seal: only then does the next search begin where this
/// one ended. Where nothing changed it writes nothing.
///
/// # Errors
/// `INTERNAL` where there is not one digest per entry, or the batch is not of this transaction; `CONFLICT`
/// where the head has a checkpoint already; `INTERNAL` where there is a signature and no head.
pub async fn append_seals(
    tx: &Tx<'_>,
    batch: Batch,
    digests: Vec<[u8; 32]>,
    signature: Option<Signature>,
) -> Result<()> {
    if digests.len() != batch.entries.len() {
        return Err(Error::internal("each entry needs one digest"));
    }
    let (position, before) = (batch.last_position(), batch.position);
    let digest = digests.last().copied().or(batch.digest);
    let seals: Vec<entity::seal::Model> = (batch.position + 1..)
        .zip(batch.entries)
        .zip(digests)
        .map(|((position, record), digest)| entity::seal::Model {
            position,
            audit_id: record.entry.id.uuid(),
            digest: digest.to_vec(),
        })
        .collect();
    if !seals.is_empty() || batch.found != batch.before {
        insert_all(tx, seals).await?;
        move_head(tx, before, position, digest, batch.found).await?;
    }
    if let Some(signature) = signature {
        let digest = digest.ok_or_else(|| Error::internal("there is nothing to sign"))?;
        let row = entity::checkpoint::Model {
            position,
            at: signature.at.as_micros(),
            digest: digest.to_vec(),
            key_id: signature.key_id,
            signature: signature.bytes,
        };
        insert_all(tx, [row]).await?;
    }
    Ok(())
}

async fn move_head(
    tx: &Tx<'_>,
    before: i64,
    position: i64,
    digest: Option<[u8; 32]>,
    found: next::Cursors,
) -> Result<()> {
    use entity::sealer::{ActiveModel, Column, Entity, ID};
    let head = ActiveModel {
        id: ActiveValue::NotSet,
        position: ActiveValue::Set(position),
        digest: ActiveValue::Set(digest.map(|digest| digest.to_vec())),
        recent: ActiveValue::Set(found.recent),
        horizon: ActiveValue::Set(found.horizon),
        swept: ActiveValue::Set(found.swept),
        swept_at: ActiveValue::Set(found.swept_at.as_micros()),
    };
    let moved = Entity::update_many()
        .set(head)
        .filter(Column::Id.eq(ID))
        .filter(Column::Position.eq(before))
        .exec(tx)
        .await
        .db()?;
    ensure_affected(moved.rows_affected, 1)
}

/// Creates the tables of seals and checkpoints, which are append-only, and the head, which keeps its row,
/// in a migration after the one with [`create_table`](super::create_table).
///
/// # Errors
/// Where the database refuses.
pub async fn create_seal_tables(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let seals = m::table(SEAL_TABLE)
        .col(m::bigint("position").primary_key())
        .col(m::uuid("audit_id"))
        .col(m::bytes("digest"))
        .to_owned();
    manager.create_table(seals).await?;
    manager
        .create_index(unique_index(SEAL_TABLE, &["audit_id"]))
        .await?;
    let checkpoints = m::table(CHECKPOINT_TABLE)
        .col(m::bigint("position").primary_key())
        .col(m::timestamp("at"))
        .col(m::bytes("digest"))
        .col(m::text("key_id"))
        .col(m::bytes("signature"))
        .to_owned();
    manager.create_table(checkpoints).await?;
    let sealer = m::table(SEALER_TABLE)
        .col(m::integer("id").primary_key())
        .col(m::bigint("position"))
        .col(m::bytes_null("digest"))
        .col(m::uuid_null("recent"))
        .col(m::uuid_null("horizon"))
        .col(m::uuid_null("swept"))
        .col(m::timestamp("swept_at"))
        .check(Expr::col("id").eq(entity::sealer::ID))
        .to_owned();
    manager.create_table(sealer).await?;
    let connection = manager.get_connection();
    connection.execute_unprepared(FIRST_HEAD).await?;
    if manager.get_database_backend() == DbBackend::Postgres {
        connection.execute_unprepared(POSTGRES_ROOM).await?;
    }
    append_only(manager, SEAL_TABLE).await?;
    append_only(manager, CHECKPOINT_TABLE).await?;
    keeps_rows(manager, SEALER_TABLE).await
}

const FIRST_HEAD: &str = "INSERT INTO audit_sealer (id, position, swept_at) VALUES (1, 0, 0)";
/// One row that changes every second: room for its next states in the same page, and tidied often.
const POSTGRES_ROOM: &str = "ALTER TABLE audit_sealer SET \
    (fillfactor = 10, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 500)";
