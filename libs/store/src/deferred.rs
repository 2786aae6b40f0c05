//! Statements whose answers nobody waits for.
//!
//! On SQLite a statement costs two changes of threads, which is more than most of them take. Those that
//! only write are therefore kept until something has to be answered, or until the commit, and go
//! together. PostgreSQL takes one prepared statement at a time: there they go at once.

use sea_orm::{DbErr, Statement};

/// A statement with more parameters goes by itself: it takes longer than the way to it, and every
/// combination of statements is a text of its own to prepare and to keep.
const MAX_PARAMETERS: usize = 128;

/// A statement, and how many rows it has to touch.
#[derive(Debug)]
pub(crate) struct Deferred {
    pub(crate) statement: Statement,
    pub(crate) rows: u64,
}

/// # Errors
/// Where a statement touched another number of rows than it had to.
pub(crate) fn expect_rows(actual: u64, expected: u64) -> Result<(), DbErr> {
    if actual == expected {
        Ok(())
    } else {
        let message = format!("{actual} rows affected instead of {expected}");
        Err(DbErr::Custom(message))
    }
}

/// The same statements, as few as may go together.
pub(crate) fn bundled(all: Vec<Deferred>) -> Vec<Deferred> {
    let mut bundles: Vec<Deferred> = Vec::with_capacity(1);
    for next in all {
        if let Some(last) = bundles.last_mut()
            && parameters(&last.statement) + parameters(&next.statement) <= MAX_PARAMETERS
        {
            last.statement.sql.push_str("; ");
            last.statement.sql.push_str(&next.statement.sql);
            if let (Some(values), Some(more)) = (&mut last.statement.values, next.statement.values)
            {
                values.0.extend(more.0);
            }
            last.rows += next.rows;
        } else {
            bundles.push(next);
        }
    }
    bundles
}

fn parameters(statement: &Statement) -> usize {
    statement.values.as_ref().map_or(0, |values| values.0.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm::DbBackend;

    fn deferred(sql: &str, parameters: i32) -> Deferred {
        let values = (0..parameters).map(Into::into);
        Deferred {
            statement: Statement::from_sql_and_values(DbBackend::Sqlite, sql, values),
            rows: 2,
        }
    }

    #[test]
    fn small_statements_go_together_and_large_ones_alone() {
        let all = [
            ("a", 100),
            ("b", 20),
            ("c", 8),
            ("d", 1),
            ("e", 500),
            ("f", 1),
        ];
        let bundles = bundled(all.map(|(sql, count)| deferred(sql, count)).into());
        let sent: Vec<_> = bundles
            .iter()
            .map(|bundle| {
                let sql = bundle.statement.sql.as_str();
                (sql, parameters(&bundle.statement), bundle.rows)
            })
            .collect();
        assert_eq!(
            sent,
            [("a; b; c", 128, 6), ("d", 1, 2), ("e", 500, 2), ("f", 1, 2)]
        );
    }
}
