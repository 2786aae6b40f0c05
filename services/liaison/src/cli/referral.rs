//! What a bureau does: `submit`, `referral`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use liaison_proto::common::ReferralState;

use super::{ConnectArgs, PageArgs, values};

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
    Get(ReferralArgs),
    /// List referrals, the newest first.
    List(ReferralListArgs),
    /// Follow notifications as they come; resumes from a cursor.
    Watch(WatchArgs),
    /// Show every step of a referral.
    History(ReferralArgs),
    /// Open the dossier; the read is recorded.
    Dossier(DossierArgs),
    /// Download the custody of a referral: a document that `liaison verify` checks offline.
    Custody(CustodyArgs),
    /// Destroy the content of a referral that is over, for good; its history stays.
    Purge(PurgeArgs),
}

/// A referral to look at.
#[derive(Clone, Debug, Args)]
pub struct ReferralArgs {
    /// The referral, for example referrals/0198…; the identifier alone is enough.
    pub name: String,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Arguments of `referral custody`.
#[derive(Clone, Debug, Args)]
pub struct CustodyArgs {
    /// Whose custody.
    #[command(flatten)]
    pub referral: ReferralArgs,
    /// The file to write it to; standard output without it.
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
}

const PURGE: &str = "\
The key that the dossier is sealed with is destroyed first, then the dossier, then everything that was
written about the referral at every service. What it was shared with ends. The envelope and the history
stay, with a receipt of who destroyed what. Only the owner may, at any time, and the compliance desk once
the retention has ended; always with an officer other than the one who submitted it.";

/// Arguments of `referral purge`.
#[derive(Clone, Debug, Args)]
#[command(after_help = PURGE)]
pub struct PurgeArgs {
    /// Whose content.
    #[command(flatten)]
    pub referral: ReferralArgs,
    /// Only while the referral is as it was read, by its etag (`referral get --output json`).
    #[arg(long, default_value = "", hide_default_value = true)]
    pub etag: String,
    /// It cannot be undone, and nobody asks again.
    #[arg(long, required = true)]
    pub yes: bool,
}

/// Arguments of `referral list`.
#[derive(Clone, Debug, Args)]
pub struct ReferralListArgs {
    /// Only referrals in this state; may be repeated.
    #[arg(
        long = "state",
        value_name = "STATE",
        ignore_case = true,
        value_parser = values::referral_state()
    )]
    pub states: Vec<ReferralState>,
    /// Those that others shared with the caller, instead of its own.
    #[arg(long)]
    pub shared: bool,
    /// How many.
    #[command(flatten)]
    pub page: PageArgs,
}

/// Arguments of `referral watch`.
#[derive(Clone, Debug, Args)]
pub struct WatchArgs {
    /// Resume after this cursor; from the beginning without it.
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    pub cursor: String,
    /// Stop after this many notifications.
    #[arg(long, value_name = "N", value_parser = values::count())]
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
    /// What is opened.
    #[command(flatten)]
    pub referral: ReferralArgs,
    /// Why it is opened; kept in the audit.
    #[arg(long, default_value = "case work")]
    pub purpose: String,
}
