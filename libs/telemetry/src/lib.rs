//! Logs, traces and metrics of one service, and trace context across every hop.
//!
//! [`Telemetry::build`] makes a `tracing` dispatch that writes log lines to standard error and,
//! where a collector is configured, sends spans and metrics there over OTLP. Where none is
//! configured nothing of OpenTelemetry is set up: spans are switched off at their call sites,
//! [`Instruments`] records into nothing and [`propagation`] returns at once.
//!
//! Log lines carry no span fields: a line must be readable alone. Where a collector is configured
//! each line carries the trace and span id, so that the trace is one search away.
//!
//! Four services may live in one process: each runs on its own runtime whose threads carry its
//! own dispatch ([`Telemetry::on_thread`]). A service that has the process for itself installs
//! its dispatch globally ([`Telemetry::install_global`]).

mod export;
mod format;
mod instruments;
pub mod propagation;
mod settings;
mod telemetry;

pub use instruments::{Counter, InFlight, Instruments, Side};
pub use settings::{LogFormat, SettingProblem, TelemetrySettings};
pub use telemetry::{Telemetry, TelemetryError};
