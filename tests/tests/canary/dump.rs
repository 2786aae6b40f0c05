//! Everything that a database holds.

use std::collections::BTreeMap;
use std::path::Path;

use e2e::{Databases, SERVICES};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

/// What a column holds in all of its rows, by `service.table.column`.
pub(crate) type Dump = BTreeMap<String, Vec<u8>>;

/// Between two rows, so that no word comes of the end of one and the beginning of the next.
const BETWEEN: &[u8] = b"\0\n\0";

/// Every column of every table of every service, what the tables and indexes are called, and what the
/// database itself remembers of contents.
pub(crate) async fn dump(databases: &Databases) -> Dump {
    let mut dump = Dump::new();
    for service in SERVICES {
        let db = databases.connection(service).await;
        if db.get_database_backend() == DbBackend::Postgres {
            // So that its statistics, which hold samples of what columns hold, are there to be searched.
            db.execute_unprepared("ANALYZE").await.unwrap();
        }
        for (table, column) in columns(db).await {
            let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
            let (of, from) = (quoted(&column), quoted(&table));
            let value = match db.get_database_backend() {
                DbBackend::Postgres => decoded(db, &table, &column, &of).await,
                _ => format!("CAST({of} AS BLOB)"),
            };
            let text = format!("SELECT {value} FROM {from} WHERE {of} IS NOT NULL");
            let held = all(db, &text).await;
            dump.insert(format!("{service}.{table}.{column}"), held);
        }
        for (what, text) in about(db.get_database_backend()) {
            dump.insert(format!("{service}.{what}"), all(db, text).await);
        }
    }
    dump
}

/// One expression for all types: the bytes of what is bytes, and of the text of everything else.
async fn decoded(db: &DatabaseConnection, table: &str, column: &str, of: &str) -> String {
    let text = format!(
        "SELECT udt_name::text FROM information_schema.columns \
         WHERE table_name = '{table}' AND column_name = '{column}'"
    );
    match strings(db, &text).await[0].as_str() {
        "bytea" => of.to_owned(),
        _ => format!("convert_to({of}::text, 'UTF8')"),
    }
}

async fn columns(db: &DatabaseConnection) -> Vec<(String, String)> {
    let mut columns = Vec::new();
    let tables = match db.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT table_name::text FROM information_schema.tables WHERE table_type = 'BASE TABLE' \
             AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        }
        _ => "SELECT name FROM sqlite_master WHERE type = 'table'",
    };
    for table in strings(db, tables).await {
        let of = match db.get_database_backend() {
            DbBackend::Postgres => format!(
                "SELECT column_name::text FROM information_schema.columns WHERE table_name = '{table}'"
            ),
            _ => format!("SELECT name FROM pragma_table_info('{table}')"),
        };
        let of = strings(db, &of).await;
        columns.extend(of.into_iter().map(|column| (table.clone(), column)));
    }
    columns
}

/// What is not in a table of ours.
fn about(backend: DbBackend) -> &'static [(&'static str, &'static str)] {
    match backend {
        DbBackend::Postgres => &[
            (
                "(indexes)",
                "SELECT convert_to(indexdef, 'UTF8') FROM pg_indexes WHERE schemaname = 'public'",
            ),
            (
                "(statistics)",
                "SELECT convert_to(concat_ws(' ', tablename, attname, most_common_vals::text, \
                 histogram_bounds::text, most_common_elems::text), 'UTF8') FROM pg_stats \
                 WHERE schemaname = 'public'",
            ),
            (
                "(statements)",
                "SELECT convert_to(coalesce(query, ''), 'UTF8') FROM pg_stat_activity \
                 WHERE datname = current_database()",
            ),
        ],
        _ => &[(
            "(schema)",
            "SELECT CAST(sql AS BLOB) FROM sqlite_master WHERE sql IS NOT NULL",
        )],
    }
}

async fn all(db: &DatabaseConnection, text: &str) -> Vec<u8> {
    let statement = Statement::from_string(db.get_database_backend(), text);
    let rows = db.query_all_raw(statement).await;
    let rows = rows.unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut held = Vec::new();
    for row in rows {
        held.extend(row.try_get_by_index::<Vec<u8>>(0).unwrap());
        held.extend(BETWEEN);
    }
    held
}

async fn strings(db: &DatabaseConnection, text: &str) -> Vec<String> {
    let statement = Statement::from_string(db.get_database_backend(), text);
    let rows = db.query_all_raw(statement).await;
    let rows = rows.unwrap_or_else(|error| panic!("{text}: {error}"));
    let texts = rows.iter().map(|row| row.try_get_by_index(0).unwrap());
    texts.collect()
}

/// The bytes of every file below `folder`, by its path: databases with what they have deleted and what is
/// not yet moved from their logs, and logs of processes.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut files, mut open) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                files.insert(path.display().to_string(), bytes);
            }
        }
    }
    files
}
