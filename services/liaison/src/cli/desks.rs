//! What people at the desks do: `review`, `triage`.

use clap::{Args, Subcommand};

use liaison_proto::common::RefusalGround;

use super::{ConnectArgs, PageArgs, values};

/// Commands of the compliance desk.
#[derive(Debug, Subcommand)]
pub enum ReviewCommand {
    /// List what waits for review.
    List(PageArgs),
    /// Admit or refuse.
    Decide(ReviewDecideArgs),
}

/// Arguments of `review decide`.
#[derive(Clone, Debug, Args)]
pub struct ReviewDecideArgs {
    /// The referral, for example referrals/0198…; the identifier alone is enough.
    pub name: String,
    /// Refuse on this ground; admits without it.
    #[arg(
        long,
        value_name = "GROUND",
        ignore_case = true,
        value_parser = values::refusal_ground()
    )]
    pub refuse: Option<RefusalGround>,
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
    List(PageArgs),
    /// Decide which unit leads.
    Decide(TriageDecideArgs),
}

/// Arguments of `triage decide`.
#[derive(Clone, Debug, Args)]
pub struct TriageDecideArgs {
    /// The item, for example triageItems/0198…, or its referral, which has the same identifier; the
    /// identifier alone is enough.
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
