//! The one program for people: `liaison`. See [`cli`] for what it can do.

mod cli;
mod commands;
mod connection;
mod dossier_file;
mod failure;
mod folder;
mod output;
mod output_file;
mod proto_json;
mod samples;
mod suite;

use std::ffi::OsString;
use std::process::ExitCode;

use cli::{Cli, Command, Output, TriageCommand};
use failure::{Failure, Outcome};

fn main() -> ExitCode {
    liaison_runtime::redact_panics();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::read(&arguments) {
        Ok(cli) => cli,
        Err(error) => return not_read(&error, &arguments),
    };
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell(&cli.output);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Prints help, the version, or what is wrong with the arguments.
fn not_read(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    if error.use_stderr() && cli::wants_json(arguments) {
        Failure::Usage(cli::mistake(error)).tell(&Output::Json);
    } else {
        // Nobody is left to be told where the stream is closed.
        let _ = error.print();
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn run(cli: &Cli) -> Outcome {
    if let (Output::File(path), false) = (&cli.output, takes_a_file(&cli.command)) {
        return Err(Failure::Usage(format!(
            "--output is table or json, not {}; only classify --input and triage export write to a file",
            path.display()
        )));
    }
    // The commands wait for answers most of the time; the services of `up` bring their own threads.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(dispatch(&cli.output, &cli.command))
}

const fn takes_a_file(command: &Command) -> bool {
    match command {
        Command::Classify(args) => args.input.is_some(),
        Command::Triage(command) => matches!(command, TriageCommand::Export(_)),
        _ => false,
    }
}

async fn dispatch(output: &Output, command: &Command) -> Outcome {
    match command {
        Command::Up(args) => commands::up::run(output, args).await,
        Command::Demo(args) => commands::demo::run(output, args).await,
        Command::Submit(args) => commands::submit::run(output, args).await,
        Command::Referral(command) => commands::referral::run(output, command).await,
        Command::Review(command) => commands::review::run(output, command).await,
        Command::Triage(command) => commands::triage::run(output, command).await,
        Command::Pull(args) => commands::pull::run(output, args).await,
        Command::Assignment(command) => commands::assignment::run(output, command).await,
        Command::Task(command) => commands::task::run(output, command).await,
        Command::Classify(args) => commands::classify::run(output, args),
        Command::Share(command) => commands::share::run(output, command).await,
        Command::Consent(command) => commands::share::consent(output, command).await,
        Command::Verify(args) => commands::verify::run(output, args),
        Command::Audit(command) => commands::audit::run(output, command).await,
        Command::Policy(command) => commands::policy::run(output, command).await,
        Command::Keys(command) => commands::keys::run(output, command).await,
        Command::Certs(command) => commands::certs::run(output, command),
        Command::Migrate(args) => commands::migrate::run(output, args).await,
    }
}
