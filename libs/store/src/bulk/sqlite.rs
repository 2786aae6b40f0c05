//! Rows as `VALUES`, in chunks of few sizes.

use liaison_types::Result;
use sea_orm::{ActiveModelTrait, DbBackend, IntoActiveModel, Statement};

use super::layout::{Layout, each_value};
use super::{Conflict, list, quoted};

/// The largest chunk. Larger ones save nothing more and take longer to prepare.
const MAX_ROWS: usize = 128;
/// Up to here every number of rows has a statement of its own: a round trip less for what is written
/// all the time.
const MAX_EXACT: usize = 8;
/// SQLite's limit on parameters of a statement, as it is compiled into the driver.
const MAX_PARAMETERS: usize = 32_766;

/// The statements that insert `rows`, and how many rows each.
pub(super) fn insert<A, R>(
    layout: &Layout,
    rows: impl IntoIterator<Item = R>,
    conflict: &Conflict<'_>,
) -> Result<Vec<(Statement, usize)>>
where
    A: ActiveModelTrait,
    R: IntoActiveModel<A>,
{
    // There is one writer: no order of rows can deadlock.
    let head = format!(
        "INSERT INTO {} ({}) VALUES ",
        quoted(&layout.table),
        list(layout.columns.iter().map(|column| &column.name)),
    );
    let tail = conflict.clause(layout);
    chunks(layout, rows, |values| format!("{head}{values}{tail}"))
}

/// The statements that update `rows`, and how many rows each. The first `keys` columns of the layout
/// find the row, the others are set.
pub(super) fn update<A, R>(
    layout: &Layout,
    keys: usize,
    rows: impl IntoIterator<Item = R>,
) -> Result<Vec<(Statement, usize)>>
where
    A: ActiveModelTrait,
    R: IntoActiveModel<A>,
{
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
    chunks(layout, rows, |values| {
        format!(
            "WITH u({}) AS (VALUES {values}) UPDATE {table} SET {} FROM u WHERE {}",
            aliases.join(", "),
            set.join(", "),
            found.join(" AND "),
        )
    })
}

/// One statement per chunk, with the number of its rows; `sql` gets the chunk's `(?, …), …`.
fn chunks<A, R>(
    layout: &Layout,
    rows: impl IntoIterator<Item = R>,
    sql: impl Fn(&str) -> String,
) -> Result<Vec<(Statement, usize)>>
where
    A: ActiveModelTrait,
    R: IntoActiveModel<A>,
{
    let width = layout.columns.len().max(1);
    let row = format!("({})", vec!["?"; width].join(", "));
    let mut values = Vec::new();
    let mut left = each_value(layout, rows, |_, value| values.push(value))?;
    let mut values = values.into_iter();
    let mut statements = Vec::new();
    while left > 0 {
        let size = chunk_size(left, width);
        left -= size;
        let values = values.by_ref().take(size * width).collect::<Vec<_>>();
        let sql = sql(&vec![row.as_str(); size].join(", "));
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
        statements.push((statement, size));
    }
    Ok(statements)
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
