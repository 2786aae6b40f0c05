//! The four services in one process, over real sockets and mutual TLS.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt, select_all, try_join_all};
use liaison_classification::Classification;
use liaison_identity::{CertificateAuthority, CertificateSummary, Existing, Host};
use liaison_intake::Intake;
use liaison_notification::Notification;
use liaison_routing::Routing;
use liaison_runtime::{
    Ambient, Hosted, Lifecycle, Listeners, Loader, Outcome, Problems, Service, Settings,
    ShutdownSettings, create_missing,
};
use liaison_store::Db;
use liaison_store::sealed::{self, KeyRing};
use liaison_types::{Clock, Error, ErrorKind, Party, Random, Reason, Result};

use crate::folder::{Folder, write_public_keys};

/// The services in the order of a referral's way through them.
pub const SERVICES: [&str; 4] = [
    Intake::NAME,
    Classification::NAME,
    Routing::NAME,
    Notification::NAME,
];

/// Parties that get a certificate from the first `up`, besides the services and the bureaus of the
/// samples: enough to work a referral from end to end on one machine.
const LOCAL_PARTIES: [&str; 8] = [
    "unit/children-trafficking",
    "unit/cyber",
    "unit/narcotics-organized-crime",
    "unit/terrorism",
    "desk/compliance",
    "desk/triage",
    "auditor/local",
    "operator/local",
];

/// A certificate with less than this left is renewed at the next start.
const RENEW_BEFORE: Duration = Duration::from_hours(24 * 14);

/// How the suite is started.
#[derive(Clone, Debug)]
pub struct SuiteSettings {
    /// Certificates, databases and addresses.
    pub folder: Folder,
    /// Database URL with `{service}` where the name goes; one SQLite file per service without it.
    pub database: Option<String>,
    /// First of the four ports; 0 lets the system choose each.
    pub port: u16,
    /// Collector for traces and metrics.
    pub collector: Option<String>,
    /// What is logged.
    pub log: String,
    /// Variables of the process; those of a shared section apply to every service.
    pub environment: Vec<(OsString, OsString)>,
}

/// The running suite.
#[derive(Debug)]
pub struct Suite {
    hosted: Vec<(&'static str, Hosted)>,
}

/// Makes the authority and every certificate that is missing or about to expire; writes nothing
/// else.
///
/// # Errors
/// Where the folder cannot be written or holds files that are no certificates of its authority.
pub fn ensure_certificates(
    folder: &Folder,
    parties: impl IntoIterator<Item = Party>,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<()> {
    let certificates = folder.certificates();
    let now = clock.now();
    let authority = CertificateAuthority::load_or_create(
        &certificates,
        CertificateAuthority::VALIDITY,
        now,
        random,
    )?;
    let local: Vec<Host> = ["localhost", "127.0.0.1", "::1"]
        .iter()
        .filter_map(|host| host.parse().ok())
        .collect();
    for party in parties {
        let current = CertificateSummary::read(&folder.certificate_of(&party));
        if current.is_ok_and(|summary| summary.not_after > now + RENEW_BEFORE) {
            continue;
        }
        let hosts: &[Host] = if matches!(party, Party::Service(_)) {
            &local
        } else {
            &[]
        };
        authority
            .issue(
                &party,
                hosts,
                CertificateAuthority::CERTIFICATE_VALIDITY,
                now,
                random,
            )?
            .write(&certificates, Existing::Replace)?;
    }
    Ok(())
}

/// Makes the keys of every service that are missing, and writes the public ones.
///
/// # Errors
/// Where the folder cannot be written or holds something else.
pub fn ensure_keys(folder: &Folder, random: &dyn Random) -> Result<()> {
    for name in SERVICES {
        create_missing(&folder.keys_of(name), random)?;
    }
    write_public_keys(&folder.keys())
}

/// What rotating the key-encryption key of a service came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RotatedKeys {
    /// The service.
    pub service: &'static str,
    /// The version that seals from now on.
    pub version: u32,
    /// How many data keys were moved over to it.
    pub moved: u64,
    /// How many are still wrapped by an older one: damaged, or made by somebody who had not read the new
    /// one yet.
    pub left: u64,
}

/// Makes the next key-encryption key of every service that seals, unless `resume` says that an earlier run
/// did, and wraps its data keys anew, while the suite may run. Who runs seals with the old key until they
/// have read the new one, so it is looked again after `settle`, the longest that this takes.
///
/// # Errors
/// What keeps it from being done. What was moved stays moved; it may be resumed.
pub async fn rotate_keys(
    folder: &Folder,
    database: Option<&str>,
    resume: bool,
    settle: Duration,
    random: &dyn Random,
) -> Result<Vec<RotatedKeys>> {
    let mut sealing = Vec::new();
    for service in SERVICES {
        let url = database_url(folder, database, service);
        let db = Db::connect(&liaison_store::DatabaseSettings::new(url)).await?;
        if sealed::is_there(&db).await? {
            let keys = folder.keys_of(service).sealing;
            // Before anything is made: what was sealed so far has to open.
            KeyRing::read(&keys)?;
            sealing.push((service, keys, db));
        } else {
            db.close().await?;
        }
    }
    let mut rotated = Vec::new();
    for (service, keys, db) in &sealing {
        if !resume {
            KeyRing::generate(keys, random)?;
        }
        let ring = KeyRing::read(keys)?;
        let done = sealed::rewrap(db, &ring, random, sealed::MAX_BATCH, |_| true).await?;
        rotated.push((*service, ring, done.rewrapped));
    }
    tokio::time::sleep(settle).await;
    let mut done = Vec::new();
    for ((service, ring, moved), (_, _, db)) in rotated.into_iter().zip(sealing) {
        let since = sealed::rewrap(&db, &ring, random, sealed::MAX_BATCH, |_| true).await?;
        let version = ring.active();
        let old = sealed::versions(db.reader()).await?.into_iter();
        done.push(RotatedKeys {
            service,
            version,
            moved: moved + since.rewrapped,
            left: old.filter(|(of, _)| *of != version).map(|(_, n)| n).sum(),
        });
        db.close().await?;
    }
    Ok(done)
}

/// The parties that work on one machine: services, units, desks, and the samples' bureaus.
#[must_use]
pub fn local_parties() -> Vec<Party> {
    let mut bureaus: Vec<&str> = crate::samples::ALL
        .iter()
        .map(|sample| sample.bureau)
        .collect();
    bureaus.sort_unstable();
    bureaus.dedup();
    SERVICES
        .iter()
        .map(|name| Party::service(name))
        .chain(LOCAL_PARTIES.iter().filter_map(|party| party.parse().ok()))
        .chain(
            bureaus
                .iter()
                .filter_map(|code| format!("bureau/{code}").parse().ok()),
        )
        .collect()
}

/// The settings of one service within a suite.
///
/// # Errors
/// Everything that is wrong with the environment, as text.
pub fn settings<S: Service>(
    suite: &SuiteSettings,
    peers: &BTreeMap<&'static str, SocketAddr>,
    listen: SocketAddr,
) -> std::result::Result<Settings<S::Settings>, String> {
    let identity = suite.folder.identity_of(&Party::service(S::NAME));
    let keys = suite.folder.keys_of(S::NAME);
    let mut loader = Loader::new(S::DEFAULTS)
        .environment(
            suite
                .environment
                .iter()
                .filter(|(name, _)| concerns::<S>(name))
                .cloned(),
        )
        .set("server.listen", listen.to_string())
        .set(
            "server.health_listen",
            SocketAddr::new(listen.ip(), 0).to_string(),
        )
        .set(
            "identity.certificate",
            identity.certificate.display().to_string(),
        )
        .set("identity.key", identity.key.display().to_string())
        .set(
            "identity.authority",
            identity.authority.display().to_string(),
        )
        .set("keys.signing", keys.signing.display().to_string())
        .set("keys.sealing", keys.sealing.display().to_string())
        .set("database.url", suite.database_url(S::NAME))
        .set("database.migrate_on_start", "true")
        .set("telemetry.log", suite.log.clone());
    if let Some(revocations) = &identity.revocations {
        loader = loader.set("identity.revocations", revocations.display().to_string());
    }
    if let Some(collector) = &suite.collector {
        loader = loader.set("telemetry.endpoint", collector.clone());
    }
    for (name, address) in peers {
        loader = loader.set(format!("peers.{name}"), format!("https://{address}"));
    }
    let mut settings = loader
        .load::<S::Settings>()
        .map_err(|problems| problems.to_string())?;
    settings.shutdown = ShutdownSettings::prompt();
    Ok(settings)
}

/// Whether a variable is a setting that service `S` knows: `LIAISON__SECTION__KEY` of any section but
/// another service's.
fn concerns<S: Service>(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    let mut parts = name.split("__");
    let (Some("LIAISON"), Some(section), Some(_)) = (parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let section = section.to_lowercase();
    section == S::NAME || !SERVICES.contains(&section.as_str())
}

fn database_url(folder: &Folder, template: Option<&str>, name: &str) -> String {
    match template {
        Some(template) => template.replace("{service}", name),
        None => format!("sqlite://{}", folder.database_of(name).display()),
    }
}

impl SuiteSettings {
    /// Where the service `name` keeps its data.
    #[must_use]
    pub fn database_url(&self, name: &str) -> String {
        database_url(&self.folder, self.database.as_deref(), name)
    }

    fn listen(&self, index: u16) -> SocketAddr {
        let port = if self.port == 0 {
            0
        } else {
            self.port.saturating_add(index)
        };
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
    }
}

impl Suite {
    /// Starts all four and returns when each is ready; writes their addresses into the folder.
    ///
    /// # Errors
    /// The first thing that stands in the way. What was started is stopped again.
    pub async fn start(settings: &SuiteSettings, ambient: &Ambient) -> Result<Self> {
        fs::create_dir_all(settings.folder.path()).map_err(Error::internal)?;
        // All four sockets are bound first: then every service knows where the others will be.
        let mut listeners = Vec::new();
        let mut peers = BTreeMap::new();
        for (index, name) in (0_u16..).zip(SERVICES) {
            let bound = Listeners::bind(&liaison_grpc::ServerSettings {
                listen: settings.listen(index),
                health_listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
                ..liaison_grpc::ServerSettings::default()
            })?;
            peers.insert(name, bound.address()?);
            listeners.push(bound);
        }
        let peers = Arc::new(peers);
        let mut starting: Vec<BoxFuture<'_, Result<(&'static str, Hosted)>>> = Vec::new();
        for (name, listeners) in SERVICES.into_iter().zip(listeners) {
            let peers = Arc::clone(&peers);
            starting.push(match name {
                Intake::NAME => host::<Intake>(settings, peers, listeners, ambient).boxed(),
                Classification::NAME => {
                    host::<Classification>(settings, peers, listeners, ambient).boxed()
                }
                Routing::NAME => host::<Routing>(settings, peers, listeners, ambient).boxed(),
                _ => host::<Notification>(settings, peers, listeners, ambient).boxed(),
            });
        }
        let hosted = try_join_all(starting).await?;
        settings
            .folder
            .write_addresses(&peers)
            .map_err(Error::internal)?;
        Ok(Self { hosted })
    }

    /// Name and address of each service.
    pub fn addresses(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> + '_ {
        self.hosted
            .iter()
            .map(|(name, hosted)| (*name, hosted.address()))
    }

    /// The lives of all four.
    #[must_use]
    pub fn lifecycles(&self) -> Vec<Lifecycle> {
        self.hosted
            .iter()
            .map(|(_, hosted)| hosted.lifecycle())
            .collect()
    }

    /// Waits until all four have ended. When one ends, the others are stopped too: a suite with a
    /// part missing helps nobody. Returns the first ending that was not asked for, if any.
    pub async fn ended(self) -> Option<(&'static str, Outcome)> {
        let lifecycles = self.lifecycles();
        let mut left: Vec<BoxFuture<'static, (&'static str, Outcome)>> = self
            .hosted
            .into_iter()
            .map(|(name, hosted)| async move { (name, hosted.ended().await) }.boxed())
            .collect();
        let mut fault = None;
        while !left.is_empty() {
            let ((name, outcome), _, rest) = select_all(left).await;
            left = rest;
            if fault.is_none() && outcome != Outcome::Clean {
                fault = Some((name, outcome));
            }
            for lifecycle in &lifecycles {
                lifecycle.stop();
            }
        }
        fault
    }
}

async fn host<S: Service>(
    suite: &SuiteSettings,
    peers: Arc<BTreeMap<&'static str, SocketAddr>>,
    listeners: Listeners,
    ambient: &Ambient,
) -> Result<(&'static str, Hosted)> {
    let own = listeners.address()?;
    let settings = settings::<S>(suite, &peers, own).map_err(wrong_settings)?;
    let threads = NonZeroUsize::MIN;
    let hosted = Hosted::start::<S>(settings, listeners, ambient.clone(), threads).await?;
    Ok((S::NAME, hosted))
}

/// What is wrong with the settings, as the fault of whoever gave them.
fn wrong_settings(problems: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, Reason::SettingInvalid).message(problems)
}

/// Brings the databases of all four services up to date and says which migrations were applied.
///
/// # Errors
/// Where the setting of the databases is wrong, one does not answer, or a migration fails.
pub async fn migrate(suite: &SuiteSettings) -> Result<Vec<(&'static str, Vec<String>)>> {
    // One template makes all four settings: what is wrong with the first is wrong with all.
    let first = liaison_store::DatabaseSettings::new(suite.database_url(Intake::NAME));
    let mut problems = Problems::default();
    problems.violations("database", first.violations(""));
    if !problems.is_empty() {
        return Err(wrong_settings(problems.to_string()));
    }
    fs::create_dir_all(suite.folder.path()).map_err(Error::internal)?;
    let database = |name| liaison_store::DatabaseSettings::new(suite.database_url(name));
    Ok(vec![
        (
            Intake::NAME,
            migrate_one::<Intake>(&database(Intake::NAME)).await?,
        ),
        (
            Classification::NAME,
            migrate_one::<Classification>(&database(Classification::NAME)).await?,
        ),
        (
            Routing::NAME,
            migrate_one::<Routing>(&database(Routing::NAME)).await?,
        ),
        (
            Notification::NAME,
            migrate_one::<Notification>(&database(Notification::NAME)).await?,
        ),
    ])
}

async fn migrate_one<S: Service>(
    database: &liaison_store::DatabaseSettings,
) -> Result<Vec<String>> {
    liaison_store::migrate::<S::Migrator>(database).await
}

/// A folder that did not exist, is private to this user and is removed at the end unless kept.
///
/// # Errors
/// Where it cannot be made.
pub fn temporary_folder(random: &dyn Random) -> io::Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("liaison-{:016x}", random.next_u64()));
    create_private(&path)?;
    Ok(path)
}

fn create_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(0o700).create(path)
}
