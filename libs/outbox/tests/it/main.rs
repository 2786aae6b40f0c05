//! The hop, on both databases.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

mod crowd;
mod dead;
mod handover;
mod hop;
mod order;
mod run;
mod simulation;
mod support;
