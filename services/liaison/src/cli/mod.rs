//! The command line: what can be said, and the help for it.

mod common;
mod desks;
mod offline;
mod referral;
mod suite;
mod unit;

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Parser, Subcommand};

pub use common::{ConnectArgs, ListArgs, NameArgs};
pub use desks::{ReviewCommand, ReviewDecideArgs, TriageCommand, TriageDecideArgs};
pub use offline::{CertsCommand, CertsDirArgs, CertsIssueArgs, ClassifyArgs};
pub use referral::{DossierArgs, ReferralCommand, SubmitArgs, WatchArgs};
pub use suite::{DemoArgs, MigrateArgs, UpArgs};
pub use unit::{AssignmentCommand, LeaseArgs, PullArgs, TaskCommand};

/// Refers cases of international crime to the police unit that can act on them.
///
/// `liaison demo` shows the whole way of twelve referrals in a few seconds. `liaison up` runs the suite
/// on this machine; the other commands then act as the party named by --as, with its certificate.
#[derive(Debug, Parser)]
#[command(
    name = "liaison",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What to print: `table` for people, `json` for programs (one document, or one object a line for
    /// streams). `classify --input` takes a file here.
    #[arg(
        long,
        global = true,
        default_value = "table",
        value_name = "table|json"
    )]
    pub output: Output,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The form of what is printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// One JSON object a line into this file; for `classify --input` alone.
    File(PathBuf),
}

impl FromStr for Output {
    type Err = Infallible;
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "table" => Self::Table,
            "json" => Self::Json,
            path => Self::File(path.into()),
        })
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole suite in one process, over mutual TLS; the first run makes certificates and
    /// databases.
    Up(UpArgs),
    /// Run the suite in a temporary folder, submit the sample dossiers, work them, show each one's
    /// life, end.
    Demo(DemoArgs),
    /// Submit dossiers (YAML or JSON).
    Submit(SubmitArgs),
    /// Look at referrals as their bureau.
    #[command(subcommand)]
    Referral(ReferralCommand),
    /// Decide on flagged referrals as the compliance desk.
    #[command(subcommand)]
    Review(ReviewCommand),
    /// Decide by hand as the triage desk.
    #[command(subcommand)]
    Triage(TriageCommand),
    /// Pull assignments as a unit.
    Pull(PullArgs),
    /// Answer and finish assignments as a unit.
    #[command(subcommand)]
    Assignment(AssignmentCommand),
    /// Work on the tasks of an assignment as a unit.
    #[command(subcommand)]
    Task(TaskCommand),
    /// Say what kind of case a text would be, and why; offline.
    Classify(ClassifyArgs),
    /// Make and show certificates.
    #[command(subcommand)]
    Certs(CertsCommand),
    /// Bring the databases of all four services up to date.
    Migrate(MigrateArgs),
}
