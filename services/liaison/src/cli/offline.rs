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
    /// "offences": [{"iccs", "tags"}]; - for standard input. The decisions go to the file named by
    /// --output, one object a line, or to standard output. Lines that are no cases are told and passed
    /// over.
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
