//! What a bureau does: `submit`, `referral`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ConnectArgs, ListArgs, NameArgs};

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
