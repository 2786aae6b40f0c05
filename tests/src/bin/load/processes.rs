//! The binaries under measurement as child processes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use liaison_runtime::unprotected;

use crate::{Result, world};

/// How long a process may take to be ready.
const READY: Duration = Duration::from_secs(30);

/// A child that is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
}

/// A free port of this machine, as an address.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// The cargo feature of a build without protection.
const UNPROTECTED: &str = "unprotected";

/// Which build of a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Build {
    /// The one that everybody uses.
    Usual,
    /// The one that neither seals nor proves custody. It lies in a target folder of its own, so that no
    /// program is ever replaced by one of these.
    Unprotected,
}

/// Builds the binaries as this program was, in release or not, so that what is measured is what the
/// tree says.
pub(crate) fn build(packages: &[&str], build: Build) -> Result<()> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(world::root()).args(["build", "--quiet"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    for package in packages {
        cargo.args(["-p", package]);
    }
    if build == Build::Unprotected {
        cargo.args(["--features", UNPROTECTED]);
        cargo.arg("--target-dir").arg(unprotected_target()?);
    }
    if !cargo.status()?.success() {
        return Err("the binaries cannot be built".into());
    }
    Ok(())
}

/// Beside the folder that this program lies in, which has the name of its profile.
fn unprotected_target() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2);
    let target = target.ok_or("this program lies in no target folder")?;
    Ok(target.join(UNPROTECTED))
}

fn binary(name: &str, build: Build) -> Result<PathBuf> {
    // This program lies in the same folder, or in the one of the same name.
    let beside = std::env::current_exe()?;
    let path = match build {
        Build::Usual => beside.with_file_name(name),
        Build::Unprotected => {
            let profile = beside.parent().and_then(Path::file_name);
            let profile = profile.ok_or("this program lies in no folder")?;
            unprotected_target()?.join(profile).join(name)
        }
    };
    if !path.exists() {
        return Err(format!("{} does not exist", path.display()).into());
    }
    // Nothing is measured under another name than its own.
    let told = Command::new(&path).arg("--version").output()?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    if told.contains(unprotected::MARK) != (build == Build::Unprotected) {
        return Err(format!("{} is another build: {told}", path.display()).into());
    }
    Ok(path)
}

impl Process {
    /// Starts `program` (a binary of the workspace) with `arguments` and `environment`.
    pub(crate) fn start(
        program: &str,
        arguments: &[&str],
        environment: &BTreeMap<String, String>,
    ) -> Result<Self> {
        Self::start_build(Build::Usual, program, arguments, environment)
    }

    /// Starts this build of `program`.
    pub(crate) fn start_build(
        build: Build,
        program: &str,
        arguments: &[&str],
        environment: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let mut command = Command::new(binary(program, build)?);
        if build == Build::Unprotected {
            command.env(unprotected::VARIABLE, unprotected::ADMISSION);
        }
        let child = command
            .args(arguments)
            .env_remove("RUST_LOG")
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Self {
            name: program.to_owned(),
            child,
        })
    }

    /// Waits until something listens at `address`, which every program does only once it is ready to
    /// be asked.
    pub(crate) fn wait_for(&mut self, address: SocketAddr) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < READY {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("{} ended: {status}", self.name).into());
            }
            if std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(format!("{} was not ready in time", self.name).into())
    }

    /// Name and peak resident memory in MiB.
    pub(crate) fn rss(&self) -> (String, f64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let kib = status.ok().and_then(|text| {
            let line = text
                .lines()
                .find(|line| line.starts_with("VmHWM:"))?
                .to_owned();
            line.split_whitespace().nth(1)?.parse::<f64>().ok()
        });
        (self.name.clone(), kib.unwrap_or_default() / 1024.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
