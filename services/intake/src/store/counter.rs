//! The counters of the suite's references.

use std::collections::BTreeMap;

use liaison_store::{Tx, add_all};
use liaison_types::Result;

use super::entity::bureau_counter::{ActiveModel, Column, Model};
use crate::domain::Series;

/// Takes as many numbers of each series as are asked for, and answers the first of each; one
/// statement. From here to the end of the transaction nobody else takes a number of these series, so
/// that their numbers have no gaps.
///
/// # Errors
/// Where the database refuses.
pub async fn reserve(tx: &Tx<'_>, wanted: &BTreeMap<Series, i64>) -> Result<BTreeMap<Series, i64>> {
    let counts = wanted.iter().map(|(series, count)| Model {
        prefix: series.prefix.clone(),
        year: series.year,
        last: *count,
    });
    let sums = add_all::<ActiveModel, _, _>(tx, Column::Last, counts).await?;
    let first = sums.into_iter().map(|((prefix, year), last)| {
        let series = Series { prefix, year };
        let taken = wanted.get(&series).copied().unwrap_or_default();
        (series, last - taken + 1)
    });
    Ok(first.collect())
}
