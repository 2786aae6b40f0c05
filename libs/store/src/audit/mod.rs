//! Who did what, when, and why it was allowed or refused.
//!
//! Entries are written in the transaction of what they record, each with a digest of its own, and are
//! never changed: the table is append-only. No chain is updated on the way: that would make all writers
//! queue for its head. A sealer chains the digests afterwards: [`next_to_seal`] finds what it has not
//! sealed yet, [`append_seals`] keeps its seals. What a seal's digest is made of, and who signs
//! checkpoints, is not known here.
//!
//! Entries name parties, officers, actions and ids. They hold no content.
//!
//! A service's first migration has [`create_table`]; a later one, once, [`add_decision_columns`] and
//! [`create_seal_tables`]. Recording and listing need the columns.

mod digest;
mod entity;
mod id;
mod list;
mod seal;

use liaison_types::{AuditId, Error, Party, Result, Timestamp};
use sea_orm::DbErr;
use sea_orm::sea_query::Table;
use sea_orm_migration::SchemaManager;

use crate::bulk::insert_all;
use crate::migration::{self as m, append_only, index};

pub use id::when;
pub use list::{AuditQuery, MAX_PAGE, list};
pub use seal::{
    Batch, CHECKPOINT_TABLE, Checkpoint, Found, MAX_BATCH, SEAL_TABLE, SEALER_TABLE, Sealed,
    Signature, append_seals, checkpoints, create_seal_tables, last_checkpoint, next_to_seal,
    sealed, unsealed, waiting,
};

/// The name of the table.
pub const TABLE: &str = "audit";
/// At most so many bytes are an entry's [`facts`](AuditEntry::facts).
pub const MAX_FACTS: usize = 64;

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
    /// The version of the rule set that decided.
    pub rule_set: Option<String>,
    /// What the rules looked at, in the form of that rule set: at most [`MAX_FACTS`] bytes, and no
    /// content.
    pub facts: Option<Vec<u8>>,
}

impl AuditEntry {
    /// An entry without officer, purpose, rules, request id, rule set and facts.
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
            rule_set: None,
            facts: None,
        }
    }

    /// SHA-256 over the entry's canonical encoding.
    ///
    /// The encoding is the ASCII text `liaison.audit.v1` and a line feed; the id's 16 bytes; `at` as
    /// 8 bytes, big-endian; then `party` (its URI), `officer`, `action`, `subject`, `purpose`,
    /// `decision`, `request_id`, `rule_set` and `facts`, each as a byte 0 where it is absent, and else as
    /// a byte 1, the number of its bytes (UTF-8 where it is a text) in 4 bytes, big-endian, and these
    /// bytes; then the number of rules in 4 bytes, big-endian, and each rule like a present text. No two
    /// entries have the same encoding.
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
/// `INTERNAL` where a rule id holds white space, where there are more than [`MAX_FACTS`] bytes of facts and
/// where an id was not made from its entry's instant, else what the database says.
pub async fn record(tx: &crate::Tx<'_>, entries: Vec<AuditEntry>) -> Result<()> {
    let rows = entries
        .into_iter()
        .map(|entry| {
            check(&entry)?;
            Ok(entity::Model::from(entry))
        })
        .collect::<Result<Vec<_>>>()?;
    insert_all(tx, rows).await
}

fn check(entry: &AuditEntry) -> Result<()> {
    let no_id = |rule: &String| rule.is_empty() || rule.contains(char::is_whitespace);
    let wrong = if entry.rules.iter().any(no_id) {
        "the id of a rule is empty or holds white space"
    } else if entry.facts.as_ref().is_some_and(|f| f.len() > MAX_FACTS) {
        "an audit entry has too many facts"
    } else if !id::is_made_from(entry.id.uuid(), entry.at) {
        // Reading by time, and looking for what is not sealed, rely on it.
        "the id of an audit entry was not made from its instant"
    } else {
        return Ok(());
    };
    Err(Error::internal(wrong))
}

/// Creates the table, its index and the triggers that make it append-only, in a migration.
///
/// # Errors
/// Where the database refuses.
pub async fn create_table(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            m::table(TABLE)
                .col(m::id("id"))
                .col(m::timestamp("at"))
                .col(m::text("party"))
                .col(m::text_null("officer"))
                .col(m::text("action"))
                .col(m::text("subject"))
                .col(m::text_null("purpose"))
                .col(m::text("decision"))
                .col(m::text("rules"))
                .col(m::text_null("request_id"))
                .col(m::bytes("digest"))
                .to_owned(),
        )
        .await?;
    manager
        .create_index(index(TABLE, &["subject", "id"]))
        .await?;
    append_only(manager, TABLE).await
}

/// Adds `facts` and `rule_set`, and the index that serves a party's entries, in a migration after the one
/// with [`create_table`]. Entries of before have neither.
///
/// # Errors
/// Where the database refuses.
pub async fn add_decision_columns(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    // One at a time: SQLite adds no two columns by one statement.
    for column in [m::bytes_null("facts"), m::text_null("rule_set")] {
        let added = Table::alter().table(TABLE).add_column(column).to_owned();
        manager.alter_table(added).await?;
    }
    manager.create_index(index(TABLE, &["party", "id"])).await
}
