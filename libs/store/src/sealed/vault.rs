//! What a service seals and opens with.

use std::sync::Arc;

use liaison_types::{Random, Result};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::PROTECTED;
use super::data_key::{Cell, DataKey};
use super::key_ring::KeyRing;
use super::table::{self, DataKeys, NewDataKey};
use crate::tx::Tx;

/// A key ring and the randomness it is used with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Vault {
    ring: Arc<KeyRing>,
    random: Arc<dyn Random>,
}

impl Vault {
    /// Seals by `ring`. `random` must be fit for keys, as `SystemRandom` is.
    #[must_use]
    pub fn new(ring: Arc<KeyRing>, random: Arc<dyn Random>) -> Self {
        Self { ring, random }
    }

    /// The key-encryption keys.
    #[must_use]
    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// A data key for `subject`, and what is to be stored of it in the transaction that first stores
    /// something sealed with it.
    #[must_use]
    pub fn new_key(&self, subject: Uuid) -> (DataKey, NewDataKey) {
        if !PROTECTED {
            return (DataKey::none(), NewDataKey::none(subject));
        }
        let key = DataKey::generate(self.random.as_ref());
        let wrapped = self.ring.wrap(subject, &key, self.random.as_ref());
        (key, wrapped)
    }

    /// [`DataKey::seal`] with the vault's randomness.
    #[must_use]
    pub fn seal(&self, key: &DataKey, cell: Cell, content: &[u8]) -> Vec<u8> {
        key.seal(cell, content, self.random.as_ref())
    }

    /// The data keys of `subjects`; see [`find`](super::find).
    ///
    /// # Errors
    /// As [`find`](super::find).
    pub async fn keys<C: ConnectionTrait>(&self, db: &C, subjects: &[Uuid]) -> Result<DataKeys> {
        table::find(db, &self.ring, subjects).await
    }

    /// The data key of `subject`, which has one.
    ///
    /// # Errors
    /// NOT_FOUND where it was destroyed, else as [`find`](super::find).
    pub async fn key<C: ConnectionTrait>(&self, db: &C, subject: Uuid) -> Result<DataKey> {
        Ok(self.keys(db, &[subject]).await?.take(subject)?)
    }

    /// The data key of `subject`, made where it has none yet. The caller holds a lock on the subject, so
    /// that nobody else makes one, and knows that its content was not purged.
    ///
    /// # Errors
    /// As [`find`](super::find) and [`insert_all`](super::insert_all).
    pub async fn key_or_new(&self, tx: &Tx<'_>, subject: Uuid) -> Result<DataKey> {
        if let Ok(key) = self.keys(tx, &[subject]).await?.take(subject) {
            return Ok(key);
        }
        let (key, wrapped) = self.new_key(subject);
        table::insert_all(tx, vec![wrapped]).await?;
        Ok(key)
    }

    /// Destroys the data key of `subject`; see [`destroy`](super::destroy).
    ///
    /// # Errors
    /// As [`destroy`](super::destroy).
    pub async fn destroy(&self, tx: &Tx<'_>, subject: Uuid) -> Result<bool> {
        table::destroy(tx, subject, self.random.as_ref()).await
    }
}
