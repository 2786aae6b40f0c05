//! The classification service on both databases, with a fake intake behind real mutual TLS.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may fail as loudly as tests"
)]

mod arrivals;
mod deciding;
mod desk;
mod kit;
mod purge;
mod returns;
mod sealed;
mod stack;
mod words;
