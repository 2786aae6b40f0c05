//! Which columns a bulk statement writes, and the values of rows there.

use liaison_types::{Error, Result};
use sea_orm::sea_query::{ArrayType, ColumnType};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityName, EntityTrait, IdenStatic, IntoActiveModel, Value,
};
use uuid::Uuid;

/// A table and some of its columns.
pub(super) struct Layout {
    pub(super) table: String,
    pub(super) columns: Vec<Column>,
}

pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) nullable: bool,
}

/// The column types bulk statements know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Small,
    Int,
    Big,
    Double,
    Text,
    Bytes,
    Uuid,
}

impl Kind {
    fn of(column: &ColumnType) -> Option<Self> {
        match column {
            ColumnType::Boolean => Some(Self::Bool),
            ColumnType::SmallInteger => Some(Self::Small),
            ColumnType::Integer => Some(Self::Int),
            ColumnType::BigInteger => Some(Self::Big),
            ColumnType::Double => Some(Self::Double),
            ColumnType::Text | ColumnType::String(_) | ColumnType::Char(_) => Some(Self::Text),
            ColumnType::Blob | ColumnType::Binary(_) | ColumnType::VarBinary(_) => {
                Some(Self::Bytes)
            }
            ColumnType::Uuid => Some(Self::Uuid),
            _ => None,
        }
    }

    /// PostgreSQL's name of the array of it.
    pub(super) const fn postgres_array(self) -> &'static str {
        match self {
            Self::Bool => "boolean[]",
            Self::Small => "smallint[]",
            Self::Int => "integer[]",
            Self::Big => "bigint[]",
            Self::Double => "double precision[]",
            Self::Text => "text[]",
            Self::Bytes => "bytea[]",
            Self::Uuid => "uuid[]",
        }
    }

    pub(super) const fn array_type(self) -> ArrayType {
        match self {
            Self::Bool => ArrayType::Bool,
            Self::Small => ArrayType::SmallInt,
            Self::Int => ArrayType::Int,
            Self::Big => ArrayType::BigInt,
            Self::Double => ArrayType::Double,
            Self::Text => ArrayType::String,
            Self::Bytes => ArrayType::Bytes,
            Self::Uuid => ArrayType::Uuid,
        }
    }

    /// Stands in an array where the value is NULL.
    pub(super) const fn filler(self) -> Value {
        match self {
            Self::Bool => Value::Bool(Some(false)),
            Self::Small => Value::SmallInt(Some(0)),
            Self::Int => Value::Int(Some(0)),
            Self::Big => Value::BigInt(Some(0)),
            Self::Double => Value::Double(Some(0.0)),
            Self::Text => Value::String(Some(String::new())),
            Self::Bytes => Value::Bytes(Some(Vec::new())),
            Self::Uuid => Value::Uuid(Some(Uuid::nil())),
        }
    }

    const fn null(self) -> Value {
        match self {
            Self::Bool => Value::Bool(None),
            Self::Small => Value::SmallInt(None),
            Self::Int => Value::Int(None),
            Self::Big => Value::BigInt(None),
            Self::Double => Value::Double(None),
            Self::Text => Value::String(None),
            Self::Bytes => Value::Bytes(None),
            Self::Uuid => Value::Uuid(None),
        }
    }

    /// Whether `value` is NULL; `None` where it is of another kind.
    pub(super) const fn is_null(self, value: &Value) -> Option<bool> {
        match (self, value) {
            (Self::Bool, Value::Bool(v)) => Some(v.is_none()),
            (Self::Small, Value::SmallInt(v)) => Some(v.is_none()),
            (Self::Int, Value::Int(v)) => Some(v.is_none()),
            (Self::Big, Value::BigInt(v)) => Some(v.is_none()),
            (Self::Double, Value::Double(v)) => Some(v.is_none()),
            (Self::Text, Value::String(v)) => Some(v.is_none()),
            (Self::Bytes, Value::Bytes(v)) => Some(v.is_none()),
            (Self::Uuid, Value::Uuid(v)) => Some(v.is_none()),
            _ => None,
        }
    }
}

impl Layout {
    pub(super) fn of<A: ActiveModelTrait>(
        columns: impl Iterator<Item = <A::Entity as EntityTrait>::Column>,
    ) -> Result<Self> {
        let table = A::Entity::default().table_name().to_owned();
        let columns = columns
            .map(|column| {
                let def = column.def();
                let name = column.as_str().to_owned();
                match Kind::of(def.get_column_type()) {
                    Some(kind) => Ok(Column {
                        name,
                        kind,
                        nullable: def.is_null(),
                    }),
                    None => Err(fault(
                        &table,
                        &name,
                        "is of a type bulk statements do not know",
                    )),
                }
            })
            .collect::<Result<_>>()?;
        Ok(Self { table, columns })
    }
}

/// Gives `take` every value of every row, row after row in the order of the layout's columns, each
/// checked against its column and with the column's place. Answers how many rows there were.
pub(super) fn each_value<A, R>(
    layout: &Layout,
    rows: impl IntoIterator<Item = R>,
    mut take: impl FnMut(usize, Value),
) -> Result<usize>
where
    A: ActiveModelTrait,
    R: IntoActiveModel<A>,
{
    use sea_orm::Iterable;
    let columns: Vec<_> = layout
        .columns
        .iter()
        .map(|column| {
            <A::Entity as EntityTrait>::Column::iter()
                .find(|candidate| candidate.as_str() == column.name)
                .map(|id| (column, id))
                .ok_or_else(|| fault(&layout.table, &column.name, "is unknown"))
        })
        .collect::<Result<_>>()?;
    let mut count = 0;
    for row in rows {
        let mut row = row.into_active_model();
        for (place, &(column, id)) in columns.iter().enumerate() {
            let value = match row.take(id).into_value() {
                Some(value) => value,
                None => column.kind.null(),
            };
            match column.kind.is_null(&value) {
                Some(null) if column.nullable || !null => take(place, value),
                Some(_) => return Err(fault(&layout.table, &column.name, "is not set")),
                None => return Err(fault(&layout.table, &column.name, "has a foreign value")),
            }
        }
        count += 1;
    }
    Ok(count)
}

fn fault(table: &str, column: &str, what: &str) -> Error {
    Error::internal(format!("column {table}.{column} {what}"))
}
