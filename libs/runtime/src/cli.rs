//! The command line of a service's binary.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use liaison_types::{EventId, Name};

use crate::service::Service;
use crate::unprotected;

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

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Asked {
    /// What every service can do.
    Shared(Command),
    /// One of the service's own commands: its name, and what stands behind it.
    Own(String, Box<ArgMatches>),
}

impl Asked {
    /// Whether it is this command.
    pub(crate) fn is(&self, command: &Command) -> bool {
        matches!(self, Self::Shared(asked) if asked == command)
    }
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
    /// See what could not be handed on, and put it back or give it up
    DeadLetters(DeadLetters),
    /// See the keys that seal, move what they hold to the newest, and make the next
    Keys(KeyTasks),
    /// Print the documented defaults
    Settings,
}

const DEAD_LETTERS: &str = "\
An event becomes a dead letter when its receiver refuses it for good or does not take it in
relay.max_attempts attempts. Later events of the same subject for the same destination wait
behind it. What an event carries is never shown.

The commands work on the database, whether the service runs or not. `requeue` and `discard`
write an entry for each event into the service's audit, in the same transaction; a service
that keeps no audit logs each one as a warning instead, and the output says so. Ids are taken
together or not at all: where one of them names no dead letter, nothing is changed. --all goes
in steps, and what is done stays done.";

#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = DEAD_LETTERS)]
pub(crate) struct DeadLetters {
    /// What to print: `table` for people, `json` for programs, one object a line
    #[arg(long, global = true, value_name = "FORM", default_value = "table")]
    pub(crate) output: Output,

    #[command(subcommand)]
    pub(crate) command: DeadLettersCommand,
}

/// In which form a command prints what it has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// For programs: one object, or one a line where there may be many.
    Json,
}

#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum DeadLettersCommand {
    /// List them, oldest first
    List {
        /// Only those for this destination
        #[arg(long, value_name = "NAME")]
        destination: Option<String>,
        /// Only those after this one, the last of the page before
        #[arg(long, value_name = "ID")]
        after: Option<EventId>,
        /// At most this many, 1 to 1000
        #[arg(long, value_name = "COUNT", default_value_t = 100,
              value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// Put them back: due at once, their attempts counted anew
    Requeue {
        #[command(flatten)]
        which: Which,
        /// Who does this, noted as operator/NAME: small letters, digits and hyphens
        #[arg(long, value_name = "NAME")]
        operator: Name,
        /// Why: noted in the audit for good, so without personal data
        #[arg(long, value_name = "TEXT", value_parser = reason)]
        reason: Option<String>,
    },
    /// Remove them for good: the receiver never learns of them, what waits behind them goes on
    Discard {
        #[command(flatten)]
        which: Which,
        /// Who does this, noted as operator/NAME: small letters, digits and hyphens
        #[arg(long, value_name = "NAME")]
        operator: Name,
        /// Why, required because this cannot be undone: noted in the audit for good, so without
        /// personal data
        #[arg(long, value_name = "TEXT", value_parser = reason)]
        reason: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Which {
    /// Ids, as `list` prints them
    #[arg(
        value_name = "ID",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    pub(crate) ids: Vec<EventId>,
    /// All that are for one destination
    #[arg(long, requires = "destination")]
    pub(crate) all: bool,
    /// With --all: that destination
    #[arg(long, value_name = "NAME", requires = "all")]
    pub(crate) destination: Option<String>,
}

const KEYS: &str = "\
What people wrote is sealed under a data key for each referral; the data keys stand in the database, each
wrapped by a key-encryption key, which the database never sees. Those are the files 1.key, 2.key, ... in
the folder keys.sealing: the highest version wraps, all of them unwrap. Without them the content is lost.

Changing the key-encryption key, once a year, or when somebody may have seen it:

  1. Back the folder up, apart from the backups of the database.
  2. Make the next version. `rotate` does it in a folder that can be written and that every replica reads,
     and goes on with step 3. Where the folder is a mounted secret, add a file of 64 hexadecimal digits
     (openssl rand -hex 32) to the secret under the next number, and wait until `status` shows it in every
     replica, which takes a minute or two.
  3. `rewrap` moves the data keys to the newest version, step by step, while the service answers. Where it
     is stopped it goes on when it is run again. Its exit status is 1 while something is left.
  4. Replicas look for new keys every 10 s; until then they may still wrap by the version before. `rewrap`
     once more after that, until `status` shows no data keys at the old version.
  5. Back the folder up again: the new version is in no backup yet.
  6. Remove the old file when `status` shows its version as unused and no backup of the database is kept
     from before step 4: the data keys in that one open with the old version alone. What leaked together
     with such a backup stays readable to whoever has both.

The commands work on the database and the folder of the settings, whether the service runs or not.
`rewrap` and `rotate` write an entry into the service's audit, in a transaction; a service that keeps no
audit logs a warning instead. The signing key has no versions: `liaison keys init` makes another one where
its file is gone; give its public half to whoever checks, besides the earlier ones.

Exit status: 0 done, 1 something is left, unreadable, or a version is missing, 2 wrong usage or settings.";

#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = KEYS)]
pub(crate) struct KeyTasks {
    /// What to print: `table` for people, `json` for programs
    #[arg(long, global = true, value_name = "FORM", default_value = "table")]
    pub(crate) output: Output,

    #[command(subcommand)]
    pub(crate) command: KeysCommand,
}

#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum KeysCommand {
    /// Show the versions, how many data keys each wraps, and the id of the signing key
    Status,
    /// Move all data keys to the newest version
    Rewrap {
        /// Who does this, noted as operator/NAME: small letters, digits and hyphens
        #[arg(long, value_name = "NAME")]
        operator: Name,
    },
    /// Make the next version, and move all data keys to it
    Rotate {
        /// Who does this, noted as operator/NAME: small letters, digits and hyphens
        #[arg(long, value_name = "NAME")]
        operator: Name,
    },
}

/// The longest reason. It stays in the audit for good.
const MAX_REASON: usize = 200;

/// Reads why something is done, as it is kept in the audit: one line of 1 to 200 characters, trimmed.
///
/// # Errors
/// Where it is none, with what to write instead.
pub fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MAX_REASON || text.contains(char::is_control) {
        return Err(format!("write one line of 1 to {MAX_REASON} characters"));
    }
    Ok(text.to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    liaison_types::duration::parse(text).map_err(|error| error.to_string())
}

impl Cli {
    /// Reads the command line: what is asked for, and the settings file that is named.
    pub(crate) fn parse<S: Service>(
        arguments: impl IntoIterator<Item = std::ffi::OsString>,
    ) -> Result<(Asked, Option<PathBuf>), clap::Error> {
        let name = format!("liaison-{}", S::NAME);
        let own = S::commands();
        let names: Vec<String> = own.iter().map(|one| one.get_name().to_owned()).collect();
        let mut command = <Self as CommandFactory>::command()
            .name(name.clone())
            .bin_name(name)
            .about(S::ABOUT)
            .version(unprotected::version(S::VERSION))
            .subcommands(own);
        let mut matches = command.try_get_matches_from_mut(arguments)?;
        if matches
            .subcommand_name()
            .is_some_and(|name| names.iter().any(|own| own == name))
            && let Some((name, own)) = matches.remove_subcommand()
        {
            // Where it stands behind the command it is passed on to there.
            let config = own.get_one::<PathBuf>("config").cloned();
            return Ok((Asked::Own(name, Box::new(own)), config));
        }
        let cli = Self::from_arg_matches(&matches)?;
        let asked = cli.command.unwrap_or(Command::Serve);
        Ok((Asked::Shared(asked), cli.config))
    }
}
