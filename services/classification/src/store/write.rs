//! What became of cases, written by one statement a table however many there are.

use liaison_outbox::{NewEvent, Outbox};
use liaison_store::Tx;
use liaison_store::audit::{self, AuditEntry};
use liaison_store::sealed::Vault;
use liaison_store::{insert_all, update_all};
use liaison_types::{Result, Timestamp};

use super::entity::{decision, referral_case, triage_item};
use super::{cases, decisions, differences, items};
use crate::artefacts::shadow::Difference;
use crate::case::{Case, Decided};
use crate::desk::Item;

/// What happens to a referral's item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ItemChange {
    /// It is the referral's first.
    New(Item),
    /// It is there already.
    Changed(Item),
}

/// What became of one case.
#[derive(Clone, Debug)]
pub struct Conclusion {
    /// The case afterwards.
    pub case: Case,
    /// The decision made.
    pub decided: Option<Decided>,
    /// What happens at the desk.
    pub item: Option<ItemChange>,
    /// The entries of the audit.
    pub audit: Vec<AuditEntry>,
    /// What the others are told.
    pub events: Vec<NewEvent>,
    /// What a shadow would have decided otherwise.
    pub difference: Option<Difference>,
}

/// Writes conclusions on different cases, each of whose row locks the transaction holds, with what
/// people wrote sealed by `vault`, and tells the others through `outbox`.
///
/// # Errors
/// Where the database refuses.
pub async fn write(
    tx: &Tx<'_>,
    vault: &Vault,
    outbox: &Outbox,
    now: Timestamp,
    conclusions: &[&Conclusion],
) -> Result<()> {
    if conclusions.is_empty() {
        return Ok(());
    }
    let changed = conclusions
        .iter()
        .map(|conclusion| cases::changed(&conclusion.case, now))
        .collect::<Result<Vec<_>>>()?;
    update_all::<referral_case::ActiveModel, _>(tx, &cases::CHANGING, changed).await?;

    let decided = conclusions
        .iter()
        .filter_map(|conclusion| conclusion.decided.as_ref());
    let decided = decisions::rows(tx, vault, decided).await?;
    insert_all::<decision::ActiveModel, _>(tx, decided).await?;
    write_items(tx, conclusions).await?;
    let differing = conclusions
        .iter()
        .filter_map(|conclusion| conclusion.difference.as_ref());
    differences::insert(tx, differing).await?;

    let entries = conclusions
        .iter()
        .flat_map(|conclusion| conclusion.audit.iter().cloned());
    audit::record(tx, entries.collect()).await?;
    let events: Vec<NewEvent> = conclusions
        .iter()
        .flat_map(|conclusion| conclusion.events.iter().cloned())
        .collect();
    outbox.enqueue(tx, now, events).await
}

async fn write_items(tx: &Tx<'_>, conclusions: &[&Conclusion]) -> Result<()> {
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    for conclusion in conclusions {
        match &conclusion.item {
            Some(ItemChange::New(item)) => new.push(items::row(item)),
            Some(ItemChange::Changed(item)) => changed.push(items::row(item)),
            None => {}
        }
    }
    insert_all::<triage_item::ActiveModel, _>(tx, new).await?;
    update_all::<triage_item::ActiveModel, _>(tx, &items::CHANGING, changed).await
}
