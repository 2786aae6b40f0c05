//! One statement for any number of rows.
//!
//! A statement costs a round trip and its preparation, whatever it carries. On PostgreSQL the rows go
//! over as one array per column, so that the text of the statement is the same for every number of
//! rows and is prepared once per connection. SQLite has no arrays; there the rows go over as
//! `VALUES` in chunks whose sizes are powers of two, so that few texts serve every number of rows.

mod any_of;
mod layout;
mod postgres;
mod sqlite;

use liaison_types::{Error, Result};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel, Iterable,
    PrimaryKeyToColumn, PrimaryKeyTrait, QueryResult, Statement, TryGetableMany, Value,
};

use crate::error::DbResult;
use layout::{Layout, rows_of};

pub use any_of::any_of;

type EntityOf<A> = <A as ActiveModelTrait>::Entity;
type ColumnOf<A> = <EntityOf<A> as EntityTrait>::Column;
type KeyOf<A> = <EntityOf<A> as EntityTrait>::PrimaryKey;
type KeyValueOf<A> = <KeyOf<A> as PrimaryKeyTrait>::ValueType;

/// Inserts all rows, models or active models, and nothing where there are none.
///
/// Columns may hold `bool`, `i16`, `i32`, `i64`, `f64`, `String`, `Vec<u8>` and `Uuid`, each also as
/// `Option`. Every column is written: defaults of the database do not apply, and an active model's
/// `NotSet` means NULL where the column may be NULL.
///
/// # Errors
/// `CONFLICT` where a unique key exists already; `INTERNAL` where a column is of another type, or
/// is not set and may not be NULL.
pub async fn insert_all<A, R, C>(tx: &C, rows: impl IntoIterator<Item = R> + Send) -> Result<()>
where
    A: ActiveModelTrait,
    R: IntoActiveModel<A>,
    C: ConnectionTrait,
{
    let layout = Layout::of::<A>(ColumnOf::<A>::iter())?;
    let rows = rows_of::<A, R>(&layout, rows)?;
    for statement in inserts(tx.get_database_backend(), &layout, rows, None) {
        tx.execute_raw(statement).await.db()?;
    }
    Ok(())
}

/// Like [`insert_all`], but passes over rows whose unique key exists already, also earlier among
/// `rows`, and answers the primary keys of the rows that are new, in no particular order.
///
/// Rows go in by primary key, so that two transactions that insert the same keys wait for each other
/// instead of deadlocking.
///
/// # Errors
/// As [`insert_all`].
pub async fn insert_all_ignoring_conflicts<A, R, C>(
    tx: &C,
    rows: impl IntoIterator<Item = R> + Send,
) -> Result<Vec<KeyValueOf<A>>>
where
    A: ActiveModelTrait,
    R: IntoActiveModel<A>,
    C: ConnectionTrait,
{
    let layout = Layout::of::<A>(ColumnOf::<A>::iter())?;
    let rows = rows_of::<A, R>(&layout, rows)?;
    let keys = key_columns::<A>();
    let mut new = Vec::with_capacity(rows.len());
    for statement in inserts(tx.get_database_backend(), &layout, rows, Some(&keys)) {
        for row in tx.query_all_raw(statement).await.db()? {
            new.push(key_of::<A>(&row, &keys)?);
        }
    }
    Ok(new)
}

/// Sets `columns` of all rows, found by their primary key, and answers how many there were.
/// [`ensure_affected`](crate::ensure_affected) compares that with how many there had to be.
///
/// Rows may be models, or active models with the primary key and `columns` set; the same column
/// types as in [`insert_all`]. A key must not occur twice. The order in which PostgreSQL locks the
/// rows is not fixed: where others may update the same rows, lock them first, ordered by key.
///
/// # Errors
/// As [`insert_all`]; `INTERNAL` where `columns` is empty or names the primary key.
pub async fn update_all<A, R, C>(
    tx: &C,
    columns: &[ColumnOf<A>],
    rows: impl IntoIterator<Item = R> + Send,
) -> Result<u64>
where
    A: ActiveModelTrait,
    R: IntoActiveModel<A>,
    C: ConnectionTrait,
    ColumnOf<A>: Copy,
{
    let keys: Vec<_> = KeyOf::<A>::iter()
        .map(PrimaryKeyToColumn::into_column)
        .collect();
    let layout = Layout::of::<A>(keys.iter().chain(columns).copied())?;
    let key_names = key_columns::<A>();
    if columns.is_empty()
        || layout.columns[keys.len()..]
            .iter()
            .any(|c| key_names.contains(&c.name))
    {
        return Err(Error::internal(format!(
            "an update of table {} has to set columns other than the key",
            layout.table
        )));
    }
    let rows = rows_of::<A, R>(&layout, rows)?;
    let statements = match tx.get_database_backend() {
        DbBackend::Postgres => postgres::update(&layout, keys.len(), rows),
        _ => sqlite::update(&layout, keys.len(), rows),
    };
    let mut affected = 0;
    for statement in statements {
        affected += tx.execute_raw(statement).await.db()?.rows_affected();
    }
    Ok(affected)
}

/// The statements that insert `rows`; with `keys` they pass over conflicts and return the new keys.
fn inserts(
    backend: DbBackend,
    layout: &Layout,
    rows: Vec<Vec<Value>>,
    keys: Option<&[String]>,
) -> Vec<Statement> {
    match backend {
        DbBackend::Postgres => postgres::insert(layout, rows, keys),
        _ => sqlite::insert(layout, rows, keys),
    }
}

fn key_columns<A: ActiveModelTrait>() -> Vec<String> {
    KeyOf::<A>::iter()
        .map(|key| sea_orm::IdenStatic::as_str(&key).to_owned())
        .collect()
}

fn key_of<A: ActiveModelTrait>(row: &QueryResult, keys: &[String]) -> Result<KeyValueOf<A>> {
    KeyValueOf::<A>::try_get_many(row, "", keys)
        .map_err(sea_orm::DbErr::from)
        .db()
}

/// `name` as SQL writes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The names as SQL writes them, with commas between them.
fn list<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names
        .into_iter()
        .map(|name| quoted(name))
        .collect::<Vec<_>>()
        .join(", ")
}

/// `ON CONFLICT DO NOTHING RETURNING` the keys.
fn passing_over_conflicts(keys: &[String]) -> String {
    format!(" ON CONFLICT DO NOTHING RETURNING {}", list(keys))
}
