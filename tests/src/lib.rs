//! What the end-to-end tests share. They run the programs as people run them: as processes, over
//! mutual TLS, on SQLite files or PostgreSQL databases of their own.
//!
//! * [`Suite`] starts all four services, in one process or in four, and ends them with it.
//! * [`Databases`] is the way behind the services, up to what an owner of the tables can do.
//! * [`Client`] is a party's way to the services.
//! * [`dossier`] makes dossiers; [`unit`] does a unit's work; [`history`] checks what is left.
//! * [`canary`] plants words in everything that people write and finds them; [`Collector`] keeps telemetry.
//! * [`raw`] sends bytes that no generated client would send.
//! * [`both_backends!`] runs a test on SQLite and on PostgreSQL.
//!
//! The programs must have been built before: `tests/run` does that, or `cargo build --workspace`.

mod addresses;
pub mod canary;
mod client;
pub mod collector;
mod database;
pub mod dossier;
pub mod history;
mod owner;
mod process;
pub mod program;
pub mod raw;
pub mod refusal;
mod suite;
pub mod unit;

pub use addresses::{Addresses, SERVICES};
pub use client::{Client, request_id};
pub use collector::Collector;
pub use database::Databases;
pub use liaison_testkit::backend::{Backend, run};
pub use liaison_testkit::{both_backends, eventually};
pub use process::Process;
pub use suite::{Layout, Suite};

use std::time::Duration;

/// What takes longer than this has gone wrong. Long, because machines that test are busy.
pub const PATIENCE: Duration = Duration::from_secs(60);
