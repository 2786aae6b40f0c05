//! Rows as `VALUES`, in chunks whose sizes are powers of two.

use sea_orm::{DbBackend, Statement, Value};

use super::layout::Layout;
use super::{list, passing_over_conflicts, quoted};

/// The largest chunk. Larger ones save nothing more and take longer to prepare.
const MAX_ROWS: usize = 128;
/// SQLite's limit on parameters of a statement, as it is compiled into the driver.
const MAX_PARAMETERS: usize = 32_766;

pub(super) fn insert(
    layout: &Layout,
    mut rows: Vec<Vec<Value>>,
    keys: Option<&[String]>,
) -> Vec<Statement> {
    // There is one writer: no order of rows can deadlock.
    let head = format!(
        "INSERT INTO {} ({}) VALUES ",
        quoted(&layout.table),
        list(layout.columns.iter().map(|column| &column.name)),
    );
    let tail = keys.map(passing_over_conflicts).unwrap_or_default();
    chunks(layout, &mut rows, |values| format!("{head}{values}{tail}"))
}

/// The first `keys` columns of the layout find the row, the others are set.
pub(super) fn update(layout: &Layout, keys: usize, mut rows: Vec<Vec<Value>>) -> Vec<Statement> {
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

/// One statement per chunk; `sql` gets the chunk's `(?, …), …`.
fn chunks(
    layout: &Layout,
    rows: &mut Vec<Vec<Value>>,
    sql: impl Fn(&str) -> String,
) -> Vec<Statement> {
    let width = layout.columns.len().max(1);
    let row = format!("({})", vec!["?"; width].join(", "));
    let mut rows = rows.drain(..);
    let mut statements = Vec::new();
    while rows.len() > 0 {
        let size = chunk_size(rows.len(), width);
        let values = rows.by_ref().take(size).flatten().collect::<Vec<_>>();
        let sql = sql(&vec![row.as_str(); size].join(", "));
        statements.push(Statement::from_sql_and_values(
            DbBackend::Sqlite,
            sql,
            values,
        ));
    }
    statements
}

/// The largest power of two that is at most `rows` and within the limits.
fn chunk_size(rows: usize, width: usize) -> usize {
    let most = rows.min(MAX_ROWS).min((MAX_PARAMETERS / width).max(1));
    1 << most.ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_powers_of_two_within_the_limits() {
        for rows in 1..1_000 {
            for width in [1, 7, 300, 40_000] {
                let size = chunk_size(rows, width);
                assert!(size.is_power_of_two() && size <= rows && size <= MAX_ROWS);
                assert!(size == 1 || size * width <= MAX_PARAMETERS);
            }
        }
        assert_eq!(chunk_size(255, 3), 128);
        assert_eq!(chunk_size(127, 3), 64);
    }
}
