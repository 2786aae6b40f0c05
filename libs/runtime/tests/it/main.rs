//! A service's process, from its settings to its end.

#![expect(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod audit;
mod certificates;
mod dead_letters;
mod fixture;
mod hosting;
mod key_commands;
mod process;
mod readiness;
mod receiver;
mod sample;
mod settings;
mod simulate;
mod stopping;
