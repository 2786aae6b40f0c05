//! Whether PostgreSQL can change a row without writing into every index of its table.

use std::collections::BTreeSet;

use liaison_store::{Db, DbBackend};
use sea_orm::{ConnectionTrait as _, Statement};

/// Expects that `change` changes rows of `table`, and no column that an index names, be it in the
/// index or in its condition: such a column has PostgreSQL write the row into all indexes of the table
/// once more. Only runs `change` where `db` is no PostgreSQL.
///
/// # Panics
/// Where nothing changes, or such a column does.
pub async fn changes_in_place(db: &Db, table: &str, change: impl Future<Output = ()>) {
    if db.backend() != DbBackend::Postgres {
        return change.await;
    }
    let before = cells(db, table).await;
    change.await;
    let after = cells(db, table).await;
    let changed: BTreeSet<&str> = before
        .symmetric_difference(&after)
        .filter_map(|cell| cell.split('=').next())
        .collect();
    assert!(!changed.is_empty(), "nothing changed in {table}");
    for index in indexes(db, table).await {
        let names = index.split(|c: char| !c.is_alphanumeric() && c != '_');
        let touched: Vec<&str> = names.filter(|name| changed.contains(name)).collect();
        assert!(
            touched.is_empty(),
            "{touched:?} changes, and there is {index}"
        );
    }
}

/// `column=value` of every row.
async fn cells(db: &Db, table: &str) -> BTreeSet<String> {
    let cells = format!(
        "SELECT concat(cell.key, '=', cell.value) FROM {table} AS t, jsonb_each_text(to_jsonb(t)) AS cell"
    );
    texts(db, cells).await.into_iter().collect()
}

async fn indexes(db: &Db, table: &str) -> Vec<String> {
    let indexes = format!(
        "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = '{table}'::regclass"
    );
    texts(db, indexes).await
}

async fn texts(db: &Db, sql: String) -> Vec<String> {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let rows = db.reader().query_all_raw(statement).await;
    rows.and_then(|rows| rows.iter().map(|row| row.try_get_by_index(0)).collect())
        .unwrap_or_else(|error| panic!("the database refused: {error}"))
}
