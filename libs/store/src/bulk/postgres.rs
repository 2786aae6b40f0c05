//! Rows as one array per column.
//!
//! The driver cannot send an array with NULLs in it. A column that may be NULL therefore travels as
//! two arrays: the values, with a filler for each NULL, and whether there is one.

use std::fmt::Write as _;

use liaison_types::Result;
use sea_orm::sea_query::ArrayType;
use sea_orm::{ActiveModelTrait, DbBackend, IntoActiveModel, Statement, Value};

use super::layout::{Column, Layout, each_value};
use super::{Conflict, list, quoted};

/// The statement that inserts `rows`, and how many they are; none where there are none.
pub(super) fn insert<A, R>(
    layout: &Layout,
    rows: impl IntoIterator<Item = R>,
    conflict: &Conflict<'_>,
) -> Result<Vec<(Statement, usize)>>
where
    A: ActiveModelTrait,
    R: IntoActiveModel<A>,
{
    let (count, arrays) = arrays(layout, rows)?;
    if count == 0 {
        return Ok(Vec::new());
    }
    let source = Source::of(layout);
    let mut sql = format!(
        "INSERT INTO {} ({}) SELECT {} FROM {}",
        quoted(&layout.table),
        list(layout.columns.iter().map(|column| &column.name)),
        source.expressions.join(", "),
        source.rows,
    );
    let keys = conflict.keys();
    if !keys.is_empty() {
        let order: Vec<_> = layout
            .columns
            .iter()
            .zip(&source.expressions)
            .filter(|(column, _)| keys.contains(&column.name))
            .map(|(_, expression)| expression.as_str())
            .collect();
        sql.push_str(" ORDER BY ");
        sql.push_str(&order.join(", "));
    }
    sql.push_str(&conflict.clause(layout));
    Ok(vec![(statement(sql, arrays), count)])
}

/// The statement that updates `rows`, and how many they are; none where there are none. The first
/// `keys` columns of the layout find the row, the others are set.
pub(super) fn update<A, R>(
    layout: &Layout,
    keys: usize,
    rows: impl IntoIterator<Item = R>,
) -> Result<Vec<(Statement, usize)>>
where
    A: ActiveModelTrait,
    R: IntoActiveModel<A>,
{
    let (count, arrays) = arrays(layout, rows)?;
    if count == 0 {
        return Ok(Vec::new());
    }
    let source = Source::of(layout);
    let table = quoted(&layout.table);
    let pairs: Vec<_> = layout
        .columns
        .iter()
        .zip(&source.expressions)
        .map(|(column, expression)| (quoted(&column.name), expression))
        .collect();
    let set: Vec<_> = pairs[keys..]
        .iter()
        .map(|(name, expression)| format!("{name} = {expression}"))
        .collect();
    let found: Vec<_> = pairs[..keys]
        .iter()
        .map(|(name, expression)| format!("{table}.{name} = {expression}"))
        .collect();
    let sql = format!(
        "UPDATE {table} SET {} FROM {} WHERE {}",
        set.join(", "),
        source.rows,
        found.join(" AND "),
    );
    Ok(vec![(statement(sql, arrays), count)])
}

fn statement(sql: String, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

/// The rows as a table the statement can select from.
struct Source {
    /// `(SELECT unnest($1::uuid[]) AS c0, …) AS u`. Set-returning functions in a list go through the
    /// arrays side by side; in `FROM` each would first copy its array into a table of its own.
    rows: String,
    /// What yields each column of the layout.
    expressions: Vec<String>,
}

impl Source {
    fn of(layout: &Layout) -> Self {
        let (mut arrays, mut expressions) = (String::new(), Vec::new());
        let mut parameter = 0;
        let mut add = |array: &str, name: &str| {
            let comma = if parameter == 0 { "" } else { ", " };
            parameter += 1;
            // Writing to a string cannot fail.
            let _ = write!(arrays, "{comma}unnest(${parameter}::{array}) AS {name}");
        };
        for (index, column) in layout.columns.iter().enumerate() {
            add(column.kind.postgres_array(), &format!("c{index}"));
            if column.nullable {
                add("boolean[]", &format!("p{index}"));
                expressions.push(format!("CASE WHEN u.p{index} THEN u.c{index} END"));
            } else {
                expressions.push(format!("u.c{index}"));
            }
        }
        Self {
            rows: format!("(SELECT {arrays}) AS u"),
            expressions,
        }
    }
}

/// One column of all rows.
struct Cells<'a> {
    column: &'a Column,
    /// A filler where the value is NULL.
    values: Vec<Value>,
    /// Which are not NULL; empty where the column may not be.
    present: Vec<Value>,
}

impl Cells<'_> {
    fn push(&mut self, value: Value) {
        // Checked before: the value is of the column's kind.
        let null = self.column.kind.is_null(&value).unwrap_or(true);
        if self.column.nullable {
            self.present.push(Value::Bool(Some(!null)));
        }
        self.values.push(if null {
            self.column.kind.filler()
        } else {
            value
        });
    }
}

/// How many rows there are, and the parameters: rows turned into columns.
fn arrays<A, R>(layout: &Layout, rows: impl IntoIterator<Item = R>) -> Result<(usize, Vec<Value>)>
where
    A: ActiveModelTrait,
    R: IntoActiveModel<A>,
{
    let rows = rows.into_iter();
    let expected = rows.size_hint().0;
    let mut cells: Vec<_> = layout
        .columns
        .iter()
        .map(|column| Cells {
            column,
            values: Vec::with_capacity(expected),
            present: Vec::with_capacity(if column.nullable { expected } else { 0 }),
        })
        .collect();
    let count = each_value(layout, rows, |place, value| cells[place].push(value))?;
    let mut parameters = Vec::with_capacity(cells.len() * 2);
    for Cells {
        column,
        values,
        present,
    } in cells
    {
        let array = |kind, values| Value::Array(kind, Some(Box::new(values)));
        parameters.push(array(column.kind.array_type(), values));
        if column.nullable {
            parameters.push(array(ArrayType::Bool, present));
        }
    }
    Ok((count, parameters))
}
