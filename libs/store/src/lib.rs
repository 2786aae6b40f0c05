//! Databases for the services: connections, transactions, migrations, bulk statements, group commit,
//! the audit and sealed columns, on SQLite and PostgreSQL alike.
//!
//! # How to use it
//!
//! * [`Db::connect`] opens the database of [`DatabaseSettings`]. Reads go through [`Db::reader`],
//!   writes through [`Db::write_tx`] and nothing else: on SQLite the reader refuses to write.
//! * `?` needs [`DbResult::db`] behind every sea-orm call: it turns a driver error into
//!   [`liaison_types::Error`], keeping the driver's text out of the public message.
//! * [`insert_all`], [`insert_all_ignoring_conflicts`], [`add_all`] and [`update_all`] send one statement
//!   for any number of rows; [`any_of`] finds many rows by key without a new statement for each number of
//!   them. [`Batcher`] makes many concurrent calls share one transaction.
//! * [`migrate()`] brings the schema up to date under a lock; [`pending`] says what is missing.
//!   [`migration`] has the column shorthands and [`migration::append_only`].
//! * [`audit`] is the table of who did what, and why it was allowed; its seals show what was changed.
//! * [`sealed`] encrypts content under a key per subject, which can be destroyed.
//!
//! # Ids and instants in entities
//!
//! Entities store identifiers as [`uuid::Uuid`] and instants as `i64` microseconds UTC. They cannot
//! hold `ReferralId` or `Timestamp` themselves: the traits sea-orm wants on a column type belong to
//! sea-orm and the newtypes to `liaison-types`, so neither crate outside those two may connect them,
//! and `liaison-types` knows no database. A service converts in its `store/` module, beside the entity:
//!
//! ```
//! use liaison_store::Inconsistency;
//! use liaison_types::{Party, ReferralId, Result, Timestamp};
//!
//! # struct Model { id: uuid::Uuid, received_at: i64, bureau: String }
//! # struct Referral { id: ReferralId, received_at: Timestamp, bureau: Party }
//! impl Model {
//!     fn into_domain(self) -> Result<Referral> {
//!         let on = Inconsistency::on("referral").row(self.id);
//!         Ok(Referral {
//!             id: ReferralId::from_uuid(self.id),
//!             received_at: Timestamp::from_micros(self.received_at),
//!             bureau: self.bureau.parse().map_err(|e| on.column("bureau").source(e))?,
//!         })
//!     }
//! }
//! ```
//!
//! Instants are numbers because SQLite compares dates as text, and their text form does not sort.
//! Keys are `Uuid` because the two databases number rows differently.

pub mod audit;
pub mod migration;
pub mod sealed;

mod batch;
mod bulk;
mod connect;
mod counts;
mod deferred;
mod error;
mod inconsistency;
mod migrate;
mod settings;
mod tx;

pub use batch::{Batcher, BatcherSettings};
pub use bulk::{add_all, any_of, insert_all, insert_all_ignoring_conflicts, update_all};
pub use connect::Db;
pub use counts::TxCounts;
pub use error::{DbResult, from_db};
pub use inconsistency::Inconsistency;
pub use migrate::{migrate, pending};
pub use sea_orm::DbBackend;
pub use settings::DatabaseSettings;
pub use tx::{Commit, MAX_ATTEMPTS, Tx, ensure_affected};
