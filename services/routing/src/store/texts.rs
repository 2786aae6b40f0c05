//! What people write about a referral: sealed under the referral's data key, and opened with it.

use std::collections::{BTreeSet, HashMap};

use liaison_store::Tx;
use liaison_store::sealed::{self, Cell, DataKey, Vault};
use liaison_types::{AssignmentId, ReferralId, Result, TaskId};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::purge::purged;

/// Where the title of a task is sealed for.
pub(super) const fn title_cell(task: TaskId) -> Cell {
    Cell::new("task", "title", task.uuid())
}

/// Where the result of a task is sealed for.
pub(super) const fn result_cell(task: TaskId) -> Cell {
    Cell::new("task", "result", task.uuid())
}

/// Where a unit's word on its share is sealed for.
pub(super) const fn note_cell(assignment: AssignmentId) -> Cell {
    Cell::new("assignment", "note", assignment.uuid())
}

/// The data keys of some referrals.
#[derive(Default)]
pub(crate) struct Texts(HashMap<ReferralId, DataKey>);

impl Texts {
    /// What the texts about `referrals` are opened with: one statement.
    pub(crate) async fn of<C: ConnectionTrait>(
        db: &C,
        vault: &Vault,
        referrals: impl IntoIterator<Item = ReferralId>,
    ) -> Result<Self> {
        let mut texts = Self::default();
        let referrals = referrals.into_iter().collect();
        texts.learn(db, vault, &referrals).await?;
        Ok(texts)
    }

    async fn learn<C: ConnectionTrait>(
        &mut self,
        db: &C,
        vault: &Vault,
        referrals: &BTreeSet<ReferralId>,
    ) -> Result<()> {
        let unknown = referrals.iter().filter(|known| !self.0.contains_key(known));
        let unknown: Vec<Uuid> = unknown.map(|referral| referral.uuid()).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let mut keys = vault.keys(db, &unknown).await?;
        let found = unknown.into_iter().filter_map(|referral| {
            let key = keys.take(referral).ok()?;
            Some((ReferralId::from_uuid(referral), key))
        });
        self.0.extend(found);
        Ok(())
    }

    /// Makes what the texts about `referrals` are sealed with, where it is not there yet and was not
    /// destroyed: one statement, or three. The transaction holds the lock of each case that may have no text so far, so
    /// that two units of one referral do not each make a key.
    pub(super) async fn provide(
        &mut self,
        tx: &Tx<'_>,
        vault: &Vault,
        referrals: &BTreeSet<ReferralId>,
    ) -> Result<()> {
        self.learn(tx, vault, referrals).await?;
        let missing = referrals.iter().filter(|known| !self.0.contains_key(known));
        let mut missing: Vec<ReferralId> = missing.copied().collect();
        if missing.is_empty() {
            return Ok(());
        }
        let purged = purged(tx, missing.iter().copied()).await?;
        missing.retain(|referral| !purged.contains(referral));
        let mut new = Vec::with_capacity(missing.len());
        for referral in missing {
            let (key, wrapped) = vault.new_key(referral.uuid());
            self.0.insert(referral, key);
            new.push(wrapped);
        }
        sealed::insert_all(tx, new).await
    }

    /// `text`, sealed for `cell`; nothing where it is empty, or where the referral was purged.
    pub(super) fn seal(
        &self,
        vault: &Vault,
        referral: ReferralId,
        cell: Cell,
        text: &str,
    ) -> Option<Vec<u8>> {
        let key = self.0.get(&referral).filter(|_| !text.is_empty())?;
        Some(vault.seal(key, cell, text.as_bytes()))
    }

    /// What was sealed for `cell`; empty where nothing was, or where the key is gone.
    pub(super) fn open(
        &self,
        referral: ReferralId,
        cell: Cell,
        sealed: Option<&[u8]>,
    ) -> Result<String> {
        match self.0.get(&referral).zip(sealed) {
            Some((key, sealed)) => key.open_text(cell, sealed),
            None => Ok(String::new()),
        }
    }
}
