//! The rule set of this build against what was written down, and the engine against its laws.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod examples;
mod laws;
mod loading;
mod story;
