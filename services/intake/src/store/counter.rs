//! The counters of the suite's references.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use liaison_store::DbResult as _;
use liaison_store::Tx;
use liaison_types::Result;
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

use crate::domain::Series;

/// Takes as many numbers of each series as are asked for, and answers the first of each; one
/// statement. From here to the end of the transaction nobody else takes a number of these series, so
/// that their numbers have no gaps.
///
/// # Errors
/// Where the database refuses.
pub async fn reserve(tx: &Tx<'_>, wanted: &BTreeMap<Series, i64>) -> Result<BTreeMap<Series, i64>> {
    if wanted.is_empty() {
        return Ok(BTreeMap::new());
    }
    // In the order of the map: two transactions over the same series wait for each other in turn.
    let rows = tx
        .query_all_raw(statement(tx.get_database_backend(), wanted))
        .await
        .db()?;
    rows.iter()
        .map(|row| {
            let series = Series {
                prefix: row.try_get_by_index(0).db()?,
                year: row.try_get_by_index(1).db()?,
            };
            let last: i64 = row.try_get_by_index(2).db()?;
            let taken = wanted.get(&series).copied().unwrap_or_default();
            Ok((series, last - taken + 1))
        })
        .collect()
}

/// Adds to each counter and returns what it is then.
fn statement(backend: DbBackend, add: &BTreeMap<Series, i64>) -> Statement {
    let mut text = String::from("INSERT INTO bureau_counter (prefix, year, last) VALUES ");
    let mut values: Vec<Value> = Vec::with_capacity(add.len() * 3);
    for (index, (series, count)) in add.iter().enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        let place = index * 3;
        // Casts, because a list of parameters alone tells PostgreSQL no types.
        let written = match backend {
            DbBackend::Postgres => write!(
                text,
                "(${}::text, ${}::integer, ${}::bigint)",
                place + 1,
                place + 2,
                place + 3
            ),
            _ => write!(text, "(?{}, ?{}, ?{})", place + 1, place + 2, place + 3),
        };
        debug_assert!(written.is_ok(), "writing to a string does not fail");
        values.extend([
            series.prefix.clone().into(),
            series.year.into(),
            (*count).into(),
        ]);
    }
    text.push_str(
        " ON CONFLICT (prefix, year) DO UPDATE SET last = bureau_counter.last + excluded.last \
         RETURNING prefix, year, last",
    );
    Statement::from_sql_and_values(backend, text, values)
}
