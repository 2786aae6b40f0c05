//! The routing service's process.

use std::process::ExitCode;

fn main() -> ExitCode {
    liaison_runtime::run::<liaison_routing::Routing>()
}
