//! One statement for any number of rows.
//!
//! A statement costs a round trip and its preparation, whatever it carries. On PostgreSQL the rows go
//! over as one array per column, so that the text of the statement is the same for every number of
//! rows and is prepared once per connection. SQLite has no arrays; there the rows go over as
//! `VALUES` in chunks of few sizes, so that few texts serve every number of rows.

mod any_of;
mod layout;
mod postgres;
mod sqlite;

use liaison_types::{Error, Result};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel, Iterable,
    PrimaryKeyToColumn, PrimaryKeyTrait, QueryResult, Statement, TryGetableMany,
};

use crate::error::DbResult;
use crate::tx::Tx;
use layout::Layout;

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
pub async fn insert_all<A, R>(tx: &Tx<'_>, rows: impl IntoIterator<Item = R> + Send) -> Result<()>
where
    A: ActiveModelTrait,
    R: IntoActiveModel<A>,
{
    let layout = Layout::of::<A>(ColumnOf::<A>::iter())?;
    let backend = tx.get_database_backend();
    for (statement, count) in inserts(backend, &layout, rows, &Conflict::Fails)? {
        tx.send(statement, count).await.db()?;
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
    let keys = key_columns::<A>();
    let mut new = Vec::new();
    let conflict = Conflict::PassesOver { keys: &keys };
    for (statement, _) in inserts(tx.get_database_backend(), &layout, rows, &conflict)? {
        for row in tx.query_all_raw(statement).await.db()? {
            new.push(key_of::<A>(&row, &keys)?);
        }
    }
    Ok(new)
}

/// Adds to a counter: inserts the rows whose primary key does not exist, adds `column` of the others
/// to what is there, and answers each primary key with the sum, in no particular order. Columns other
/// than the key and `column` are written only where the row is new.
///
/// Each row stays locked until the transaction ends, so that nobody else gets a number in between.
/// Rows are locked by primary key: two transactions that count on the same rows wait for each other
/// instead of deadlocking. A key must not occur twice.
///
/// # Errors
/// As [`insert_all`]; `INTERNAL` where `column` is no `i64`.
pub async fn add_all<A, R, C>(
    tx: &C,
    column: ColumnOf<A>,
    rows: impl IntoIterator<Item = R> + Send,
) -> Result<Vec<(KeyValueOf<A>, i64)>>
where
    A: ActiveModelTrait,
    R: IntoActiveModel<A>,
    C: ConnectionTrait,
    ColumnOf<A>: Copy,
{
    let layout = Layout::of::<A>(ColumnOf::<A>::iter())?;
    let keys = key_columns::<A>();
    let column = sea_orm::IdenStatic::as_str(&column);
    let conflict = Conflict::Adds {
        keys: &keys,
        column,
    };
    let mut sums = Vec::new();
    for (statement, _) in inserts(tx.get_database_backend(), &layout, rows, &conflict)? {
        for row in tx.query_all_raw(statement).await.db()? {
            sums.push((key_of::<A>(&row, &keys)?, row.try_get("", column).db()?));
        }
    }
    Ok(sums)
}

/// Sets `columns` of all rows, found by their primary key; each has to be there.
///
/// Rows may be models, or active models with the primary key and `columns` set; the same column
/// types as in [`insert_all`]. A key must not occur twice. The order in which PostgreSQL locks the
/// rows is not fixed: where others may update the same rows, lock them first, ordered by key.
///
/// # Errors
/// As [`insert_all`]; `INTERNAL` where a row is not there, or `columns` is empty or names the primary
/// key.
pub async fn update_all<A, R>(
    tx: &Tx<'_>,
    columns: &[ColumnOf<A>],
    rows: impl IntoIterator<Item = R> + Send,
) -> Result<()>
where
    A: ActiveModelTrait,
    R: IntoActiveModel<A>,
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
    let statements = match tx.get_database_backend() {
        DbBackend::Postgres => postgres::update(&layout, keys.len(), rows),
        _ => sqlite::update(&layout, keys.len(), rows),
    }?;
    for (statement, count) in statements {
        tx.send(statement, count).await.db()?;
    }
    Ok(())
}

/// The statements that insert `rows`, and how many rows each.
fn inserts<A, R>(
    backend: DbBackend,
    layout: &Layout,
    rows: impl IntoIterator<Item = R>,
    conflict: &Conflict<'_>,
) -> Result<Vec<(Statement, usize)>>
where
    A: ActiveModelTrait,
    R: IntoActiveModel<A>,
{
    match backend {
        DbBackend::Postgres => postgres::insert(layout, rows, conflict),
        _ => sqlite::insert(layout, rows, conflict),
    }
}

/// What happens to a row whose primary key, `keys`, exists already.
enum Conflict<'a> {
    /// The statement fails.
    Fails,
    /// Nothing; the keys of the others are returned.
    PassesOver { keys: &'a [String] },
    /// Its `column` is added to what is there; all keys are returned, each with the sum.
    Adds { keys: &'a [String], column: &'a str },
}

impl Conflict<'_> {
    /// By what the rows are ordered, if at all.
    const fn keys(&self) -> &[String] {
        match self {
            Self::Fails => &[],
            Self::PassesOver { keys } | Self::Adds { keys, .. } => keys,
        }
    }

    /// The end of the statement.
    fn clause(&self, layout: &Layout) -> String {
        match self {
            Self::Fails => String::new(),
            Self::PassesOver { keys } => {
                format!(" ON CONFLICT DO NOTHING RETURNING {}", list(*keys))
            }
            Self::Adds { keys, column } => {
                let (table, column, keys) = (quoted(&layout.table), quoted(column), list(*keys));
                format!(
                    " ON CONFLICT ({keys}) DO UPDATE SET {column} = {table}.{column} + \
                     excluded.{column} RETURNING {keys}, {column}"
                )
            }
        }
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
