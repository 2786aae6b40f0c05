//! The table `audit`.

use liaison_types::{AuditId, Result, Timestamp};
use sea_orm::entity::prelude::*;

use super::{AuditEntry, AuditRecord, TABLE};
use crate::inconsistency::Inconsistency;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub at: i64,
    pub party: String,
    pub officer: Option<String>,
    pub action: String,
    pub subject: String,
    pub purpose: Option<String>,
    pub decision: String,
    /// The rule ids, a space between them.
    pub rules: String,
    pub request_id: Option<String>,
    pub digest: Vec<u8>,
    pub facts: Option<Vec<u8>>,
    pub rule_set: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<AuditEntry> for Model {
    fn from(entry: AuditEntry) -> Self {
        Self {
            digest: entry.digest().to_vec(),
            id: entry.id.uuid(),
            at: entry.at.as_micros(),
            party: entry.party.to_string(),
            officer: entry.officer,
            action: entry.action,
            subject: entry.subject,
            purpose: entry.purpose,
            decision: entry.decision,
            rules: entry.rules.join(" "),
            request_id: entry.request_id,
            facts: entry.facts,
            rule_set: entry.rule_set,
        }
    }
}

impl TryFrom<Model> for AuditRecord {
    type Error = liaison_types::Error;

    fn try_from(row: Model) -> Result<Self> {
        let on = Inconsistency::on(TABLE).row(row.id);
        Ok(Self {
            digest: row.digest.try_into().map_err(|_| on.column("digest"))?,
            entry: AuditEntry {
                id: AuditId::from_uuid(row.id),
                at: Timestamp::from_micros(row.at),
                party: row.party.parse().map_err(
                    |error: liaison_types::party::ParsePartyError| on.column("party").source(error),
                )?,
                officer: row.officer,
                action: row.action,
                subject: row.subject,
                purpose: row.purpose,
                decision: row.decision,
                rules: row.rules.split_whitespace().map(str::to_owned).collect(),
                request_id: row.request_id,
                facts: row.facts,
                rule_set: row.rule_set,
            },
        })
    }
}
