//! The compose file, played without containers: the same commands with the same variables, in the same order, as
//! processes on this machine, over a PostgreSQL that its own script set up. What containers add (file systems,
//! networks, users) is left out; that every name and address fits together is what this proves.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use e2e::program;
use serde_json::Value;
use tempfile::TempDir;
use url::Url;

use super::code::{self, SERVICES};
use super::compose;
use super::manifests::string;
use super::tools::root;

/// Everything is ready within this time, or something waits for what never comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// What containers would have: volumes, names, addresses.
struct Stage {
    file: Value,
    volume: TempDir,
    database: Url,
    /// A text of the compose file, and what stands for it here.
    stand_ins: Vec<(String, String)>,
}

impl Stage {
    fn new() -> Self {
        let database = std::env::var("LIAISON_TEST_POSTGRES_URL")
            .unwrap_or_else(|_| panic!("no PostgreSQL: run this with `tests/run deploy`"));
        let database = Url::parse(&database).unwrap();
        let volume = tempfile::tempdir().unwrap();
        let mut stand_ins = vec![
            (
                "/var/lib/liaison".to_owned(),
                volume.path().to_str().unwrap().to_owned(),
            ),
            (
                "@postgres:5432".to_owned(),
                format!(
                    "@{}:{}",
                    database.host_str().unwrap(),
                    database.port().unwrap()
                ),
            ),
            // Nobody listens there: a collector that is away must not matter.
            (
                "http://collector:4317".to_owned(),
                format!("http://{}", free_address()),
            ),
        ];
        for code in code::services() {
            let (main, health) = (free_address(), free_address());
            let defaults = code.defaults();
            stand_ins.push((format!("0.0.0.0:{}", defaults.listen.port()), main.clone()));
            stand_ins.push((
                format!("127.0.0.1:{}", defaults.health_listen.port()),
                health,
            ));
            stand_ins.push((format!("{}:{}", code.name, defaults.listen.port()), main));
        }
        Self {
            file: compose::read(),
            volume,
            database,
            stand_ins,
        }
    }

    fn played(&self, text: &str) -> String {
        self.stand_ins
            .iter()
            .fold(text.to_owned(), |text, (there, here)| {
                text.replace(there, here)
            })
    }

    /// The program of a container, with its variables.
    fn program(&self, name: &str) -> Command {
        let image = string(&self.file["services"][name]["image"]);
        let program = match image
            .trim_start_matches("liaison/")
            .split(':')
            .next()
            .unwrap()
        {
            "liaison" => "liaison".to_owned(),
            service => format!("liaison-{service}"),
        };
        let mut command = program::command(&program);
        command.current_dir(self.volume.path());
        for (name, value) in compose::container(&self.file, name).variables {
            command.env(name, self.played(&value));
        }
        command
    }

    /// The same with the command that the container runs.
    fn command(&self, name: &str) -> Command {
        let mut command = self.program(name);
        for word in compose::container(&self.file, name).command {
            command.arg(self.played(&word));
        }
        command
    }

    /// What the PostgreSQL image does at its first start.
    fn set_up_database(&self) {
        let password = self.database.password().unwrap_or_default();
        let server = [
            ("POSTGRES_USER", self.database.username().to_owned()),
            ("PGHOST", self.database.host_str().unwrap().to_owned()),
            ("PGPORT", self.database.port().unwrap().to_string()),
            ("PGUSER", self.database.username().to_owned()),
            ("PGPASSWORD", password.to_owned()),
        ];
        // What an earlier run that was cut off left behind.
        for name in SERVICES {
            for statement in [
                format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
                format!("DROP ROLE IF EXISTS {name}, {name}_owner"),
            ] {
                let mut psql = Command::new("psql");
                psql.args([
                    "--no-psqlrc",
                    "--quiet",
                    "--dbname=postgres",
                    "--command",
                    &statement,
                ]);
                succeed(psql.envs(server.clone()));
            }
        }
        let passwords = self.file["services"]["postgres"]["environment"]
            .as_object()
            .unwrap();
        let mut script = Command::new(compose::init_script(&self.file));
        script.envs(passwords.iter().map(|(name, value)| (name, string(value))));
        succeed(script.envs(server));
    }
}

/// An address that nobody listens at just now.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string()
}

fn succeed(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{:?} failed:\n{}{complaint}",
        command.get_program(),
        String::from_utf8_lossy(&output.stdout),
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Running services, ended with the test however it goes.
struct Running(BTreeMap<&'static str, Child>);

impl Drop for Running {
    fn drop(&mut self) {
        for child in self.0.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn the_composed_suite_starts_takes_a_referral_and_stops() {
    let stage = Stage::new();
    stage.set_up_database();
    for name in ["certs", "party-certs", "keys"] {
        succeed(&mut stage.command(name));
    }
    for name in SERVICES {
        succeed(&mut stage.command(&format!("{name}-migrate")));
    }

    let mut running = Running(BTreeMap::new());
    for name in SERVICES {
        let log = std::fs::File::create(stage.volume.path().join(format!("{name}.log"))).unwrap();
        let mut command = stage.command(name);
        running.0.insert(name, command.stderr(log).spawn().unwrap());
    }
    let begun = Instant::now();
    for name in SERVICES {
        // The container's own check, with the container's own variables.
        let check = || {
            let mut check = stage.program(name);
            check.arg("healthcheck").stderr(Stdio::null());
            check.status().unwrap().success()
        };
        while !check() {
            let ended = running.0.get_mut(name).unwrap().try_wait().unwrap();
            let waits = ended.is_none() && begun.elapsed() < PATIENCE;
            assert!(
                waits,
                "{name} is not ready:\n{}",
                log(stage.volume.path(), name)
            );
        }
    }

    let sample = root().join("tests/samples/05-contenedores.yaml");
    let mut submit = stage.command("cli");
    submit
        .args([
            "--output",
            "json",
            "submit",
            "--wait",
            "--as",
            "bureau/NB-ES",
        ])
        .arg(sample);
    let answer: Value = serde_json::from_str(&succeed(&mut submit)).unwrap();
    assert_eq!(
        answer["referral"]["state"], "REFERRAL_STATE_ROUTED",
        "{answer}"
    );

    // What was sealed while it ran is what the auditor finds, with the keys and the certificate that were made.
    let begun = Instant::now();
    loop {
        let mut verify = stage.command("cli");
        verify.args(["--output", "json", "audit", "verify"]);
        let answer: Value = serde_json::from_str(&succeed(&mut verify)).unwrap();
        assert_eq!(answer["sound"], true, "{answer}");
        let services = answer["services"].as_array().unwrap();
        let intake = services.iter().find(|one| one["service"] == "intake");
        if intake.unwrap()["signed_through"].as_i64() >= Some(1) {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "nothing is sealed: {answer}");
    }
    // Keys are made once.
    let again = succeed(stage.command("keys").args(["--output", "json"]));
    let again: Value = serde_json::from_str(&again).unwrap();
    for made in again["keys"].as_array().unwrap() {
        assert_eq!(made["new"], false, "{made}");
    }

    for child in running.0.values() {
        succeed(Command::new("kill").args(["-TERM", &child.id().to_string()]));
    }
    for (name, child) in &mut running.0 {
        let status = child.wait().unwrap();
        assert!(
            status.success(),
            "{name} ended with {status}:\n{}",
            log(stage.volume.path(), name)
        );
    }
}

fn log(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(format!("{name}.log"))).unwrap_or_default()
}
