//! Running the suite on this machine: `up`, `demo`, `migrate`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `up`.
#[derive(Clone, Debug, Args)]
pub struct UpArgs {
    /// Folder for certificates, databases and addresses.
    #[arg(long, default_value = "liaison-data", env = "LIAISON__DIR")]
    pub dir: PathBuf,
    /// Database URL with `{service}` where the service's name goes, for example
    /// postgres://localhost/{service}; without it one SQLite file per service under DIR.
    #[arg(
        long,
        env = "LIAISON__DATABASE_TEMPLATE",
        hide_env_values = true,
        value_name = "URL-TEMPLATE"
    )]
    pub database: Option<String>,
    /// First of the four ports; 0 lets the system choose each.
    #[arg(long, default_value_t = 7101, value_parser = clap::value_parser!(u16).range(0..=65532))]
    pub port: u16,
    /// Collector for traces and metrics (OTLP over gRPC), for example http://127.0.0.1:4317.
    #[arg(long, env = "LIAISON__TELEMETRY__ENDPOINT", value_name = "URL")]
    pub collector: Option<String>,
    /// What to log, as a tracing filter.
    #[arg(long, default_value = "warn", env = "LIAISON__TELEMETRY__LOG")]
    pub log: String,
}

/// Arguments of `demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Keep the folder and say where it is.
    #[arg(long)]
    pub keep: bool,
    /// Database URL with `{service}` where the service's name goes; SQLite without it.
    #[arg(long, hide_env_values = true, value_name = "URL-TEMPLATE")]
    pub database: Option<String>,
}

/// Arguments of `migrate`.
#[derive(Clone, Debug, Args)]
pub struct MigrateArgs {
    /// Folder for the SQLite databases.
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
