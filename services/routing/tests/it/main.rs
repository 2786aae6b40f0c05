//! The routing service on SQLite and on PostgreSQL: its operations through the generated clients and
//! the whole server stack, and once as a process would run it, over mutual TLS.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answer;
mod classified;
mod clearances;
mod hidden;
mod indirect_access;
mod lease;
mod list;
mod pull;
mod purge;
mod sealed;
mod served;
mod storm;
mod task;
mod world;
