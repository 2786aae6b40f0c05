//! Load scenarios against the release binaries, each with its baseline run beside it.
//!
//! `cargo run --release -p e2e --bin load -- SCENARIO [--seconds N] [--output json]`. What is reported
//! is a ratio to a baseline measured on the same machine in the same minute, because rates alone say
//! more about the machine than about the program.

mod baseline;
mod dossiers;
mod drive;
mod processes;
mod report;
mod scenario;
mod world;

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::time::Duration;

use clap::{Parser, ValueEnum};

use processes::Build;
use report::Report;

/// Measures a scenario and its baseline.
#[derive(Clone, Debug, Parser)]
#[command(name = "load", max_term_width = 100)]
struct Cli {
    /// What is measured.
    scenario: Scenario,
    /// How long each measurement lasts; the baseline takes about as long again.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// How often `protection` measures each build; in turn, so that both meet the same moods of the machine.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Measure the programs beside this one as they are, instead of building them first.
    #[arg(long)]
    no_build: bool,
    /// A table for people or one JSON document for programs.
    #[arg(long, default_value = "table")]
    output: Form,
}

/// The scenarios.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Scenario {
    /// SubmitReferral on PostgreSQL, 256 in flight, against pgbench.
    Submit,
    /// SubmitReferral on SQLite, 256 in flight, against one transaction a row.
    SubmitSqlite,
    /// All four services draining: from submission to pullable, against pgbench.
    Pipeline,
    /// An empty call through the whole stack, against bare tonic with the same TLS.
    Stack,
    /// From submission to pullable at a fixed arrival rate, embedded, against one committed write.
    Journey,
    /// SubmitReferral as in `submit`, against a build that neither seals nor proves custody.
    Protection,
    /// The same on SQLite.
    ProtectionSqlite,
}

impl Scenario {
    /// The packages whose programs it measures; none where this program is its own server.
    const fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Submit | Self::SubmitSqlite | Self::Protection | Self::ProtectionSqlite => {
                &["liaison-intake"]
            }
            Self::Pipeline => &[
                "liaison-intake",
                "liaison-classification",
                "liaison-routing",
                "liaison-notification",
            ],
            Self::Stack => &[],
            Self::Journey => &["liaison"],
        }
    }

    /// Whether it needs a PostgreSQL.
    const fn on_postgres(self) -> bool {
        matches!(self, Self::Submit | Self::Pipeline | Self::Protection)
    }

    /// Whether it compares with a build without protection.
    const fn compares_builds(self) -> bool {
        matches!(self, Self::Protection | Self::ProtectionSqlite)
    }
}

/// The form of the result.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Form {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// What the measurements fail with: a sentence for whoever runs the tool.
type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    // The server halves of the stack scenario are this program again.
    if let Some(role) = std::env::var_os("LIAISON_LOAD_SERVE") {
        return finish(scenario::stack::serve(role == "stack", &arguments[1..]));
    }
    let cli = Cli::parse();
    if cli.scenario.on_postgres() && std::env::var_os(world::POSTGRES).is_none() {
        return under_postgres(&arguments[1..]);
    }
    finish(measure(&cli).and_then(|report| report.print(cli.output == Form::Json)))
}

/// Runs this program again with a PostgreSQL of its own, durable, that goes away with it.
fn under_postgres(arguments: &[String]) -> ExitCode {
    let script = world::root().join("tests/run");
    let error = match std::env::current_exe() {
        Ok(program) => Command::new("python3")
            .arg(script)
            .args(["--durable", "--"])
            .arg(program)
            .args(arguments)
            .exec(),
        Err(error) => error,
    };
    finish(Err(format!(
        "cannot start PostgreSQL through tests/run: {error}"
    )
    .into()))
}

fn finish(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(cli: &Cli) -> Result<Report> {
    let packages = cli.scenario.packages();
    if !cli.no_build && !packages.is_empty() {
        processes::build(packages, Build::Usual)?;
        if cli.scenario.compares_builds() {
            processes::build(packages, Build::Unprotected)?;
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let seconds = Duration::from_secs(cli.seconds.max(1));
    runtime.block_on(async {
        match cli.scenario {
            Scenario::Submit => scenario::submit::postgres(seconds).await,
            Scenario::SubmitSqlite => scenario::submit::sqlite(seconds).await,
            Scenario::Pipeline => scenario::pipeline::run(seconds).await,
            Scenario::Stack => scenario::stack::run(seconds).await,
            Scenario::Journey => scenario::journey::run(seconds).await,
            Scenario::Protection => scenario::protection::postgres(seconds, cli.rounds).await,
            Scenario::ProtectionSqlite => scenario::protection::sqlite(seconds, cli.rounds).await,
        }
    })
}
