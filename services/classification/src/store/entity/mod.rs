//! The tables.

pub(super) mod correction;
pub(super) mod decision;
pub(super) mod purged_referral;
pub(super) mod referral_case;
pub(super) mod rule_set;
pub(super) mod rule_set_file;
pub(super) mod shadow_difference;
pub(super) mod triage_item;
