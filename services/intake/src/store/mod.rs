//! The tables of intake: rows become domain values here, or an inconsistency that names the row.

mod counter;
pub(crate) mod entity;
mod grant;
mod history;
pub mod migration;
mod referral;
mod share;
mod submission;

pub use counter::reserve;
pub use grant::{grants_of, role_of, save_grants};
pub use history::{append, history};
pub use migration::Migrator;
pub use referral::{
    Change, ListFilter, Record, Whose, content, content_cell, content_sizes, contents,
    destroy_content, find, list, lock, review_note_cell, save,
};
pub use share::{
    consent_requests, expired_consents, find_share, find_share_by_request, insert_share,
    lock_share, passed_to, save_share, shares_of,
};
pub use submission::{Known, NewReferral, find_requests, insert_contents, insert_referrals};

use std::error::Error as StdError;
use std::str::FromStr;

use liaison_store::Inconsistency;
use liaison_types::Result;

/// The value that `text` of `column` is.
fn parsed<T>(on: &Inconsistency, column: &'static str, text: &str) -> Result<T>
where
    T: FromStr,
    T::Err: StdError + Send + Sync + 'static,
{
    text.parse()
        .map_err(|error| on.column(column).source(error))
}
