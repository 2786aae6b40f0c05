//! Passing referrals on: `share`, `consent`.

use clap::{Args, Subcommand};
use liaison_proto::intake::{IntendedAction, IntendedUse, Purpose};
use liaison_types::Party;

use super::{ConnectArgs, values};

const CREATE: &str = "\
Policy decides at once. What it permits is open to the recipient when the command returns; where only
the owner's consent is missing, the share waits for it and goes on by itself; everything else is refused
with the rules that forbid it.";

/// Commands on shares.
#[derive(Debug, Subcommand)]
pub enum ShareCommand {
    /// Pass a referral on to a bureau, a unit or a partner.
    Create(ShareCreateArgs),
    /// List the shares of a referral, the oldest first.
    List(ShareListArgs),
    /// End a share, or withdraw the wish for one.
    End(ShareArgs),
}

/// Arguments of `share create`.
#[derive(Clone, Debug, Args)]
#[command(after_help = CREATE)]
pub struct ShareCreateArgs {
    /// The referral, for example referrals/0198…; the identifier alone is enough.
    pub referral: String,
    /// To whom, for example partner/customs.
    #[arg(long = "to", value_name = "PARTY")]
    pub recipient: Party,
    /// What the recipient needs it for.
    #[arg(long, ignore_case = true, value_parser = values::purpose())]
    pub purpose: Purpose,
    /// How visible to others is what the recipient will do.
    #[arg(long, ignore_case = true, default_value = "NONE", value_parser = values::intended_action())]
    pub action: IntendedAction,
    /// In what kind of proceedings it will be used.
    #[arg(long = "use", ignore_case = true, default_value = "POLICE", value_parser = values::intended_use())]
    pub usage: IntendedUse,
    /// Why, for the owner to read.
    #[arg(long)]
    pub reason: String,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Arguments of `share list`.
#[derive(Clone, Debug, Args)]
pub struct ShareListArgs {
    /// The referral, for example referrals/0198…; the identifier alone is enough.
    pub referral: String,
    /// At most this many, at least 1.
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = values::count())]
    pub limit: usize,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// A share to act on.
#[derive(Clone, Debug, Args)]
pub struct ShareArgs {
    /// The share, for example shares/0198…; the identifier alone is enough.
    pub name: String,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Commands on consent.
#[derive(Debug, Subcommand)]
pub enum ConsentCommand {
    /// List what waits for the caller's consent, the oldest first.
    List(ConsentListArgs),
    /// Consent: the referral is passed on in the same moment.
    Give(ConsentArgs),
    /// Refuse.
    Refuse(ConsentArgs),
}

/// Arguments of `consent list`.
#[derive(Clone, Debug, Args)]
pub struct ConsentListArgs {
    /// At most this many, at least 1.
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = values::count())]
    pub limit: usize,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// An answer to a share that waits for consent.
#[derive(Clone, Debug, Args)]
pub struct ConsentArgs {
    /// Which share, and as whom.
    #[command(flatten)]
    pub share: ShareArgs,
    /// Why.
    #[arg(long)]
    pub reason: String,
}
