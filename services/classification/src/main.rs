//! The classification service's process.

use std::process::ExitCode;

fn main() -> ExitCode {
    liaison_runtime::run::<liaison_classification::Classification>()
}
