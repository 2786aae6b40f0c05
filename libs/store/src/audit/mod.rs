//! Who did what, when, and why it was allowed or refused.
//!
//! Entries are written in the transaction of what they record, each with a digest of its own, and are
//! never changed: the table is append-only. No chain is updated on the way: that would make all writers
//! queue for its head. A sealer chains the digests afterwards.
//!
//! Entries name parties, officers, actions and ids. They hold no content.

mod digest;
mod entity;
mod list;

use liaison_types::{AuditId, Error, Party, Result, Timestamp};
use sea_orm::DbErr;
use sea_orm_migration::SchemaManager;

use crate::bulk::insert_all;
use crate::migration::{append_only, bytes, id, index, table, text, text_null, timestamp};

pub use list::{AuditQuery, MAX_PAGE, list};

/// The name of the table.
pub const TABLE: &str = "audit";

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Names the entry. Made from `at`, so that entries sort by time.
    pub id: AuditId,
    /// When it was done.
    pub at: Timestamp,
    /// The party whose certificate the call came with.
    pub party: Party,
    /// The officer that party named.
    pub officer: Option<String>,
    /// What was done: `service.verb`.
    pub action: String,
    /// What it was done to: a resource name such as `referrals/{id}`.
    pub subject: String,
    /// What for, where the caller had to say.
    pub purpose: Option<String>,
    /// How it was decided, a stable word such as `PERMIT` or `REFUSE`.
    pub decision: String,
    /// The ids of the rules that decided. An id holds no white space.
    pub rules: Vec<String>,
    /// The caller's id of the request.
    pub request_id: Option<String>,
}

impl AuditEntry {
    /// An entry without officer, purpose, rules and request id.
    #[must_use]
    pub fn new(
        id: AuditId,
        at: Timestamp,
        party: Party,
        action: impl Into<String>,
        subject: impl Into<String>,
        decision: impl Into<String>,
    ) -> Self {
        Self {
            id,
            at,
            party,
            officer: None,
            action: action.into(),
            subject: subject.into(),
            purpose: None,
            decision: decision.into(),
            rules: Vec::new(),
            request_id: None,
        }
    }

    /// SHA-256 over the entry's canonical encoding.
    ///
    /// The encoding is the ASCII text `liaison.audit.v1` and a line feed; the id's 16 bytes; `at` as
    /// 8 bytes, big-endian; then `party` (its URI), `officer`, `action`, `subject`, `purpose`,
    /// `decision` and `request_id`, each as a byte 0 where it is absent, and else as a byte 1, the
    /// number of its UTF-8 bytes in 4 bytes, big-endian, and these bytes; then the number of rules in
    /// 4 bytes, big-endian, and each rule like a present text. No two entries have the same encoding.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        digest::of(self)
    }
}

/// An entry as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// The entry.
    pub entry: AuditEntry,
    /// The digest stored with it.
    pub digest: [u8; 32],
}

impl AuditRecord {
    /// Whether the entry still is what the digest was made of.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.entry.digest() == self.digest
    }
}

/// Writes `entries` by one statement.
///
/// # Errors
/// `INTERNAL` where a rule id holds white space, else what the database says.
pub async fn record(tx: &crate::Tx<'_>, entries: Vec<AuditEntry>) -> Result<()> {
    let rows = entries
        .into_iter()
        .map(|entry| {
            if entry
                .rules
                .iter()
                .any(|rule| rule.is_empty() || rule.contains(char::is_whitespace))
            {
                return Err(Error::internal(
                    "the id of a rule is empty or holds white space",
                ));
            }
            Ok(entity::Model::from(entry))
        })
        .collect::<Result<Vec<_>>>()?;
    insert_all(tx, rows).await
}

/// Creates the table, its index and the triggers that make it append-only, in a migration.
///
/// # Errors
/// Where the database refuses.
pub async fn create_table(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            table(TABLE)
                .col(id("id"))
                .col(timestamp("at"))
                .col(text("party"))
                .col(text_null("officer"))
                .col(text("action"))
                .col(text("subject"))
                .col(text_null("purpose"))
                .col(text("decision"))
                .col(text("rules"))
                .col(text_null("request_id"))
                .col(bytes("digest"))
                .to_owned(),
        )
        .await?;
    manager
        .create_index(index(TABLE, &["subject", "id"]))
        .await?;
    append_only(manager, TABLE).await
}
