//! The audit of a service, after it was written: sealed by [`seal`], shown to auditors by [`api`].

mod api;
mod seal;

pub(crate) use api::AuditApi;
pub(crate) use seal::Sealer;
