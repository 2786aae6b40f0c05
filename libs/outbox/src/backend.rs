//! The statements, one constant text per backend, so that each is prepared once per connection
//! whatever the number of rows.
//!
//! Rows travel as arrays on PostgreSQL and as one JSON parameter on SQLite.

use std::fmt::Write as _;

use liaison_store::{DbBackend, DbResult as _};
use liaison_types::{Error, Result};
use sea_orm::{QueryResult, Statement, Value};
use uuid::Uuid;

use crate::event::Destination;
use crate::handover::Doubt;

/// The texts of one backend.
pub(crate) struct Texts {
    /// Sent at the start of a claim; empty where there is nothing to say.
    pub(crate) before_claim: &'static str,
    /// Which pairs have rows left that are not in memory, whatever their state, by their places from
    /// 0; see [`held`].
    pub(crate) held: &'static str,
    /// Whether anything can be claimed: destination, now.
    pub(crate) ready: &'static str,
    /// First rows of their pairs, locked: destination, now, limit.
    pub(crate) heads: &'static str,
    /// Rows behind them, locked: destination, now, limit, run, subjects. Lower sequences come first,
    /// so that a limit leaves no gap.
    pub(crate) followers: &'static str,
    /// Marks rows as claimed: token, until, ids.
    pub(crate) lease: &'static str,
    /// Removes rows that are still ours: token, ids.
    pub(crate) delete: &'static str,
    /// Gives rows back that are still ours: token, then the [`Reschedule`] columns.
    pub(crate) reschedule: &'static str,
    /// Records ids that were not known: now, ids.
    pub(crate) first_time: &'static str,
    /// Reopens dead letters: now, ids.
    pub(crate) requeue: &'static str,
    /// Removes dead letters: ids.
    pub(crate) discard: &'static str,
}

/// The texts for `backend`.
pub(crate) const fn texts(backend: DbBackend) -> &'static Texts {
    match backend {
        DbBackend::Postgres => &POSTGRES,
        _ => &SQLITE,
    }
}

/// The columns a claim reads, in this order.
macro_rules! claimed_columns {
    () => {
        "o.id, o.subject, o.sequence, o.kind, o.payload, o.traceparent, o.created_at, o.attempts"
    };
}

/// What makes a row claimable by itself.
macro_rules! open_and_due {
    ($destination:literal, $now:literal) => {
        concat!(
            "o.destination = ",
            $destination,
            " AND o.dead_at IS NULL AND o.due_at <= ",
            $now,
            " AND (o.lease_until IS NULL OR o.lease_until <= ",
            $now,
            ")"
        )
    };
}

/// What picks the earlier rows of the same pair. Whatever state they are in, they come first.
macro_rules! earlier {
    ($index:literal) => {
        concat!(
            "FROM outbox AS e ",
            $index,
            " WHERE e.destination = o.destination AND e.subject = o.subject",
            " AND (e.sequence, e.id) < (o.sequence, o.id)"
        )
    };
}

/// How many earlier rows there are, counted no further than needed.
macro_rules! ahead {
    ($index:literal, $run:literal) => {
        concat!(
            "(SELECT count(*) AS n FROM (SELECT 1 ",
            earlier!($index),
            " LIMIT ",
            $run,
            ") AS earlier)"
        )
    };
}

/// The first rows of their pairs that may go, oldest first. A scalar subquery instead of `EXISTS`,
/// which a planner may turn into a join over the whole table.
macro_rules! heads {
    ($columns:expr, $due:literal, $order:literal, $destination:literal, $now:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM outbox AS o ",
            $due,
            " WHERE ",
            open_and_due!($destination, $now),
            " AND (SELECT 1 ",
            earlier!($order),
            " LIMIT 1) IS NULL ORDER BY o.due_at, o.id LIMIT "
        )
    };
}

/// About the planner: the table is empty at one moment and long at the next, so its statistics are
/// always wrong. Left without its other choices the planner walks the indexes, which is right at
/// every length. What it has to sort nevertheless looks so expensive then that it would compile the
/// query first, hence without that.
const POSTGRES: Texts = Texts {
    before_claim: "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; \
                   SET LOCAL enable_sort = off; SET LOCAL jit = off",
    held: "SELECT s.place - 1 \
           FROM UNNEST($1::text[], $2::text[], $3::bigint[], $4::uuid[]) WITH ORDINALITY \
           AS s (destination, subject, oldest, token, place) WHERE (SELECT 1 FROM outbox AS o \
           WHERE o.destination = s.destination AND o.subject = s.subject \
           AND (o.sequence < s.oldest OR o.lease_token IS DISTINCT FROM s.token) LIMIT 1) IS NOT NULL",
    ready: concat!(heads!("1", "", "", "$1", "$2"), "1"),
    heads: concat!(
        heads!(claimed_columns!(), "", "", "$1", "$2"),
        "$3 FOR UPDATE OF o SKIP LOCKED"
    ),
    followers: concat!(
        "SELECT f.* FROM UNNEST($5::text[]) AS s (subject) CROSS JOIN LATERAL (SELECT ",
        claimed_columns!(),
        ", ",
        ahead!("", "$4"),
        " AS ahead FROM outbox AS o WHERE ",
        open_and_due!("$1", "$2"),
        " AND o.subject = s.subject ORDER BY o.sequence, o.id LIMIT $4",
        " FOR UPDATE OF o SKIP LOCKED) AS f WHERE f.ahead BETWEEN 1 AND $4 - 1",
        " ORDER BY f.sequence, f.id LIMIT $3"
    ),
    lease: "UPDATE outbox SET lease_token = $1, lease_until = $2, attempts = attempts + 1 \
            WHERE id = ANY($3)",
    delete: "DELETE FROM outbox WHERE lease_token = $1 AND id = ANY($2) RETURNING id",
    reschedule: "UPDATE outbox SET due_at = v.due_at, dead_at = NULLIF(v.dead_at, 0), \
                 attempts = v.attempts, reason = NULLIF(v.reason, ''), lease_token = NULL, \
                 lease_until = NULL \
                 FROM UNNEST($2::uuid[], $3::bigint[], $4::bigint[], $5::integer[], $6::text[]) \
                 AS v (id, due_at, dead_at, attempts, reason) \
                 WHERE outbox.id = v.id AND outbox.lease_token = $1 RETURNING outbox.id",
    first_time: "INSERT INTO inbox (id, received_at) SELECT v.id, $1 FROM UNNEST($2::uuid[]) \
                 AS v (id) ON CONFLICT (id) DO NOTHING RETURNING id",
    requeue: "UPDATE outbox SET dead_at = NULL, attempts = 0, due_at = $1, reason = NULL \
              WHERE dead_at IS NOT NULL AND id = ANY($2)",
    discard: "DELETE FROM outbox WHERE dead_at IS NOT NULL AND id = ANY($1)",
};

const SQLITE: Texts = Texts {
    before_claim: "",
    held: "SELECT s.key FROM json_each(?1) AS s WHERE (SELECT 1 FROM outbox AS o INDEXED BY outbox_order \
           WHERE o.destination = s.value ->> 0 AND o.subject = s.value ->> 1 \
           AND (o.sequence < s.value ->> 2 OR o.lease_token IS NOT unhex(s.value ->> 3)) LIMIT 1) \
           IS NOT NULL",
    ready: concat!(
        heads!(
            "1",
            "INDEXED BY outbox_due",
            "INDEXED BY outbox_order",
            "?1",
            "?2"
        ),
        "1"
    ),
    heads: concat!(
        heads!(
            claimed_columns!(),
            "INDEXED BY outbox_due",
            "INDEXED BY outbox_order",
            "?1",
            "?2"
        ),
        "?3"
    ),
    followers: concat!(
        "SELECT ",
        claimed_columns!(),
        ", ",
        ahead!("INDEXED BY outbox_order", "?4"),
        " AS ahead FROM outbox AS o INDEXED BY outbox_order WHERE ",
        open_and_due!("?1", "?2"),
        " AND o.subject IN (SELECT value FROM json_each(?5)) AND ahead BETWEEN 1 AND ?4 - 1",
        " ORDER BY o.sequence, o.id LIMIT ?3"
    ),
    lease: "UPDATE outbox SET lease_token = ?1, lease_until = ?2, attempts = attempts + 1 \
            WHERE id IN (SELECT unhex(value) FROM json_each(?3))",
    delete: "DELETE FROM outbox WHERE lease_token = ?1 \
             AND id IN (SELECT unhex(value) FROM json_each(?2)) RETURNING id",
    reschedule: "UPDATE outbox SET due_at = v.due_at, dead_at = NULLIF(v.dead_at, 0), \
                 attempts = v.attempts, reason = NULLIF(v.reason, ''), lease_token = NULL, \
                 lease_until = NULL \
                 FROM (SELECT unhex(value ->> 0) AS id, value ->> 1 AS due_at, \
                 value ->> 2 AS dead_at, value ->> 3 AS attempts, value ->> 4 AS reason \
                 FROM json_each(?2)) AS v \
                 WHERE outbox.id = v.id AND outbox.lease_token = ?1 RETURNING id",
    first_time: "INSERT INTO inbox (id, received_at) SELECT unhex(value), ?1 FROM json_each(?2) \
                 WHERE true ON CONFLICT (id) DO NOTHING RETURNING id",
    requeue: "UPDATE outbox SET dead_at = NULL, attempts = 0, due_at = ?1, reason = NULL \
              WHERE dead_at IS NOT NULL AND id IN (SELECT unhex(value) FROM json_each(?2))",
    discard: "DELETE FROM outbox WHERE dead_at IS NOT NULL \
              AND id IN (SELECT unhex(value) FROM json_each(?1))",
};

/// A statement ready to be sent.
pub(crate) fn statement<const N: usize>(
    backend: DbBackend,
    text: &'static str,
    values: [Value; N],
) -> Statement {
    Statement::from_sql_and_values(backend, text, values)
}

/// Ids as one parameter.
pub(crate) fn ids(backend: DbBackend, ids: &[Uuid]) -> Value {
    if backend == DbBackend::Postgres {
        return ids.to_vec().into();
    }
    let mut json = String::with_capacity(ids.len() * 35 + 2);
    json.push('[');
    for (position, id) in ids.iter().enumerate() {
        let comma = if position == 0 { "" } else { "," };
        let _ = write!(json, "{comma}\"{}\"", id.simple());
    }
    json.push(']');
    json.into()
}

/// Texts as one parameter.
pub(crate) fn texts_value(backend: DbBackend, texts: Vec<String>) -> Value {
    if backend == DbBackend::Postgres {
        return texts.into();
    }
    serde_json::Value::from(texts).to_string().into()
}

/// The statement that says which of these pairs of destination and subject have rows left other than
/// those of the doubt's token from its oldest sequence on.
pub(crate) fn held(backend: DbBackend, pairs: &[(&Destination, &Doubt<'_>)]) -> Statement {
    let text = texts(backend).held;
    if backend == DbBackend::Postgres {
        let column = |of: fn(&(&Destination, &Doubt<'_>)) -> String| -> Value {
            pairs.iter().map(of).collect::<Vec<_>>().into()
        };
        let oldest: Vec<i64> = pairs.iter().map(|(_, doubt)| doubt.oldest).collect();
        let tokens: Vec<Uuid> = pairs.iter().map(|(_, doubt)| doubt.token).collect();
        let destinations = column(|(destination, _)| destination.as_str().to_owned());
        let subjects = column(|(_, doubt)| doubt.subject.to_owned());
        let values = [destinations, subjects, oldest.into(), tokens.into()];
        return statement(backend, text, values);
    }
    let rows: Vec<_> = pairs
        .iter()
        .map(|(destination, doubt)| {
            let token = doubt.token.simple().to_string();
            (destination.as_str(), doubt.subject, doubt.oldest, token)
        })
        .collect();
    statement(backend, text, [serde_json::json!(rows).to_string().into()])
}

/// What a row that was not delivered gets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reschedule {
    pub(crate) id: Uuid,
    pub(crate) due_at: i64,
    /// 0 where it stays open.
    pub(crate) dead_at: i64,
    pub(crate) attempts: i32,
    /// Empty where nothing is to be said; otherwise the name of a reason, which needs no escaping.
    pub(crate) reason: &'static str,
}

/// The statement that gives `rows` back, as far as `token` still holds them.
pub(crate) fn reschedule(backend: DbBackend, token: Uuid, rows: &[Reschedule]) -> Statement {
    let text = texts(backend).reschedule;
    if backend == DbBackend::Postgres {
        fn column<T>(rows: &[Reschedule], of: impl Fn(&Reschedule) -> T) -> Vec<T> {
            rows.iter().map(of).collect()
        }
        return statement(
            backend,
            text,
            [
                token.into(),
                column(rows, |row| row.id).into(),
                column(rows, |row| row.due_at).into(),
                column(rows, |row| row.dead_at).into(),
                column(rows, |row| row.attempts).into(),
                column(rows, |row| row.reason.to_owned()).into(),
            ],
        );
    }
    let mut json = String::from("[");
    for (position, row) in rows.iter().enumerate() {
        let comma = if position == 0 { "" } else { "," };
        let Reschedule {
            id,
            due_at,
            dead_at,
            attempts,
            reason,
        } = row;
        let _ = write!(
            json,
            "{comma}[\"{}\",{due_at},{dead_at},{attempts},\"{reason}\"]",
            id.simple()
        );
    }
    json.push(']');
    statement(backend, text, [token.into(), json.into()])
}

/// The ids in the first column of `rows`.
pub(crate) fn returned_ids<C: FromIterator<Uuid>>(rows: &[QueryResult]) -> Result<C> {
    rows.iter()
        .map(|row| row.try_get_by_index(0).db())
        .collect()
}

/// A count of rows as the limit or result type a caller needs; such counts are small.
pub(crate) fn small<T: TryFrom<N>, N>(count: N) -> Result<T>
where
    T::Error: std::error::Error + Send + Sync + 'static,
{
    T::try_from(count).map_err(|error| Error::internal(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_travel_as_one_json_parameter_on_sqlite() {
        let given = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let Value::String(Some(text)) = ids(DbBackend::Sqlite, &given) else {
            panic!()
        };
        assert_eq!(
            text,
            "[\"00000000000000000000000000000001\",\"00000000000000000000000000000002\"]"
        );
        let Value::String(Some(text)) = ids(DbBackend::Sqlite, &[]) else {
            panic!()
        };
        assert_eq!(text, "[]");
    }
}
