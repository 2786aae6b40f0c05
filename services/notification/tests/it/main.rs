//! The notification service behind its real stack, on both databases.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod audience;
mod cursors;
mod fixture;
mod intake_of_events;
mod positions;
mod streams;
