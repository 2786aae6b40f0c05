//! What the API promises to those who build on it, and the shape of the workspace it is built from.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dependencies;
mod golden;
mod schema;
