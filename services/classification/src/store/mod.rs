//! What is kept, and how it is found. Rows become values here, or an inconsistency that names the
//! row.

mod cases;
mod corrections;
mod decisions;
mod differences;
mod drift;
mod entity;
mod items;
mod migration;
mod purge;
mod rule_sets;
mod write;

pub use cases::{claim, find_case, insert_cases, lock, pending, postpone};
pub use corrections::{
    CorrectionPlace, correction_place, corrections_of, is_contested, keep_corrections, labels,
    reassigned, settle,
};
pub use decisions::{by_ids, decisions_of, find_decision, proposals, referral_of, without_notes};
pub use differences::differences;
pub use drift::drift;
pub use items::{Place, items_of, place, waiting};
pub use migration::Migrator;
pub use purge::{is_purged, purge};
pub use rule_sets::{
    digest_of, files_of, in_force, insert_rule_set, lock_rule_sets, rule_sets, update_rule_sets,
};
pub use write::{Conclusion, ItemChange, write};

use std::error::Error as StdError;
use std::str::FromStr;

use liaison_store::Inconsistency;
use liaison_types::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The value that `text` of `column` is.
fn parsed<T>(on: &Inconsistency, column: &'static str, text: &str) -> Result<T>
where
    T: FromStr,
    T::Err: StdError + Send + Sync + 'static,
{
    text.parse()
        .map_err(|error| on.column(column).source(error))
}

/// `value` as JSON text.
fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

/// What [`json`] wrote into `column`.
fn from_json<T: DeserializeOwned>(
    on: &Inconsistency,
    column: &'static str,
    text: &str,
) -> Result<T> {
    serde_json::from_str(text).map_err(|error| on.column(column).source(error))
}
