//! The tables of intake: rows become domain values here, or an inconsistency that names the row.

mod counter;
pub(crate) mod entity;
mod grant;
mod history;
pub mod migration;
mod referral;
mod submission;

pub use counter::reserve;
pub use grant::{grants_of, holds_grant, save_grants};
pub use history::{append, history};
pub use migration::Migrator;
pub use referral::{
    Change, ListFilter, Record, content, content_sizes, contents, find, list, lock, save,
};
pub use submission::{Known, NewReferral, find_requests, insert_contents, insert_referrals};

use std::error::Error as StdError;
use std::str::FromStr;

use liaison_store::Inconsistency;
use liaison_types::Result;
use uuid::Uuid;

/// `ids` with the last one repeated up to the next power of two: an `IN` list then has one of few
/// lengths, and few statements are ever prepared.
fn padded(ids: impl IntoIterator<Item = Uuid>) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = ids.into_iter().collect();
    if let Some(last) = ids.last().copied() {
        ids.resize(ids.len().next_power_of_two(), last);
    }
    ids
}

/// The value that `text` of `column` is.
fn parsed<T>(on: &Inconsistency, column: &'static str, text: &str) -> Result<T>
where
    T: FromStr,
    T::Err: StdError + Send + Sync + 'static,
{
    text.parse()
        .map_err(|error| on.column(column).source(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_few_lengths() {
        let ids = |count: u128| (0..count).map(Uuid::from_u128);
        assert!(padded(ids(0)).is_empty());
        assert_eq!(padded(ids(1)).len(), 1);
        assert_eq!(padded(ids(5)).len(), 8);
        assert_eq!(padded(ids(5))[7], Uuid::from_u128(4));
        assert_eq!(padded(ids(256)).len(), 256);
    }
}
