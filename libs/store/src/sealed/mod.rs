//! Columns that can be read only with a key kept elsewhere.
//!
//! Each subject (a referral) has a [`DataKey`] of its own, under which every sealed value about it is
//! encrypted. Data keys are kept in the table [`TABLE`], each wrapped by a key-encryption key of the
//! [`KeyRing`], which the database never sees. Whoever has the database alone, or a copy of it, has no
//! content; whoever destroys a data key has destroyed the content, wherever copies of it are.
//!
//! ```
//! use liaison_store::sealed::{Cell, DataKey, KeyRing};
//! use liaison_types::SystemRandom;
//! use uuid::Uuid;
//!
//! # fn main() -> liaison_types::Result<()> {
//! let ring = KeyRing::from_keys([(1, [7; 32])])?;
//! let (referral, row) = (Uuid::from_u128(1), Uuid::from_u128(2));
//! let key = DataKey::generate(&SystemRandom);
//! // For `insert_all`, in the transaction that writes the row.
//! let wrapped = ring.wrap(referral, &key, &SystemRandom);
//! let cell = Cell::new("dossier", "narrative", row);
//! let sealed = key.seal_text(cell, "On the night of …", &SystemRandom);
//! assert_eq!(key.open_text(cell, &sealed)?, "On the night of …");
//! # drop(wrapped);
//! # Ok(())
//! # }
//! ```
//!
//! # The form of a value
//!
//! A sealed value is the byte 1, a nonce of 12 bytes, the ciphertext, which is as long as the content,
//! and a tag of 16 bytes: AES-256-GCM (NIST SP 800-38D). What is authenticated with it is the ASCII text
//! `liaison.sealed.v1` and a line feed, the names of the table and of the column, each as the number of
//! its bytes in 4 bytes, big-endian, and these bytes, and the row's id of 16 bytes. So a value moved to
//! another row or column does not open, and one moved to another subject finds another key. How long a
//! content is shows, and so does whether there is one.
//!
//! A wrapped data key has the same form. Authenticated with it are the ASCII text `liaison.data-key.v1`
//! and a line feed, the subject's id of 16 bytes and the version of the key-encryption key in 4 bytes,
//! big-endian. The first byte of the two forms is 1 each; another one is refused.
//!
//! # Nonces, and how much one key may seal
//!
//! Two values under one key and one nonce would give both away. Nonces are drawn at random, since
//! counters would have to be shared by all replicas and survive a restored backup; then one key may
//! seal at most 2^32 values (SP 800-38D, section 8.3), so that two nonces meet with a probability below
//! 2^-32. A data key seals the values of one referral, thousands at most. A key-encryption key seals one
//! data key per referral and, when it is new, all that exist: a version lasts for four thousand million
//! referrals, which is five years at 25 a second. [`versions`] says how many each holds; the next version
//! is made by [`KeyRing::generate`] long before that, as keys are changed once a year anyway.
//!
//! # Changing the key-encryption key
//!
//! [`KeyRing::generate`] writes the next version. Every replica finds it when it [reloads](KeyRing::reload),
//! or at the latest when it meets a key it cannot open; where its folder does not have that version yet
//! (a mounted secret reaches nodes within a minute or two), it answers UNAVAILABLE until it does. Then
//! [`rewrap`] moves the data keys over, while all goes on. An old version may be removed once [`versions`]
//! no longer shows it and no backup is needed that has it.
//!
//! # What destroying a data key does not reach
//!
//! [`destroy`] overwrites and deletes the row. The wrapped key may still be in the database's log, in
//! a page that PostgreSQL has not tidied yet, and in backups. Those copies are worth as much as the
//! key-encryption key that wrapped them: they end when that version is replaced and its file removed.
//!
//! # A build without protection
//!
//! With the cargo feature `unprotected` nothing of this happens: no key is made, wrapped or stored, and
//! values stay as they are. It is there to be measured against, by the load tool, which builds it apart.
//! [`PROTECTED`] says which build this is; the runtime lets no other one serve unless it is told to.
//!
//! # Memory
//!
//! Keys are erased where they lie when they are dropped. What the cipher derives from them lives for one
//! call and is not erased, nor are copies the compiler makes while moving a value, nor is content.

/// Whether this build seals what it is told to seal. Only one with the cargo feature `unprotected` does not,
/// which no default enables and no image has.
pub const PROTECTED: bool = !cfg!(feature = "unprotected");

mod cipher;
mod data_key;
mod error;
mod key_ring;
mod rewrap;
mod table;
mod vault;

pub use data_key::{Cell, DataKey};
pub use error::{KeyAbsent, KeyRingError};
pub use key_ring::KeyRing;
pub use rewrap::{MAX_BATCH, Rewrapped, rewrap};
pub use table::{
    DataKeys, NewDataKey, TABLE, create_table, destroy, find, insert_all, is_there, versions,
};
pub use vault::Vault;
