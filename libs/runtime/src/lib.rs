//! What every service's process does the same way: settings, start, health, stop.
//!
//! * [`run`] is the whole of a service's `main`: `serve` (the default), `migrate`, `healthcheck`,
//!   `dead-letters`, `keys`, `settings`.
//! * [`start()`] starts a service on the current runtime, for tests; [`Hosted`] starts it on a
//!   runtime of its own, for several services in one process.
//! * A service implements [`Service`]; [`Context`] is what it is built from.
//! * [`settings`] are layered and validated as a whole; [`Lifecycle`] is how a service ends.
//! * [`commands`] is what commands of a service's own are made with; see [`Service::commands`].
//! * [`record_decision`] is how a decision of policy stands in every service's audit.
//! * [`redact_panics`] keeps what a panic was working on out of the log; [`run`] sees to it.

mod allocator;
mod audit;
mod certificates;
mod cli;
pub mod commands;
mod dead_letters;
mod healthcheck;
mod host;
mod key_commands;
mod keys;
mod lifecycle;
mod listeners;
mod panic;
mod readiness;
mod run;
mod service;
pub mod settings;
mod signals;
mod start;
mod table;
pub mod unprotected;

pub use audit::{record_decision, recorded_decision};
pub use host::Hosted;
pub use keys::{Keys, Signer, create_missing, public_key};
pub use lifecycle::{Lifecycle, Outcome};
pub use listeners::Listeners;
pub use panic::redact_panics;
pub use readiness::Latch;
pub use run::{run, run_with};
pub use service::{Ambient, App, Context, Service, Task};
pub use settings::{
    KeySettings, Loader, PolicySettings, Problems, Secret, Section, Settings, ShutdownSettings,
};
pub use signals::{Signal, Signals};
pub use start::{Running, start};
