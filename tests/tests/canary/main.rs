//! A word planted in every text that people write is in no table, index, file, log, trace, measurement,
//! event, notification or refusal.
//!
//! Referrals full of such words, in each of the four languages, go from their submission to their end
//! through services in processes of their own, which log more than they usually do and send telemetry to a
//! collector within the test. Then everything that is left is searched, in every form that [`Needles`]
//! knows. [`kept`] lists what is kept by definition, where, and why.
//!
//! [`Needles`]: e2e::canary::Needles

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dump;
mod events;
mod filled;
mod kept;
mod nowhere;
