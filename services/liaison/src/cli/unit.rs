//! What a unit does: `pull`, `assignment`, `task`.

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Subcommand};
use liaison_proto::common::{AssignmentState, DeclineReason, Outcome};
use liaison_types::Party;

use super::{ConnectArgs, PageArgs, values};

/// Arguments of `pull`.
#[derive(Clone, Debug, Args)]
pub struct PullArgs {
    /// The unit, for example cyber: the same as --as unit/UNIT, and before LIAISON__PARTY.
    #[arg(long, value_name = "UNIT", value_parser = values::unit)]
    pub unit: Option<Party>,
    /// At most this many, 1 to 100.
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub max: u16,
    /// Seconds to wait for the first one, at most 60.
    #[arg(long, default_value_t = 0, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=60))]
    pub wait: u64,
    /// Seconds the lease lasts, 10 to 28800.
    #[arg(long, default_value_t = 900, value_name = "SECONDS", value_parser = values::lease_seconds())]
    pub lease: u64,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

impl PullArgs {
    /// Lets --unit say who acts: before the environment, and never against --as.
    ///
    /// # Errors
    /// Where `given`, the command's own arguments, name two parties.
    pub fn settle(&mut self, given: &ArgMatches) -> Result<(), String> {
        let Some(unit) = &self.unit else {
            return Ok(());
        };
        let by_flag = given.value_source("party") == Some(ValueSource::CommandLine);
        match &self.connect.party {
            Some(party) if by_flag && party != unit => Err(format!(
                "--unit means {unit} and --as says {party}; give one of them"
            )),
            _ => {
                self.connect.party = Some(unit.clone());
                Ok(())
            }
        }
    }
}

/// Commands on assignments.
#[derive(Debug, Subcommand)]
pub enum AssignmentCommand {
    /// Show one.
    Get(AssignmentArgs),
    /// List the unit's assignments, the newest first.
    List(AssignmentListArgs),
    /// Commit the unit.
    Accept(LeaseArgs),
    /// Decline with a coded reason.
    Decline(DeclineArgs),
    /// Extend the lease.
    Extend(ExtendArgs),
    /// Give it back without an answer.
    Release(LeaseArgs),
    /// Declare that the unit has no direct access: an urgent referral then has 3 days instead of 8 hours.
    DeclareIndirectAccess(AssignmentArgs),
    /// Report the outcome.
    Complete(CompleteArgs),
}

/// An assignment.
#[derive(Clone, Debug, Args)]
pub struct AssignmentArgs {
    /// The assignment, for example assignments/0198…; the identifier alone is enough.
    pub name: String,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Arguments of `assignment list`.
#[derive(Clone, Debug, Args)]
pub struct AssignmentListArgs {
    /// Only assignments in this state; may be repeated.
    #[arg(
        long = "state",
        value_name = "STATE",
        ignore_case = true,
        value_parser = values::assignment_state()
    )]
    pub states: Vec<AssignmentState>,
    /// How many.
    #[command(flatten)]
    pub page: PageArgs,
}

/// An assignment under lease.
#[derive(Clone, Debug, Args)]
pub struct LeaseArgs {
    /// What is leased.
    #[command(flatten)]
    pub assignment: AssignmentArgs,
    /// The lease token from `pull`.
    // A token may begin with a hyphen.
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub lease_token: String,
}

/// Arguments of `assignment decline`.
#[derive(Clone, Debug, Args)]
pub struct DeclineArgs {
    /// What is declined.
    #[command(flatten)]
    pub lease: LeaseArgs,
    /// Why.
    #[arg(long, ignore_case = true, value_parser = values::decline_reason())]
    pub reason: DeclineReason,
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
    /// Seconds from now, 10 to 28800, and never beyond 8 hours after the pull.
    #[arg(long, default_value_t = 900, value_parser = values::lease_seconds())]
    pub seconds: u64,
}

/// Arguments of `assignment complete`.
#[derive(Clone, Debug, Args)]
pub struct CompleteArgs {
    /// What is completed.
    #[command(flatten)]
    pub assignment: AssignmentArgs,
    /// What came of it.
    #[arg(long, ignore_case = true, value_parser = values::outcome())]
    pub outcome: Outcome,
    /// In words.
    #[arg(long, default_value = "")]
    pub note: String,
}

/// Commands on tasks.
#[derive(Debug, Subcommand)]
pub enum TaskCommand {
    /// Create a task under an accepted assignment.
    Create(TaskCreateArgs),
    /// List the tasks of an assignment, the oldest first.
    List(AssignmentArgs),
    /// Take a task; needs --officer.
    Claim(TaskArgs),
    /// Finish a task as the officer who took it; needs --officer.
    Complete(TaskCompleteArgs),
}

/// A task.
#[derive(Clone, Debug, Args)]
pub struct TaskArgs {
    /// The task, for example tasks/0198…; the identifier alone is enough.
    pub name: String,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Arguments of `task create`.
#[derive(Clone, Debug, Args)]
pub struct TaskCreateArgs {
    /// What it is created under.
    #[command(flatten)]
    pub assignment: AssignmentArgs,
    /// What is to be done.
    #[arg(long)]
    pub title: String,
}

/// Arguments of `task complete`.
#[derive(Clone, Debug, Args)]
pub struct TaskCompleteArgs {
    /// What is finished.
    #[command(flatten)]
    pub task: TaskArgs,
    /// What was found.
    #[arg(long, default_value = "")]
    pub result: String,
}
