//! The process of the intake service.

use std::process::ExitCode;

fn main() -> ExitCode {
    liaison_runtime::run::<liaison_intake::Intake>()
}
