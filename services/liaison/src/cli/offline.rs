//! What needs no service: `classify`, `certs`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use liaison_types::Party;

/// Arguments of `classify`.
#[derive(Clone, Debug, Args)]
pub struct ClassifyArgs {
    /// Dossier files (YAML or JSON) or plain texts (.txt).
    #[arg(required_unless_present = "input")]
    pub files: Vec<PathBuf>,
    /// In bulk: a file with one JSON object {"id", "text"} a line, optionally with "lang", "title" and
    /// "offences": [{"iccs", "tags", "national_provision"}]; - for standard input. The decisions go to the
    /// file named by --output, one object a line, or to standard output. Lines that are no cases are told
    /// and passed over.
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
    /// Show everything in DIR that is valid for a time: certificates, authorities, revocation lists.
    List(CertsDirArgs),
    /// Issue certificates of DIR anew, for the same parties and hosts, before they end.
    Renew(CertsRenewArgs),
    /// Revoke a certificate: services refuse it within seconds, also on connections that are open.
    Revoke(CertsRevokeArgs),
    /// Replace the authority of DIR step by step, while everybody goes on calling.
    #[command(subcommand)]
    Rotate(CertsRotateCommand),
}

/// Arguments of `certs renew`.
#[derive(Clone, Debug, Args)]
pub struct CertsRenewArgs {
    /// The parties; all in DIR when none is given.
    pub parties: Vec<Party>,
    /// Only what ends within so many days.
    #[arg(long, value_name = "DAYS")]
    pub within: Option<u32>,
    /// For how many days they are valid, 1 to 3650; never longer than the authority is.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
    /// Folder.
    #[command(flatten)]
    pub folder: CertsDirArgs,
}

/// Arguments of `certs revoke`.
#[derive(Clone, Debug, Args)]
pub struct CertsRevokeArgs {
    /// The parties whose certificates in DIR are revoked, for example bureau/NB-FR.
    #[arg(required_unless_present = "files")]
    pub parties: Vec<Party>,
    /// A certificate's file, where it is not the party's present one in DIR; may be repeated.
    #[arg(long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Folder of the authority.
    #[command(flatten)]
    pub folder: CertsDirArgs,
}

/// Steps of `certs rotate`, in their order. After each, wait until everybody has read the files:
/// services log `certificates were reloaded` within ten seconds.
#[derive(Debug, Subcommand)]
pub enum CertsRotateCommand {
    /// Make the next authority beside the present one, and trust both.
    Begin(CertsDirArgs),
    /// Let the next authority issue, and issue every certificate in DIR anew.
    Switch(CertsRotateSwitchArgs),
    /// Drop the old authority; what it issued is refused from then on.
    End(CertsDirArgs),
    /// Say how far it has come.
    Status(CertsDirArgs),
}

/// Arguments of `certs rotate switch`.
#[derive(Clone, Debug, Args)]
pub struct CertsRotateSwitchArgs {
    /// For how many days the certificates are valid, 1 to 3650; never longer than the authority is.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
    /// Folder.
    #[command(flatten)]
    pub folder: CertsDirArgs,
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
    /// For how many days they are valid, 1 to 3650; never longer than the authority is.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
    /// Replace certificates that are there already.
    #[arg(long)]
    pub replace: bool,
    /// Folder.
    #[command(flatten)]
    pub folder: CertsDirArgs,
}
