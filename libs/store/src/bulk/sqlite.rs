//! Rows as `VALUES`, in chunks of few sizes.

use sea_orm::{DbBackend, Statement, Value};

use super::layout::Layout;
use super::{Conflict, list, quoted};

/// The largest chunk. Larger ones save nothing more and take longer to prepare.
const MAX_ROWS: usize = 128;
/// Up to here every number of rows has a statement of its own: a round trip less for what is written
/// all the time.
const MAX_EXACT: usize = 8;
/// SQLite's limit on parameters of a statement, as it is compiled into the driver.
const MAX_PARAMETERS: usize = 32_766;

pub(super) fn insert(
    layout: &Layout,
    mut rows: Vec<Vec<Value>>,
    conflict: &Conflict<'_>,
) -> Vec<(Statement, usize)> {
    // There is one writer: no order of rows can deadlock.
    let head = format!(
        "INSERT INTO {} ({}) VALUES ",
        quoted(&layout.table),
        list(layout.columns.iter().map(|column| &column.name)),
    );
    let tail = conflict.clause(layout);
    chunks(layout, &mut rows, |values| format!("{head}{values}{tail}"))
}

/// The first `keys` columns of the layout find the row, the others are set.
pub(super) fn update(
    layout: &Layout,
    keys: usize,
    mut rows: Vec<Vec<Value>>,
) -> Vec<(Statement, usize)> {
    let table = quoted(&layout.table);
    let names: Vec<_> = layout
        .columns
        .iter()
        .map(|column| quoted(&column.name))
        .collect();
    let set: Vec<_> = (keys..names.len())
        .map(|index| format!("{} = u.c{index}", names[index]))
        .collect();
    let found: Vec<_> = (0..keys)
        .map(|index| format!("{table}.{} = u.c{index}", names[index]))
        .collect();
    let aliases: Vec<_> = (0..names.len()).map(|index| format!("c{index}")).collect();
    chunks(layout, &mut rows, |values| {
        format!(
            "WITH u({}) AS (VALUES {values}) UPDATE {table} SET {} FROM u WHERE {}",
            aliases.join(", "),
            set.join(", "),
            found.join(" AND "),
        )
    })
}

/// One statement per chunk, with the number of its rows; `sql` gets the chunk's `(?, …), …`.
fn chunks(
    layout: &Layout,
    rows: &mut Vec<Vec<Value>>,
    sql: impl Fn(&str) -> String,
) -> Vec<(Statement, usize)> {
    let width = layout.columns.len().max(1);
    let row = format!("({})", vec!["?"; width].join(", "));
    let mut rows = rows.drain(..);
    let mut statements = Vec::new();
    while rows.len() > 0 {
        let size = chunk_size(rows.len(), width);
        let values = rows.by_ref().take(size).flatten().collect::<Vec<_>>();
        let sql = sql(&vec![row.as_str(); size].join(", "));
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
        statements.push((statement, size));
    }
    statements
}

/// At most `rows` and within the limits: a small number, or a power of two.
fn chunk_size(rows: usize, width: usize) -> usize {
    let most = rows.min(MAX_ROWS).min((MAX_PARAMETERS / width).max(1));
    if most <= MAX_EXACT {
        most
    } else {
        1 << most.ilog2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_small_or_powers_of_two_within_the_limits() {
        for rows in 1..1_000 {
            for width in [1, 7, 300, 40_000] {
                let size = chunk_size(rows, width);
                assert!(size <= MAX_EXACT || size.is_power_of_two());
                assert!(size <= rows && size <= MAX_ROWS);
                assert!(size == 1 || size * width <= MAX_PARAMETERS);
            }
        }
        assert_eq!(chunk_size(255, 3), 128);
        assert_eq!(chunk_size(127, 3), 64);
        assert_eq!(chunk_size(7, 3), 7);
    }
}
