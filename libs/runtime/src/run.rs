//! The process of one service.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use liaison_telemetry::Telemetry;
use liaison_types::{Error, ErrorKind, Reason, Result};
use tokio::runtime::{Builder, Runtime};

use crate::cli::{Asked, Cli, Command};
use crate::lifecycle::{Lifecycle, Outcome};
use crate::panic::redact_panics;
use crate::service::{Ambient, Service, Task};
use crate::settings::{Loader, SHARED_DEFAULTS, Settings};
use crate::signals::{Signal, Signals};
use crate::{dead_letters, healthcheck, key_commands, start};

const FAILURE: u8 = 1;
const USAGE: u8 = 2;

/// Blocking work that is still running when everything else has ended gets this long.
const LEAVE_BEHIND: Duration = Duration::from_secs(2);

/// Runs the binary of the service `S`: reads the command line, the settings and the environment,
/// does what was asked and says how it went. The whole of a service's `main`.
#[must_use]
pub fn run<S: Service>() -> ExitCode {
    ExitCode::from(run_with::<S>(std::env::args_os(), std::env::vars_os()))
}

/// Like [`run`], with the command line and the environment given; answers the exit status.
///
/// It takes the process: the telemetry becomes the global one, signals are listened to and panics are
/// told without what they were working on.
pub fn run_with<S: Service>(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> u8 {
    redact_panics();
    let (asked, config) = match Cli::parse::<S>(arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version come this way too, for standard output. There is nobody left to
            // tell where it cannot be written.
            let _ = error.print();
            return if error.use_stderr() { USAGE } else { 0 };
        }
    };
    if asked.is(&Command::Settings) {
        say(&format!("{SHARED_DEFAULTS}\n{}", S::DEFAULTS));
        return 0;
    }
    let loader = Loader::new(S::DEFAULTS)
        .file(config.as_deref())
        .environment(environment);
    let settings = match loader.load::<S::Settings>() {
        Ok(settings) => settings,
        Err(problems) => {
            complain::<S>(&problems.to_string());
            return USAGE;
        }
    };
    if let Asked::Shared(Command::Healthcheck { alive, timeout }) = asked {
        let service = if alive { "" } else { S::GRPC_NAME };
        let check = healthcheck::check(settings.server.health_listen, service, timeout);
        return match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => match runtime.block_on(check) {
                Ok(()) => 0,
                Err(error) => fail::<S>(&error),
            },
            Err(error) => fail::<S>(&Error::internal(error)),
        };
    }
    // Said here as the rest of the settings is; what starts looks again.
    if asked.is(&Command::Serve)
        && let Err(problems) = settings.policy.load()
    {
        complain::<S>(&problems.to_string());
        return USAGE;
    }
    let (telemetry, runtime) = match prepare::<S>(&settings) {
        Ok(prepared) => prepared,
        Err(text) => {
            complain::<S>(&text);
            return FAILURE;
        }
    };
    let code = runtime.block_on(async {
        let done = dispatch::<S>(settings, asked, &telemetry).await;
        let code = done.unwrap_or_else(|error| {
            tracing::error!(
                reason = error.reason().as_str(),
                error = error.chain(),
                "{} cannot go on",
                S::NAME
            );
            FAILURE
        });
        // Also after a start that failed: that trace is the one that will be looked for.
        telemetry.shutdown().await;
        code
    });
    runtime.shutdown_timeout(LEAVE_BEHIND);
    code
}

/// Does what was asked for, with the telemetry in place, and answers the exit status.
async fn dispatch<S: Service>(
    settings: Settings<S::Settings>,
    asked: Asked,
    telemetry: &Telemetry,
) -> Result<u8> {
    let ambient = Ambient::default();
    match asked {
        Asked::Shared(Command::Migrate { check }) => migrate::<S>(&settings, check).await,
        Asked::Shared(Command::DeadLetters(asked)) => {
            match dead_letters::run::<S>(&settings.database, &asked, &ambient).await {
                // The operator's own slip: for the operator to read, whatever is logged.
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(fail::<S>(&error)),
                done => done.map(|()| 0),
            }
        }
        Asked::Shared(Command::Keys(asked)) => {
            match key_commands::run::<S>(&settings, &asked, &ambient).await {
                // A folder or a file that is not as it should be: for the operator as well.
                Err(error) if error.reason() == Reason::SettingInvalid => Ok(fail::<S>(&error)),
                done => done,
            }
        }
        Asked::Own(name, asked) => {
            let task = Task { settings, ambient };
            match S::command(task, &name, &asked).await {
                Err(error) if is_for_the_operator(&error) => Ok(fail::<S>(&error)),
                done => done,
            }
        }
        Asked::Shared(_) => serve::<S>(settings, telemetry).await,
    }
}

/// Whether whoever asked can do something about it.
fn is_for_the_operator(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound
            | ErrorKind::AlreadyExists
            | ErrorKind::InvalidArgument
            | ErrorKind::FailedPrecondition
    )
}

fn prepare<S: Service>(settings: &Settings<S::Settings>) -> Result<(Telemetry, Runtime), String> {
    let telemetry = Telemetry::build(S::NAME, S::VERSION, &settings.telemetry)
        .map_err(|error| error.to_string())?;
    telemetry
        .install_global()
        .map_err(|error| error.to_string())?;
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .thread_name(S::NAME)
        .build()
        .map_err(|error| format!("the runtime cannot be started: {}", error.kind()))?;
    Ok((telemetry, runtime))
}

async fn migrate<S: Service>(settings: &Settings<S::Settings>, check: bool) -> Result<u8> {
    if check {
        let db = liaison_store::Db::connect(&settings.database).await?;
        let pending = liaison_store::pending::<S::Migrator>(&db).await?;
        for name in &pending {
            say(&format!("pending {name}"));
        }
        return Ok(if pending.is_empty() { 0 } else { FAILURE });
    }
    let applied = liaison_store::migrate::<S::Migrator>(&settings.database).await?;
    for name in &applied {
        say(&format!("applied {name}"));
    }
    if applied.is_empty() {
        say("nothing is pending");
    }
    Ok(0)
}

async fn serve<S: Service>(settings: Settings<S::Settings>, telemetry: &Telemetry) -> Result<u8> {
    let mut signals = Signals::listen()?;
    let ambient = Ambient {
        instruments: telemetry.instruments().clone(),
        ..Ambient::default()
    };
    let lifecycle = Lifecycle::new(settings.shutdown);
    let starting = start::bind_and_start::<S>(lifecycle.clone(), settings, ambient);
    tokio::pin!(starting);
    let running = loop {
        tokio::select! {
            running = &mut starting => break running?,
            signal = signals.next() => match signal {
                // Nothing was accepted yet: there is nothing to bring to an end.
                Signal::Stop => {
                    tracing::info!("stopped before it was ready");
                    return Ok(0);
                }
                Signal::Reload => {}
            },
        }
    };
    let mut ended = std::pin::pin!(running.ended());
    let outcome = loop {
        tokio::select! {
            outcome = &mut ended => break outcome,
            signal = signals.next() => match signal {
                Signal::Stop if lifecycle.stopping().is_cancelled() => lifecycle.kill(),
                Signal::Stop => lifecycle.stop(),
                Signal::Reload => running.reload().await,
            },
        }
    };
    Ok(match outcome {
        Outcome::Clean => 0,
        Outcome::CutOff | Outcome::Crashed(_) => FAILURE,
    })
}

/// Prints to whoever asked, with a line feed. They may have stopped reading, which is no failure.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Before there is a log, and for commands that people type.
fn complain<S: Service>(text: &str) {
    eprintln!("liaison-{}: {text}", S::NAME);
}

fn fail<S: Service>(error: &Error) -> u8 {
    complain::<S>(&error.to_string());
    FAILURE
}
