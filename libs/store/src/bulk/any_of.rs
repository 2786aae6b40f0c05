//! Many keys in one condition.

use sea_orm::sea_query::{Expr, ExprTrait, extension::postgres::PgFunc};
use sea_orm::{ColumnTrait, DbBackend, Value};

/// The condition that `column` is one of `values`; no row meets it where there are none.
///
/// `is_in` writes a parameter per value, so that every number of values is another statement to
/// prepare and to keep. This writes one array on PostgreSQL; on SQLite it repeats the last value until
/// their number is a power of two. There at most 16384 values fit.
pub fn any_of<C, V>(backend: DbBackend, column: C, values: Vec<V>) -> Expr
where
    C: ColumnTrait,
    V: Clone + Into<Value>,
    Vec<V>: Into<Value>,
{
    let name = Expr::col(column.as_column_ref());
    if backend == DbBackend::Postgres {
        let array: Value = values.into();
        return name.eq(PgFunc::any(Expr::val(array)));
    }
    let mut values = values;
    if let Some(last) = values.last().cloned() {
        values.resize(values.len().next_power_of_two(), last);
    }
    name.is_in(values)
}
