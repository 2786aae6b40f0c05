//! Need-to-know and its side channels: what a party may not see shows nowhere.
//!
//! [`matrix`] asks every method of the schema as every kind of party about subjects in every state, over
//! mutual TLS, and compares whole answers: the cells of its tables are what each party may do, and whatever
//! a party is not to know answers byte for byte like what does not exist. The other modules look at what
//! more than one call could give away: lists and their tokens, repeated requests, references, notifications,
//! and what the processes write into logs, traces and measurements.
//!
//! How long an answer takes is no part of this.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answer;
mod bodies;
mod lists;
mod matrix;
mod notifications;
mod requests;
mod table;
mod telemetry;
mod world;
