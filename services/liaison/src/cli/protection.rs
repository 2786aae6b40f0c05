//! What proves and protects: `verify`, `audit`, `keys`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use liaison_types::{Name, Party};

use super::{ConnectArgs, values};

const VERIFY: &str = "\
Nothing is asked of anybody: the bundle and the public keys are enough. The keys are those that the
suite gave you by another way than the bundle itself; `liaison up` writes them to DIR/keys/public.pem.

Exit status: 0 the custody is sound; 1 it is not; 2 nothing was checked, because a file cannot be
read or the usage is wrong.";

/// Arguments of `verify`.
#[derive(Clone, Debug, Args)]
#[command(after_help = VERIFY)]
pub struct VerifyArgs {
    /// The bundle, as `liaison referral custody` wrote it; - for standard input.
    pub bundle: PathBuf,
    /// Public keys in PEM, one or more; DIR/keys/public.pem without it.
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// Folder of the suite.
    #[arg(long, default_value = "liaison-data", env = "LIAISON__DIR")]
    pub dir: PathBuf,
}

/// Commands on the audit.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// List entries, the oldest first.
    List(AuditListArgs),
    /// Find any sealed entry altered, removed, reordered or inserted, in all four services.
    Verify(AuditVerifyArgs),
}

/// Arguments of `audit list`.
#[derive(Clone, Debug, Args)]
pub struct AuditListArgs {
    /// Whose audit.
    #[arg(long, default_value = "intake", value_parser = crate::suite::SERVICES)]
    pub service: String,
    /// Only entries about this resource, for example referrals/0198….
    #[arg(long, default_value = "", hide_default_value = true)]
    pub subject: String,
    /// Only entries of this party.
    #[arg(long = "by", value_name = "PARTY")]
    pub by: Option<Party>,
    /// Only entries at this instant or later, for example 2026-03-01T08:00:00Z.
    #[arg(long, value_name = "INSTANT", value_parser = values::instant)]
    pub from: Option<liaison_types::Timestamp>,
    /// Only entries before this instant.
    #[arg(long, value_name = "INSTANT", value_parser = values::instant)]
    pub until: Option<liaison_types::Timestamp>,
    /// At most this many, at least 1.
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = values::count())]
    pub limit: usize,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Arguments of `audit verify`.
#[derive(Clone, Debug, Args)]
pub struct AuditVerifyArgs {
    /// Public keys in PEM, one or more; DIR/keys/public.pem without it.
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Commands on keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make the keys of services that have none yet, and write the public ones to DIR/public.pem.
    Init(KeysInitArgs),
    /// Make a new key-encryption key for every service that seals, and move what is sealed over to it
    /// while the suite runs. Old keys stay, to open backups with, until they are removed by hand.
    Rotate(KeysRotateArgs),
}

/// Arguments of `keys init`.
#[derive(Clone, Debug, Args)]
pub struct KeysInitArgs {
    /// The services.
    #[arg(required = true)]
    pub services: Vec<Name>,
    /// Folder of the keys: DIR/SERVICE/signing.pem and DIR/SERVICE/sealing/1.key.
    #[arg(long, default_value = "liaison-data/keys")]
    pub dir: PathBuf,
}

const ROTATE: &str = "\
Services read a new key within ten seconds and seal with the old one until then, so this looks
once more after --settle.

Exit status: 0 everything is sealed with the new key, and the old files are needed for backups
alone; 1 something was left, which the old files still open; 2 wrong usage.";

/// Arguments of `keys rotate`.
#[derive(Clone, Debug, Args)]
#[command(after_help = ROTATE)]
pub struct KeysRotateArgs {
    /// Make no new key: move what an earlier run left behind.
    #[arg(long)]
    pub resume: bool,
    /// Seconds until every service has read a new key, at most 3600; minutes where the folder of the keys
    /// is a mounted secret.
    #[arg(long, default_value_t = 15, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub settle: u64,
    /// Folder of the suite.
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
