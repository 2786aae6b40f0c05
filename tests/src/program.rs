//! Finding the programs under test, and running those that end by themselves.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The environment variable that names the folder of the programs.
const FOLDER: &str = "LIAISON_TEST_BINARIES";

/// The program `name`, for example `liaison-intake`: in the folder that `LIAISON_TEST_BINARIES`
/// names, else beside this test's own.
///
/// # Panics
/// Where it was not built.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    let path = match std::env::var_os(FOLDER) {
        Some(folder) => PathBuf::from(folder),
        // target/<profile>/deps/<test> or target/<profile>/<program>.
        None => std::env::current_exe()
            .expect("a running program has a path")
            .parent()
            .map(|folder| {
                if folder.ends_with("deps") {
                    folder.join("..")
                } else {
                    folder.into()
                }
            })
            .expect("a program is in a folder"),
    }
    .join(name);
    assert!(
        path.is_file(),
        "{} is missing: run the test with tests/run, or cargo build --workspace first",
        path.display()
    );
    path
}

/// The program `name` without any setting of the developer's own instance in its environment.
#[must_use]
pub fn command(name: &str) -> Command {
    let mut command = Command::new(path(name));
    for (key, _) in std::env::vars_os() {
        if key.to_string_lossy().starts_with("LIAISON_") {
            command.env_remove(key);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// Runs `liaison` with `arguments` to its end.
///
/// # Panics
/// Where it cannot be started.
pub fn liaison(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
    command("liaison")
        .args(arguments)
        .output()
        .expect("the program can be started")
}

/// The root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .expect("this crate is in a folder of the repository")
        .into()
}
