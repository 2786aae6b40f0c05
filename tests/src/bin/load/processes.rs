//! The binaries under measurement as child processes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

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

/// Builds the binaries as this program was, in release or not, so that what is measured is what the
/// tree says.
pub(crate) fn build(packages: &[&str]) -> Result<()> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(world::root()).args(["build", "--quiet"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    for package in packages {
        cargo.args(["-p", package]);
    }
    if !cargo.status()?.success() {
        return Err("the binaries cannot be built".into());
    }
    Ok(())
}

fn binary(name: &str) -> Result<PathBuf> {
    // This program lies in the same folder.
    let path = std::env::current_exe()?.with_file_name(name);
    if path.exists() {
        Ok(path)
    } else {
        Err(format!("{} does not exist", path.display()).into())
    }
}

impl Process {
    /// Starts `program` (a binary of the workspace) with `arguments` and `environment`.
    pub(crate) fn start(
        program: &str,
        arguments: &[&str],
        environment: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let child = Command::new(binary(program)?)
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
