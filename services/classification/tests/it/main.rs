//! The classification service on both databases, with a fake intake behind real mutual TLS.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may fail as loudly as tests"
)]

mod arrivals;
mod correcting;
mod corrections;
mod deciding;
mod desk;
mod drift;
mod kit;
mod labels;
mod opening;
mod purge;
mod recompute;
mod refusing;
mod returns;
mod rule_sets;
mod sealed;
mod stack;
mod urgency;
mod words;
