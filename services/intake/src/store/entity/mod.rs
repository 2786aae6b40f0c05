//! The tables as sea-orm sees them. They stay within `store`.

pub mod bureau_counter;
pub mod custody;
pub mod dossier;
pub mod dossier_grant;
pub mod referral;
pub mod share;
