//! The command line: what can be said, and the help for it.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use liaison_types::Party;

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

/// Where to connect and as whom.
#[derive(Clone, Debug, Args)]
pub struct ConnectArgs {
    /// Folder with the certificates and addresses, as `liaison up` wrote it.
    #[arg(long, default_value = "liaison-data", env = "LIAISON__DIR")]
    pub dir: PathBuf,
    /// The party to act as, for example bureau/NB-FR or unit/cyber; its certificate must be in
    /// DIR/certificates (see `liaison certs issue`).
    #[arg(long = "as", env = "LIAISON__PARTY", value_name = "PARTY")]
    pub party: Option<Party>,
    /// The acting officer, kept in the audit.
    #[arg(long, env = "LIAISON__OFFICER")]
    pub officer: Option<String>,
    /// Address of the intake service instead of the one in DIR.
    #[arg(long, env = "LIAISON__INTAKE", value_name = "HOST:PORT")]
    pub intake: Option<String>,
    /// Address of the classification service instead of the one in DIR.
    #[arg(long, env = "LIAISON__CLASSIFICATION", value_name = "HOST:PORT")]
    pub classification: Option<String>,
    /// Address of the routing service instead of the one in DIR.
    #[arg(long, env = "LIAISON__ROUTING", value_name = "HOST:PORT")]
    pub routing: Option<String>,
    /// Address of the notification service instead of the one in DIR.
    #[arg(long, env = "LIAISON__NOTIFICATION", value_name = "HOST:PORT")]
    pub notification: Option<String>,
    /// Language of error texts: ar, en, es or fr.
    #[arg(long, default_value = "en", env = "LIAISON__LANGUAGE")]
    pub language: liaison_types::Language,
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

/// Arguments of `up`.
#[derive(Clone, Debug, Args)]
pub struct UpArgs {
    /// Folder for certificates, databases and addresses.
    #[arg(long, default_value = "liaison-data", env = "LIAISON__DIR")]
    pub dir: PathBuf,
    /// Database URL with `{service}` where the service's name goes, for example
    /// postgres://localhost/{service}; without it one SQLite file per service under DIR.
    #[arg(
        long,
        env = "LIAISON__DATABASE_TEMPLATE",
        hide_env_values = true,
        value_name = "URL-TEMPLATE"
    )]
    pub database: Option<String>,
    /// First of the four ports; 0 lets the system choose each.
    #[arg(long, default_value_t = 7101)]
    pub port: u16,
    /// Collector for traces and metrics (OTLP over gRPC), for example http://127.0.0.1:4317.
    #[arg(long, env = "LIAISON__TELEMETRY__ENDPOINT", value_name = "URL")]
    pub collector: Option<String>,
    /// What to log, as a tracing filter.
    #[arg(long, default_value = "warn", env = "LIAISON__TELEMETRY__LOG")]
    pub log: String,
}

/// Arguments of `demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Keep the folder and say where it is.
    #[arg(long)]
    pub keep: bool,
    /// Database URL with `{service}` where the service's name goes; SQLite without it.
    #[arg(long, hide_env_values = true, value_name = "URL-TEMPLATE")]
    pub database: Option<String>,
}

/// Arguments of `submit`.
#[derive(Clone, Debug, Args)]
pub struct SubmitArgs {
    /// Dossier files.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Check only; nothing is kept.
    #[arg(long)]
    pub validate_only: bool,
    /// Wait until each referral is with a unit or a desk.
    #[arg(long)]
    pub wait: bool,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Commands on referrals.
#[derive(Debug, Subcommand)]
pub enum ReferralCommand {
    /// Show one referral.
    Get(NameArgs),
    /// List referrals, the newest first.
    List(ListArgs),
    /// Follow notifications as they come; resumes from a cursor.
    Watch(WatchArgs),
    /// Show every step of a referral.
    History(NameArgs),
    /// Open the dossier; the read is recorded.
    Dossier(DossierArgs),
}

/// A resource to act on.
#[derive(Clone, Debug, Args)]
pub struct NameArgs {
    /// Its name, for example referrals/0198…; the identifier alone is enough.
    pub name: String,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Arguments of lists.
#[derive(Clone, Debug, Args)]
pub struct ListArgs {
    /// Only these states, for example ROUTED.
    #[arg(long = "state", value_name = "STATE")]
    pub states: Vec<String>,
    /// At most this many.
    #[arg(long, default_value_t = 50)]
    pub limit: usize,
    /// Include training traffic.
    #[arg(long)]
    pub include_exercises: bool,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Arguments of `referral watch`.
#[derive(Clone, Debug, Args)]
pub struct WatchArgs {
    /// Resume after this cursor; from the beginning without it.
    #[arg(long, default_value = "")]
    pub cursor: String,
    /// Stop after this many notifications.
    #[arg(long, value_name = "N")]
    pub count: Option<usize>,
    /// Include training traffic.
    #[arg(long)]
    pub include_exercises: bool,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Arguments of `referral dossier`.
#[derive(Clone, Debug, Args)]
pub struct DossierArgs {
    /// The referral.
    pub name: String,
    /// Why it is opened; kept in the audit.
    #[arg(long, default_value = "case work")]
    pub purpose: String,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Commands of the compliance desk.
#[derive(Debug, Subcommand)]
pub enum ReviewCommand {
    /// List what waits for review.
    List(ListArgs),
    /// Admit or refuse.
    Decide(ReviewDecideArgs),
}

/// Arguments of `review decide`.
#[derive(Clone, Debug, Args)]
pub struct ReviewDecideArgs {
    /// The referral.
    pub name: String,
    /// Refuse on this ground, for example ARTICLE_3; admits without it.
    #[arg(long, value_name = "GROUND")]
    pub refuse: Option<String>,
    /// The reasoning.
    #[arg(long)]
    pub reason: String,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Commands of the triage desk.
#[derive(Debug, Subcommand)]
pub enum TriageCommand {
    /// List what waits, the most urgent first.
    List(ListArgs),
    /// Decide which unit leads.
    Decide(TriageDecideArgs),
}

/// Arguments of `triage decide`.
#[derive(Clone, Debug, Args)]
pub struct TriageDecideArgs {
    /// The item, triageItems/… or the referral.
    pub name: String,
    /// The unit that leads.
    #[arg(long, value_name = "UNIT")]
    pub lead: String,
    /// A unit that supports; may be repeated.
    #[arg(long, value_name = "UNIT")]
    pub supporting: Vec<String>,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Arguments of `pull`.
#[derive(Clone, Debug, Args)]
pub struct PullArgs {
    /// The unit; the same as --as unit/UNIT.
    #[arg(long, value_name = "UNIT")]
    pub unit: Option<String>,
    /// At most this many.
    #[arg(long, default_value_t = 10)]
    pub max: u16,
    /// Seconds to wait for the first one, at most 60.
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    pub wait: u64,
    /// Seconds the lease lasts.
    #[arg(long, default_value_t = 900, value_name = "SECONDS")]
    pub lease: u64,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Commands on assignments.
#[derive(Debug, Subcommand)]
pub enum AssignmentCommand {
    /// Show one.
    Get(NameArgs),
    /// List the unit's assignments.
    List(ListArgs),
    /// Commit the unit.
    Accept(LeaseArgs),
    /// Decline with a coded reason.
    Decline(DeclineArgs),
    /// Extend the lease.
    Extend(ExtendArgs),
    /// Give it back without an answer.
    Release(LeaseArgs),
    /// Report the outcome.
    Complete(CompleteArgs),
}

/// An assignment under lease.
#[derive(Clone, Debug, Args)]
pub struct LeaseArgs {
    /// The assignment.
    pub name: String,
    /// The lease token from `pull`.
    #[arg(long)]
    pub lease_token: String,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Arguments of `assignment decline`.
#[derive(Clone, Debug, Args)]
pub struct DeclineArgs {
    /// What is declined.
    #[command(flatten)]
    pub lease: LeaseArgs,
    /// Why, for example WRONG_UNIT or NO_CAPACITY.
    #[arg(long)]
    pub reason: String,
    /// In words.
    #[arg(long)]
    pub note: String,
}

/// Arguments of `assignment extend`.
#[derive(Clone, Debug, Args)]
pub struct ExtendArgs {
    /// What is extended.
    #[command(flatten)]
    pub lease: LeaseArgs,
    /// Seconds from now.
    #[arg(long, default_value_t = 900)]
    pub seconds: u64,
}

/// Arguments of `assignment complete`.
#[derive(Clone, Debug, Args)]
pub struct CompleteArgs {
    /// The assignment.
    pub name: String,
    /// What came of it, for example VICTIM_IDENTIFIED.
    #[arg(long)]
    pub outcome: String,
    /// In words.
    #[arg(long, default_value = "")]
    pub note: String,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Commands on tasks.
#[derive(Debug, Subcommand)]
pub enum TaskCommand {
    /// Create a task under an accepted assignment.
    Create(TaskCreateArgs),
    /// List the tasks of an assignment.
    List(NameArgs),
    /// Take a task.
    Claim(NameArgs),
    /// Finish a task.
    Complete(TaskCompleteArgs),
}

/// Arguments of `task create`.
#[derive(Clone, Debug, Args)]
pub struct TaskCreateArgs {
    /// The assignment.
    pub assignment: String,
    /// What is to be done.
    #[arg(long)]
    pub title: String,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Arguments of `task complete`.
#[derive(Clone, Debug, Args)]
pub struct TaskCompleteArgs {
    /// The task.
    pub name: String,
    /// What was found.
    #[arg(long, default_value = "")]
    pub result: String,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Arguments of `classify`.
#[derive(Clone, Debug, Args)]
pub struct ClassifyArgs {
    /// Dossier files (YAML or JSON) or plain texts (.txt).
    #[arg(required_unless_present = "input")]
    pub files: Vec<PathBuf>,
    /// In bulk: a file with one JSON object {"id", "text"} a line, optionally with "lang", "title" and
    /// "offences": [{"iccs", "tags"}]; - for standard input. The decisions go to the file named by
    /// --output, one object a line, or to standard output.
    #[arg(long, conflicts_with = "files", value_name = "FILE")]
    pub input: Option<PathBuf>,
}

/// Commands on certificates.
#[derive(Debug, Subcommand)]
pub enum CertsCommand {
    /// Make an authority in DIR unless there is one.
    Init(CertsDirArgs),
    /// Issue a certificate for a party, for example bureau/NB-FR.
    Issue(CertsIssueArgs),
    /// List the certificates in DIR.
    List(CertsDirArgs),
}

/// Where the certificates are.
#[derive(Clone, Debug, Args)]
pub struct CertsDirArgs {
    /// Folder of the certificates.
    #[arg(
        long,
        default_value = "liaison-data/certificates",
        env = "LIAISON__CERTIFICATES"
    )]
    pub dir: PathBuf,
}

/// Arguments of `certs issue`.
#[derive(Clone, Debug, Args)]
pub struct CertsIssueArgs {
    /// The parties.
    #[arg(required = true)]
    pub parties: Vec<Party>,
    /// Host name or IP address a service answers at; may be repeated.
    #[arg(long = "host", value_name = "HOST")]
    pub hosts: Vec<String>,
    /// For how many days they are valid.
    #[arg(long, default_value_t = 90)]
    pub days: u32,
    /// Replace certificates that are there already.
    #[arg(long)]
    pub replace: bool,
    /// Folder.
    #[command(flatten)]
    pub folder: CertsDirArgs,
}

/// Arguments of `migrate`.
#[derive(Clone, Debug, Args)]
pub struct MigrateArgs {
    /// Folder for the SQLite databases.
    #[arg(long, default_value = "liaison-data", env = "LIAISON__DIR")]
    pub dir: PathBuf,
    /// Database URL with `{service}` where the service's name goes.
    #[arg(
        long,
        env = "LIAISON__DATABASE_TEMPLATE",
        hide_env_values = true,
        value_name = "URL-TEMPLATE"
    )]
    pub database: Option<String>,
}
