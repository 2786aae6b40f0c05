//! What integration tests share. A dev-dependency, never part of a program.
//!
//! * [`both_backends!`] runs a test on SQLite and on PostgreSQL, by default each with a database of its
//!   own ([`database::TestDatabase`]).
//! * [`environment::Environment`] holds a clock that stands still and a seeded random source.
//! * [`eventually()`] waits for what happens elsewhere, within a bound.
//! * [`certificates::Certificates`] is an authority in a temporary folder.
//! * [`changes_in_place()`] expects that a change writes no index.
//! * [`fault::Faulty`] loses, repeats, delays and refuses deliveries.
//!
//! Use it from `tests/`, not from `#[cfg(test)]` modules of the crates it is built on: there, types
//! of the same name would come from two builds of one crate.

pub mod backend;
pub mod certificates;
pub mod database;
pub mod environment;
mod eventually;
pub mod fault;
mod in_place;

pub use eventually::{Answer, eventually};
pub use in_place::changes_in_place;
