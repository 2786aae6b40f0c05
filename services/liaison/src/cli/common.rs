//! Arguments that many commands take.

use std::path::PathBuf;

use clap::Args;
use liaison_types::Party;

use super::values;

/// Where to connect and as whom.
#[derive(Clone, Debug, Args)]
pub struct ConnectArgs {
    /// Folder with the certificates and addresses, as `liaison up` wrote it.
    #[arg(long, default_value = "liaison-data", env = "LIAISON__DIR")]
    pub dir: PathBuf,
    /// The party to act as, for example bureau/NB-FR or unit/cyber; its certificate must be in
    /// DIR/certificates (see `liaison certs issue`).
    #[arg(long = "as", env = "LIAISON__PARTY", value_name = "PARTY")]
    pub party: Option<Party>,
    /// The acting officer, kept in the audit.
    #[arg(long, env = "LIAISON__OFFICER", value_name = "NAME")]
    pub officer: Option<String>,
    /// Address of the intake service instead of the one in DIR.
    #[arg(long, env = "LIAISON__INTAKE", value_name = "HOST:PORT")]
    pub intake: Option<String>,
    /// Address of the classification service instead of the one in DIR.
    #[arg(long, env = "LIAISON__CLASSIFICATION", value_name = "HOST:PORT")]
    pub classification: Option<String>,
    /// Address of the routing service instead of the one in DIR.
    #[arg(long, env = "LIAISON__ROUTING", value_name = "HOST:PORT")]
    pub routing: Option<String>,
    /// Address of the notification service instead of the one in DIR.
    #[arg(long, env = "LIAISON__NOTIFICATION", value_name = "HOST:PORT")]
    pub notification: Option<String>,
    /// Language of error texts: ar, en, es or fr.
    #[arg(long, default_value = "en", env = "LIAISON__LANGUAGE")]
    pub language: liaison_types::Language,
}

/// How much of a list.
#[derive(Clone, Debug, Args)]
pub struct PageArgs {
    /// At most this many, at least 1.
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = values::count())]
    pub limit: usize,
    /// Include training traffic.
    #[arg(long)]
    pub include_exercises: bool,
    /// Connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
}
