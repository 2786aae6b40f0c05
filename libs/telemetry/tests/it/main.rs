//! Telemetry against a real OTLP receiver on a real socket.

#![expect(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod export;
mod receiver;
mod without_collector;
