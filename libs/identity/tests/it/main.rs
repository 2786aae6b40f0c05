//! Handshakes over real sockets, with certificates from a real authority and a clock that stands.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may fail as loudly as tests"
)]

mod files;
mod handshake;
mod names;
mod refused;
mod reload;
mod resumption;
mod rotation;
mod world;
