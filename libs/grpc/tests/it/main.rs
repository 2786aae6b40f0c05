//! The stacks over real sockets and real mutual TLS.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may fail as loudly as tests"
)]

mod api;
mod client;
mod kit;
mod observe;
mod overload;
mod quotas;
mod refusals;
mod renewal;
mod serving;
