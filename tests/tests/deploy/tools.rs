//! The foreign programs that check the files.

use std::path::PathBuf;
use std::process::Command;

/// The top folder of the repository.
pub fn root() -> PathBuf {
    e2e::program::repository()
}

/// A file of the repository.
pub fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What `program` printed, all of it. It must be on PATH (`tests/run deploy` installs it) and succeed.
pub fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap_or_else(|error| {
            panic!("{program}: {error}; `tests/run deploy` installs what is missing")
        });
    let mut printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{program} {arguments:?} failed:\n{printed}{complaint}"
    );
    // Standard output alone where something was printed there: warnings would not be part of a rendered manifest.
    if printed.is_empty() {
        printed = complaint.into_owned();
    }
    printed
}
