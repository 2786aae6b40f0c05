//! The service as a process of its own: signals and exit status.
//!
//! The test binary runs itself as the service: [`child`] is not a test.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};

use liaison_grpc::Probe;
use liaison_runtime::run_with;
use sea_orm_migration::MigratorTrait as _;

use crate::fixture::{Fixture, call};
use crate::sample::{CANARY, LITERAL, Migrator, Sample, Unaudited};

/// Arguments of the service, separated by line feeds. Set in children only.
const ARGUMENTS: &str = "SAMPLE_ARGUMENTS";

/// Set in children whose database has no audit.
pub(crate) const UNAUDITED: &str = "SAMPLE_UNAUDITED";

/// Where it is started by a test below, this is the service's process.
#[test]
fn child() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else {
        return;
    };
    let arguments = std::iter::once("liaison-sample").chain(arguments.lines());
    let arguments = arguments.map(OsString::from);
    let status = if std::env::var_os(UNAUDITED).is_some() {
        run_with::<Unaudited>(arguments, std::env::vars_os())
    } else {
        run_with::<Sample>(arguments, std::env::vars_os())
    };
    std::process::exit(status.into());
}

/// The service in `fixture` with `arguments`, and settings as variables.
pub(crate) fn command(fixture: &Fixture, arguments: &[&str], more: &[(&str, &str)]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "process::child",
        "--nocapture",
        "--test-threads=1",
    ]);
    command.env(ARGUMENTS, arguments.join("\n"));
    let values = fixture.values();
    let values = values
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()));
    for (key, value) in values.chain(more.iter().copied()) {
        let name = format!("LIAISON__{}", key.to_uppercase().replace('.', "__"));
        command.env(name, value);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs to the end: the exit status and what was written to standard output and standard error.
fn run(fixture: &Fixture, arguments: &[&str], more: &[(&str, &str)]) -> (i32, String, String) {
    finish(command(fixture, arguments, more))
}

/// As [`run`].
pub(crate) fn finish(mut command: Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// A running service.
pub(crate) struct Service {
    process: Child,
    log: BufReader<std::process::ChildStderr>,
    address: SocketAddr,
    health: SocketAddr,
}

impl Service {
    /// Starts it and waits until it says that it is ready.
    pub(crate) fn start(fixture: &Fixture, more: &[(&str, &str)]) -> Self {
        Self::spawn(command(fixture, &["serve"], more))
    }

    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut process = command.spawn().unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let line = until(&mut log, "sample is ready on ");
        let word = |key: &str| {
            let value = line.split(key).nth(1).unwrap();
            value.split_whitespace().next().unwrap().parse().unwrap()
        };
        let (address, health) = (word(" address="), word(" health_address="));
        Self {
            process,
            log,
            address,
            health,
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Reads the log until a line has `text`.
    fn logs(&mut self, text: &str) {
        self.until(text);
    }

    /// The same; answers what was logged up to and with that line.
    pub(crate) fn until(&mut self, text: &str) -> String {
        let (seen, line) = read_until(&mut self.log, text);
        seen + &line
    }

    fn wait(self) -> ExitStatus {
        self.rest().0
    }

    /// Waits, and gives what it wrote meanwhile to standard error and to standard output.
    pub(crate) fn rest(mut self) -> (ExitStatus, String, String) {
        // Read to the end, or the process would wait for a reader.
        let (mut log, mut output) = (String::new(), String::new());
        self.log.read_to_string(&mut log).unwrap();
        let stdout = self.process.stdout.as_mut().unwrap();
        stdout.read_to_string(&mut output).unwrap();
        (self.process.wait().unwrap(), log, output)
    }
}

fn until(log: &mut impl BufRead, text: &str) -> String {
    read_until(log, text).1
}

/// What was logged before the first line with `text`, and that line.
fn read_until(log: &mut impl BufRead, text: &str) -> (String, String) {
    let mut seen = String::new();
    loop {
        let mut line = String::new();
        assert_ne!(
            log.read_line(&mut line).unwrap(),
            0,
            "`{text}` was never logged:\n{seen}"
        );
        if line.contains(text) {
            return (seen, line);
        }
        seen.push_str(&line);
    }
}

#[test]
fn a_first_signal_stops_in_order() {
    let fixture = Fixture::new();
    for name in ["TERM", "INT"] {
        let service = Service::start(&fixture, &[]);
        service.signal(name);
        assert_eq!(service.wait().code(), Some(0), "{name}");
    }
}

#[tokio::test]
async fn a_second_signal_does_not_wait() {
    let fixture = Fixture::new();
    let mut service = Service::start(
        &fixture,
        &[
            ("sample.answer", "never"),
            ("shutdown.drain_delay", "5m"),
            ("shutdown.grace", "1h"),
        ],
    );
    let stuck = tokio::spawn(call(fixture.channel(service.address)));
    service.signal("TERM");
    service.logs("stopping: not ready any more");
    service.signal("INT");
    assert_eq!(service.wait().code(), Some(1));
    stuck.await.unwrap().unwrap_err();
}

#[test]
fn hanging_up_reloads_certificates() {
    let fixture = Fixture::new();
    let mut service = Service::start(&fixture, &[]);
    fixture.issue("service/sample");
    service.signal("HUP");
    service.logs("certificates were reloaded");
    service.signal("TERM");
    assert_eq!(service.wait().code(), Some(0));
}

#[test]
fn the_health_check_says_how_it_is_by_its_status() {
    let fixture = Fixture::new();
    let service = Service::start(&fixture, &[("sample.answer", "never")]);
    let listen = service.health.to_string();
    let here = [("server.health_listen", listen.as_str())];
    assert_eq!(run(&fixture, &["healthcheck"], &here).0, 0);
    assert_eq!(run(&fixture, &["healthcheck", "--alive"], &here).0, 0);
    service.signal("TERM");
    assert_eq!(service.wait().code(), Some(0));
    let (status, _, error) = run(&fixture, &["healthcheck", "--timeout", "1s"], &here);
    assert_eq!(status, 1);
    assert!(
        error.contains(&format!("liaison-sample: no answer from {listen}")),
        "{error}"
    );
}

#[tokio::test]
async fn the_health_check_fails_while_the_service_drains() {
    let fixture = Fixture::new();
    let mut service = Service::start(&fixture, &[("shutdown.drain_delay", "5m")]);
    service.signal("TERM");
    service.logs("stopping: not ready any more");
    let listen = service.health.to_string();
    let here = [("server.health_listen", listen.as_str())];
    assert_eq!(run(&fixture, &["healthcheck"], &here).0, 1);
    assert_eq!(run(&fixture, &["healthcheck", "--alive"], &here).0, 0);
    let asked = liaison_grpc::probe(
        service.health,
        "no.such.Service",
        std::time::Duration::from_secs(5),
    );
    assert_eq!(asked.await, Probe::NotServing);
    service.signal("TERM");
    assert_eq!(service.wait().code(), Some(1));
}

// The client's end of the connection has to go on while the service is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_tells_where_and_not_about_what() {
    let fixture = Fixture::new();
    for backtrace in ["0", "1"] {
        let mut command = command(
            &fixture,
            &["serve"],
            &[("sample.answer", "after two panics")],
        );
        command.env("RUST_BACKTRACE", backtrace);
        let service = Service::spawn(command);
        let channel = fixture.channel(service.address);
        for _ in 0..2 {
            let refused = call(channel.clone()).await.unwrap_err();
            assert_eq!(refused.code(), tonic::Code::Internal);
            assert!(!format!("{refused:?}").contains(CANARY));
        }
        // The service goes on, on the same connection.
        call(channel).await.unwrap();
        service.signal("TERM");
        let (status, log, output) = service.rest();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(!log.contains(CANARY) && !output.contains(CANARY), "{log}");
        let panics: Vec<_> = log
            .lines()
            .filter(|line| line.contains("thread sample panicked at "))
            .collect();
        assert_eq!(panics.len(), 2, "{log}");
        for (line, message) in panics.iter().zip(["message withheld", LITERAL]) {
            assert!(
                line.contains("ERROR sample liaison_runtime::panic"),
                "{line}"
            );
            assert!(line.contains("tests/it/sample.rs:"), "{line}");
            assert!(line.contains(message), "{line}");
            assert_eq!(line.contains("panic_twice"), backtrace == "1", "{line}");
        }
    }
}

#[test]
fn a_panic_before_there_is_a_log_tells_no_more() {
    let fixture = Fixture::new();
    let more = [("sample.answer", "panic of the settings")];
    let output = command(&fixture, &["serve"], &more)
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    assert!(
        !error.contains(CANARY) && !output.contains(CANARY),
        "{error}"
    );
    let [line] = error.lines().collect::<Vec<_>>()[..] else {
        panic!("one line:\n{error}");
    };
    assert!(line.contains(" panicked at "), "{line}");
    assert!(line.contains("tests/it/sample.rs:"), "{line}");
    assert!(
        line.ends_with("message withheld: it may hold content of a case"),
        "{line}"
    );
}

#[test]
fn migrating_is_a_step_of_its_own() {
    let fixture = Fixture::new();
    let by_hand = [("database.migrate_on_start", "false")];
    let (status, _, error) = run(&fixture, &["serve"], &by_hand);
    assert_eq!(status, 1);
    let pending = format!("{} migrations are pending", Migrator::migrations().len());
    assert!(error.contains(&pending), "{error}");
    let (status, output, _) = run(&fixture, &["migrate", "--check"], &by_hand);
    assert_eq!(status, 1);
    assert!(output.contains("pending m0001_first"), "{output}");
    let (status, output, error) = run(&fixture, &["migrate"], &by_hand);
    assert_eq!(status, 0, "{error}");
    assert!(output.contains("applied m0001_first"), "{output}");
    let (status, output, _) = run(&fixture, &["migrate"], &by_hand);
    assert_eq!(status, 0);
    assert!(output.contains("nothing is pending"), "{output}");
    assert_eq!(run(&fixture, &["migrate", "--check"], &by_hand).0, 0);
    let service = Service::start(&fixture, &by_hand);
    service.signal("TERM");
    assert_eq!(service.wait().code(), Some(0));
}

#[test]
fn wrong_usage_and_wrong_settings_have_their_own_status() {
    let fixture = Fixture::new();
    let (status, _, error) = run(&fixture, &["swerve"], &[]);
    assert_eq!(status, 2);
    assert!(error.contains("swerve"), "{error}");
    let (status, _, error) = run(
        &fixture,
        &[],
        &[("database.urll", "x"), ("relay.batch", "0")],
    );
    assert_eq!(status, 2);
    assert!(
        error.contains("liaison-sample: the settings are wrong:"),
        "{error}"
    );
    assert!(error.contains("unknown field `urll`"), "{error}");

    let (status, output, _) = run(&fixture, &["--help"], &[]);
    assert_eq!(status, 0);
    for word in [
        "Answers one method",
        "serve",
        "migrate",
        "healthcheck",
        "dead-letters",
        "keys",
        "--config",
        "LIAISON__",
    ] {
        assert!(output.contains(word), "{word} is missing from\n{output}");
    }
    let (status, output, _) = run(&fixture, &["--version"], &[]);
    assert_eq!(status, 0);
    assert!(output.contains("liaison-sample 1.2.3"), "{output}");
    let (status, output, _) = run(&fixture, &["settings"], &[]);
    assert_eq!(status, 0);
    assert!(
        output.contains("[server.limits]") && output.contains("[sample]"),
        "{output}"
    );
}

#[test]
fn a_file_is_read_where_it_is_given() {
    let fixture = Fixture::new();
    let path = fixture.path().join("extra.toml");
    std::fs::write(
        &path,
        "[telemetry]\nlog_format = 'json'\n[sample]\nanswer = 'not built'",
    )
    .unwrap();
    let (status, _, error) = run(&fixture, &["--config", path.to_str().unwrap()], &[]);
    assert_eq!(status, 1);
    assert!(
        error.contains(r#""message":"sample cannot go on""#),
        "{error}"
    );
}

/// The collector must hear of a start that failed: it is the one that will be looked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn telemetry_is_flushed_when_the_start_fails() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken_address = taken.local_addr().unwrap().to_string();
    for (key, value, why) in [
        ("sample.answer", "not built", "on purpose"),
        ("server.listen", taken_address.as_str(), "cannot listen on"),
        (
            "server.health_listen",
            taken_address.as_str(),
            "cannot listen on",
        ),
    ] {
        let (receiver, collector) = crate::receiver::Receiver::listen().await;
        let endpoint = format!("http://{collector}");
        let (key, value) = (key.to_owned(), value.to_owned());
        let ended = tokio::task::spawn_blocking(move || {
            let more = [
                (key.as_str(), value.as_str()),
                ("telemetry.endpoint", endpoint.as_str()),
            ];
            run(&Fixture::new(), &["serve"], &more)
        });
        let (status, _, error) = ended.await.unwrap();
        assert_eq!(status, 1, "{error}");
        assert!(error.contains(why), "{error}");
        let spans = receiver.spans();
        assert!(spans.contains(&"start".to_owned()), "{why}: {spans:?}");
    }
}

#[test]
fn a_service_has_commands_of_its_own() {
    let fixture = Fixture::new();
    let (status, output, _) = run(&fixture, &["--help"], &[]);
    assert_eq!(status, 0);
    assert!(
        output.contains("look-up") && output.contains("dead-letters"),
        "{output}"
    );
    let colours = [("sample.colours", "red,blue")];
    let (status, output, error) = run(&fixture, &["look-up", "colours"], &colours);
    assert_eq!(status, 0, "{error}");
    assert!(output.contains("red blue"), "{output}");

    // The settings file is the one named, on whichever side of the command.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "[sample]\ncolours = [\"green\"]\n").unwrap();
    let config = ["--config", file.path().to_str().unwrap()];
    for arguments in [
        [config[0], config[1], "look-up", "colours"],
        ["look-up", "colours", config[0], config[1]],
    ] {
        let (status, output, error) = run(&fixture, &arguments, &[]);
        assert_eq!(status, 0, "{error}");
        assert!(output.contains("green"), "{output}");
    }

    // What its user got wrong is said to them, what went wrong is logged.
    let (status, _, error) = run(&fixture, &["look-up", "size"], &[]);
    assert_eq!(status, 1);
    assert!(
        error.contains("liaison-sample: there is no such column"),
        "{error}"
    );
    let (status, _, error) = run(&fixture, &["look-up", "fault"], &[]);
    assert_eq!(status, 1);
    assert!(
        error.contains("on purpose") && error.contains("ERROR"),
        "{error}"
    );
    assert_eq!(run(&fixture, &["look-up"], &[]).0, 2);

    // The schema is looked at first.
    let by_hand = [("database.migrate_on_start", "false")];
    let (status, _, error) = run(&fixture, &["look-up", "audit"], &by_hand);
    assert_eq!(status, 1);
    assert!(error.contains("migrations are pending"), "{error}");
    assert_eq!(run(&fixture, &["migrate"], &by_hand).0, 0);
    let (status, output, error) = run(&fixture, &["look-up", "audit"], &by_hand);
    assert_eq!(status, 0, "{error}");
    assert!(output.trim_end().ends_with(" 0"), "{output}");
}
