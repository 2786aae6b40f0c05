//! Rows as one array per column.
//!
//! The driver cannot send an array with NULLs in it. A column that may be NULL therefore travels as
//! two arrays: the values, with a filler for each NULL, and whether there is one.

use std::fmt::Write as _;

use sea_orm::sea_query::ArrayType;
use sea_orm::{DbBackend, Statement, Value};

use super::layout::Layout;
use super::{Conflict, list, quoted};

pub(super) fn insert(
    layout: &Layout,
    rows: Vec<Vec<Value>>,
    conflict: &Conflict<'_>,
) -> Vec<(Statement, usize)> {
    if rows.is_empty() {
        return Vec::new();
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
    let count = rows.len();
    vec![(statement(sql, arrays(layout, rows)), count)]
}

/// The first `keys` columns of the layout find the row, the others are set.
pub(super) fn update(
    layout: &Layout,
    keys: usize,
    rows: Vec<Vec<Value>>,
) -> Vec<(Statement, usize)> {
    if rows.is_empty() {
        return Vec::new();
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
    let count = rows.len();
    vec![(statement(sql, arrays(layout, rows)), count)]
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

/// The parameters: rows turned into columns.
fn arrays(layout: &Layout, rows: Vec<Vec<Value>>) -> Vec<Value> {
    let count = rows.len();
    let mut columns: Vec<_> = layout
        .columns
        .iter()
        .map(|column| {
            let present = if column.nullable { count } else { 0 };
            (Vec::with_capacity(count), Vec::with_capacity(present))
        })
        .collect();
    for row in rows {
        for ((column, value), (values, present)) in layout.columns.iter().zip(row).zip(&mut columns)
        {
            // Checked when the rows were read: the value is of the column's kind.
            let null = column.kind.is_null(&value).unwrap_or(true);
            if column.nullable {
                present.push(Value::Bool(Some(!null)));
            }
            values.push(if null { column.kind.filler() } else { value });
        }
    }
    let mut parameters = Vec::new();
    for (column, (values, present)) in layout.columns.iter().zip(columns) {
        parameters.push(Value::Array(
            column.kind.array_type(),
            Some(Box::new(values)),
        ));
        if column.nullable {
            parameters.push(Value::Array(ArrayType::Bool, Some(Box::new(present))));
        }
    }
    parameters
}
