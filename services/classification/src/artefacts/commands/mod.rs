//! `liaison-classification rule-sets …`: what an operator does about rule sets.
//!
//! The commands work on the database, whether the service runs or not; running services follow within their
//! `classification.rule_set_interval`. What changes anything is written into the audit in the same transaction.

mod change;
mod show;

use std::path::PathBuf;

use clap::{ArgMatches, Args, Command, FromArgMatches as _, Subcommand};
use liaison_runtime::Task;
use liaison_runtime::commands::{Output, reason, say};
use liaison_types::{Error, Name, Result};
use serde_json::json;

use super::files::NamedFiles;
use super::in_use::Loaded;
use crate::app::Classification;
use crate::settings::ClassificationSettings;
use change::{Act, Operator};

const NAME: &str = "rule-sets";

const HELP: &str = "\
A rule set is some files (units, codes, lexicon, weights, a text model). Its version names one
content for good: the files of each are kept in the database, and every decision says which
version made it.

One is ACTIVE and decides. One may be a SHADOW: it decides the same cases without effect, and
`differences` lists what it would have decided otherwise. CANDIDATE was never active, RETIRED
was. Running services go over to what was chosen within classification.rule_set_interval,
without a restart.

Trying a new rule set:

  1. `check DIR` says what is wrong with it, `add DIR` keeps it.
  2. `shadow VERSION`, and `differences` after a while.
  3. `activate VERSION`, or `unshadow`.
  4. `roll-back` where it was a mistake; again for the one before that.

What an operator activated stays, whatever version of the service starts. Where
classification.rule_set is \"embedded\", `activate VERSION --until-next-build` lets the rule set
of the next build take its place.

The commands work on the database, whether the service runs or not. What changes anything
writes an entry into the service's audit, in the same transaction.

Exit status: 0 done, 1 refused or failed, 2 wrong usage or settings.";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
struct RuleSetTasks {
    /// What to print: `table` for people, `json` for programs, one object a line
    #[arg(long, global = true, value_name = "FORM", default_value = "table")]
    output: Output,

    #[command(subcommand)]
    command: RuleSetsCommand,
}

#[derive(Debug, Subcommand)]
enum RuleSetsCommand {
    /// List them, the one added last first
    List,
    /// Show one: where it stands, what it holds, and what was measured of it
    Show {
        /// Its version
        version: String,
    },
    /// Say what is wrong with a folder of the form of data/, or what is in it; needs no database
    Check {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Keep the rule set in a folder of the form of data/, as a candidate
    Add {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        #[command(flatten)]
        who: Who,
    },
    /// Write the files of one into a folder that is empty or not there yet
    Export {
        /// Its version
        version: String,
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Let one decide beside the active one, without effect, instead of any other that does
    Shadow {
        /// Its version
        version: String,
        #[command(flatten)]
        who: Who,
    },
    /// End that
    Unshadow {
        #[command(flatten)]
        who: Who,
    },
    /// Let one decide, instead of the one that does
    Activate {
        /// Its version
        version: String,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        why: Why,
        /// Until a service with another build starts: its rule set takes the place of this one then
        #[arg(long)]
        until_next_build: bool,
    },
    /// Let the one decide that the active one took the place of
    RollBack {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        why: Why,
    },
    /// List the cases that a shadow would have decided otherwise, the newest first
    Differences {
        /// At most this many, 1 to 1000
        #[arg(long, value_name = "COUNT", default_value_t = 100,
              value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
}

#[derive(Debug, Args)]
struct Who {
    /// Who does this, noted as operator/NAME: small letters, digits and hyphens
    #[arg(long, value_name = "NAME")]
    operator: Name,
}

#[derive(Debug, Args)]
struct Why {
    /// Why: noted in the audit for good, so without personal data
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
}

/// The command, for the service's command line.
#[must_use]
pub fn command() -> Command {
    RuleSetTasks::augment_args(Command::new(NAME))
        .about("See the rule sets, and choose which one decides")
}

/// Does what was asked for, and answers the exit status.
///
/// # Errors
/// NOT_FOUND, ILLEGAL_STATE and SETTING_INVALID are for whoever asked; what the database says.
pub async fn run(task: &Task<ClassificationSettings>, asked: &ArgMatches) -> Result<u8> {
    let tasks = RuleSetTasks::from_arg_matches(asked).map_err(Error::internal)?;
    if let RuleSetsCommand::Check { folder } = tasks.command {
        return check(folder, tasks.output).await;
    }
    task.on_database::<Classification, _>(async |db| {
        let (output, shown) = (tasks.output, show::Show::new(db, tasks.output));
        let by = |who: &Who| Operator::new(db, &task.ambient, &who.operator, output);
        match &tasks.command {
            RuleSetsCommand::List => shown.list().await,
            RuleSetsCommand::Show { version } => shown.one(version).await,
            RuleSetsCommand::Differences { limit } => shown.differences(*limit).await,
            RuleSetsCommand::Export { version, folder } => shown.export(version, folder).await,
            RuleSetsCommand::Check { folder } => check(folder.clone(), output).await.map(drop),
            RuleSetsCommand::Add { folder, who } => by(who).add(folder).await,
            RuleSetsCommand::Shadow { version, who } => by(who).act(&Act::Shadow(version)).await,
            RuleSetsCommand::Unshadow { who } => by(who).act(&Act::Unshadow).await,
            RuleSetsCommand::Activate {
                version,
                who,
                why,
                until_next_build,
            } => {
                let act = Act::Activate {
                    version,
                    held: !until_next_build,
                    reason: &why.reason,
                };
                by(who).act(&act).await
            }
            RuleSetsCommand::RollBack { who, why } => {
                let reason = &why.reason;
                by(who).act(&Act::RollBack { reason }).await
            }
        }
    })
    .await
    .map(|()| 0)
}

/// Reads and compiles what lies in `folder`, where that may take its time.
async fn read(folder: PathBuf) -> Result<(NamedFiles, Loaded)> {
    tokio::task::spawn_blocking(move || {
        let files = NamedFiles::read(&folder)?;
        let loaded = Loaded::new(&files)?;
        Ok((files, loaded))
    })
    .await
    .map_err(|_| Error::internal("compiling the rule set did not end"))?
}

async fn check(folder: PathBuf, output: Output) -> Result<u8> {
    let (files, loaded) = read(folder).await?;
    let size = Size::of(&loaded);
    match output {
        Output::Json => say(&json!({
            "version": loaded.version(),
            "digest": loaded.digest.to_string(),
            "files": files.iter().count(),
            "concepts": size.concepts,
            "phrases": size.phrases,
            "codes": size.codes,
            "model": loaded.model(),
        })
        .to_string()),
        Output::Table => say(&format!(
            "{} is a rule set: {}\ndigest {}",
            loaded.version(),
            size.told(),
            loaded.digest
        )),
    }
    Ok(0)
}

/// How large a rule set is.
struct Size {
    concepts: usize,
    phrases: usize,
    codes: usize,
}

impl Size {
    fn of(loaded: &Loaded) -> Self {
        Self {
            concepts: loaded.rules.concepts().len(),
            phrases: loaded.rules.lexicon_size().0,
            codes: loaded.rules.codes().len(),
        }
    }

    fn told(&self) -> String {
        let Self {
            concepts,
            phrases,
            codes,
        } = self;
        format!("{concepts} concepts, {phrases} phrases, {codes} rows of codes")
    }
}
