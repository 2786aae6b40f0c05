//! What a unit does: `pull`, `assignment`, `task`.

use clap::{Args, Subcommand};

use super::{ConnectArgs, ListArgs, NameArgs};

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
