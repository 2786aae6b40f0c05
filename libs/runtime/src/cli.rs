//! The command line of a service's binary.

use std::path::PathBuf;
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::service::Service;

const AFTER_HELP: &str = "\
Settings come in layers, later ones win: the documented defaults (`settings` prints them), the file
given with --config, variables LIAISON__SECTION__KEY, for example

  LIAISON__DATABASE__URL_FILE=/run/secrets/database-url
  LIAISON__TELEMETRY__ENDPOINT=http://127.0.0.1:4317

Signals: SIGTERM or SIGINT stops in an orderly way, a second one at once; SIGHUP reads the
certificates again.

Exit status: 0 success, 1 failure, 2 wrong usage or wrong settings.";

#[derive(Debug, Parser)]
#[command(disable_help_subcommand = true, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// Settings file in TOML, over the defaults and below the environment
    #[arg(long, global = true, value_name = "FILE", env = "LIAISON_CONFIG")]
    pub(crate) config: Option<PathBuf>,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Command {
    /// Answer calls until told to stop (the default)
    Serve,
    /// Bring the database's schema up to date and end
    Migrate {
        /// Change nothing; say what is pending, with status 1 where something is
        #[arg(long)]
        check: bool,
    },
    /// Ask the running service whether it is ready, for container health checks
    Healthcheck {
        /// Ask whether it is alive instead
        #[arg(long)]
        alive: bool,
        /// How long to wait for the answer
        #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = duration)]
        timeout: Duration,
    },
    /// Print the documented defaults
    Settings,
}

fn duration(text: &str) -> Result<Duration, String> {
    liaison_types::duration::parse(text).map_err(|error| error.to_string())
}

impl Cli {
    pub(crate) fn parse<S: Service>(
        arguments: impl IntoIterator<Item = std::ffi::OsString>,
    ) -> Result<Self, clap::Error> {
        let name = format!("liaison-{}", S::NAME);
        let mut command = <Self as CommandFactory>::command()
            .name(name.clone())
            .bin_name(name)
            .about(S::ABOUT)
            .version(S::VERSION);
        let matches = command.try_get_matches_from_mut(arguments)?;
        Self::from_arg_matches(&matches)
    }

    pub(crate) fn asked(&self) -> Command {
        self.command.clone().unwrap_or(Command::Serve)
    }
}
