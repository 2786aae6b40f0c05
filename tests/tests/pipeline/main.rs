//! The main job, end to end, through all four services: what must happen, and what must not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod command_line;
mod correcting;
mod declining;
mod indirect_access;
mod job;
mod leases;
mod malformed;
mod paging;
mod parties;
mod policy;
mod refusing;
mod review;
mod rule_sets;
mod settings;
mod submitting;
mod triage;
