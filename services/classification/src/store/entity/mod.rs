//! The tables.

pub(super) mod correction;
pub(super) mod decision;
pub(super) mod purged_referral;
pub(super) mod referral_case;
pub(super) mod triage_item;
