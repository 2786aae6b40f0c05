//! What people at the desks do: `review`, `triage`.

use clap::{Args, Subcommand};

use super::{ConnectArgs, ListArgs};

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
