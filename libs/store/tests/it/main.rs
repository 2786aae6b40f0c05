//! The store on SQLite and on PostgreSQL.
//!
//! `LIAISON_TEST_POSTGRES_URL` names a PostgreSQL server whose role may create databases and roles,
//! for example `postgres://postgres@127.0.0.1:5432/postgres`. Each test gets a database of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod audit;
mod batch;
mod bulk;
mod connect;
mod migrate;
mod sealed;
mod seals;
mod support;
mod thing;
mod tx;
