//! The tables of this service.

pub mod assignment;
pub mod purged_referral;
pub mod routed_case;
pub mod task;
