//! What the code says about each service: its defaults, its peers, who may call it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use liaison_policy::access;
use liaison_runtime::settings::{Loader, Settings};
use liaison_runtime::{KeySettings, Service};
use liaison_types::PartyKind;

/// The names of the four services.
pub const SERVICES: [&str; 4] = ["intake", "classification", "routing", "notification"];

/// What a service makes of the variables of one container.
#[derive(Debug)]
pub struct Effective {
    pub listen: SocketAddr,
    pub health_listen: SocketAddr,
    /// Name and `HOST:PORT` of each service it calls.
    pub peers: Vec<(String, String)>,
    pub identity: [PathBuf; 3],
    /// What it signs with, and the folder of what it seals with.
    pub keys: KeySettings,
    pub collector: Option<String>,
    pub database_url: String,
    pub migration_url: Option<String>,
    pub serving_role: Option<String>,
    /// From the signal to the end of the process, at most.
    pub stops_within: Duration,
}

/// From variables to what they mean, or to everything that is wrong with them.
type Load = fn(&[(String, String)]) -> Result<Effective, String>;

/// One service, as its own crate describes it.
#[derive(Debug)]
pub struct Code {
    pub name: &'static str,
    /// The name under which probes ask whether it is ready.
    pub readiness: &'static str,
    /// Variables to settings, through the loader that the binary uses.
    pub load: Load,
    defaults: &'static str,
}

/// The four services.
pub fn services() -> Vec<Code> {
    let services = vec![
        of::<liaison_intake::Intake>(),
        of::<liaison_classification::Classification>(),
        of::<liaison_routing::Routing>(),
        of::<liaison_notification::Notification>(),
    ];
    assert_eq!(
        services.iter().map(|code| code.name).collect::<Vec<_>>(),
        SERVICES
    );
    services
}

fn of<S: Service>() -> Code {
    Code {
        name: S::NAME,
        readiness: S::GRPC_NAME,
        load: load::<S>,
        defaults: S::DEFAULTS,
    }
}

fn load<S: Service>(variables: &[(String, String)]) -> Result<Effective, String> {
    let variables = variables
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let settings: Settings<S::Settings> = Loader::new(S::DEFAULTS)
        .environment(variables)
        .load()
        .map_err(|problems| problems.to_string())?;
    let peer = |name: &&str| {
        let address = settings.peers.address(name)?;
        Some((
            (*name).to_owned(),
            address.trim_start_matches("https://").to_owned(),
        ))
    };
    Ok(Effective {
        listen: settings.server.listen,
        health_listen: settings.server.health_listen,
        peers: SERVICES.iter().filter_map(peer).collect(),
        identity: [
            settings.identity.certificate.clone(),
            settings.identity.key.clone(),
            settings.identity.authority.clone(),
        ],
        keys: settings.keys.clone(),
        collector: settings.telemetry.endpoint.clone(),
        database_url: settings.database.url.clone(),
        migration_url: settings.database.migration_url.clone(),
        serving_role: settings.database.serving_role.clone(),
        stops_within: settings.shutdown.drain_delay
            + settings.shutdown.grace
            + settings.telemetry.flush_timeout,
    })
}

impl Code {
    /// What the service is where nothing is set but the identity, which has no default.
    pub fn defaults(&self) -> Effective {
        let identity = ["CERTIFICATE", "KEY", "AUTHORITY"]
            .map(|key| (format!("LIAISON__IDENTITY__{key}"), "file.pem".to_owned()));
        (self.load)(&identity).unwrap_or_else(|problems| panic!("{}: {problems}", self.name))
    }

    /// The services that this one calls.
    pub fn calls(&self) -> BTreeSet<String> {
        let defaults: toml::Table = toml::from_str(self.defaults).unwrap();
        let peers = defaults.get("peers").and_then(toml::Value::as_table);
        peers
            .map(|peers| peers.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// The kinds of party, other services aside, that the access table lets in: to the service's own methods, and to
    /// the audit, which each of them shows.
    pub fn parties(&self) -> BTreeSet<String> {
        let offered = [
            format!("/liaison.{}.v1.", self.name),
            "/liaison.audit.v1.".to_owned(),
        ];
        access::TABLE
            .iter()
            .filter(|(method, _)| offered.iter().any(|package| method.starts_with(package)))
            .flat_map(|(_, row)| row.iter().map(|callers| callers.kind()))
            .filter(|kind| *kind != PartyKind::Service)
            .map(|kind| kind.to_string())
            .collect()
    }

    /// The program in the image.
    pub fn program(&self) -> String {
        format!("/usr/local/bin/liaison-{}", self.name)
    }
}
