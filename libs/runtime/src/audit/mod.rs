//! The audit of a service: what it keeps of a decision of policy ([`decision`]), and after it was written:
//! sealed by [`seal`], shown to auditors by [`api`], decided again by [`mod@simulate`].

mod api;
mod decision;
mod seal;
mod simulate;
mod trouble;

use liaison_store::audit::SEALER_TABLE;
use liaison_store::{Db, DbResult};
use liaison_types::Result;
use sea_orm_migration::SchemaManager;

pub(crate) use api::AuditApi;
pub use decision::{record_decision, recorded_decision};
pub(crate) use seal::Sealer;

/// Whether the service keeps an audit that can be sealed and shown.
///
/// # Errors
/// What the database says.
pub(crate) async fn is_kept(db: &Db) -> Result<bool> {
    let schema = SchemaManager::new(db.reader());
    schema.has_table(SEALER_TABLE).await.db()
}
