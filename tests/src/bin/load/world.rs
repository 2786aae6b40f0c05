//! Certificates, databases and addresses of a measurement.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use liaison_grpc::{Channel, ClientSettings, Methods};
use liaison_identity::{CertificateAuthority, Existing, Host, Identity, IdentitySettings};
use liaison_runtime::{KeySettings, create_missing};
use liaison_telemetry::Instruments;
use liaison_types::{Clock as _, Party, SystemClock, SystemRandom};
use sea_orm::ConnectionTrait as _;
use tempfile::TempDir;

use crate::Result;

/// Names the PostgreSQL to measure on, as a superuser.
pub(crate) const POSTGRES: &str = "LIAISON_TEST_POSTGRES_URL";

/// The workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(PathBuf::new, Path::to_owned)
}

/// Where pgbench is: on the path, or where the distribution keeps the server's programs.
pub(crate) fn pgbench() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut versions: Vec<PathBuf> = installed.map(|entry| entry.path().join("bin")).collect();
    versions.sort();
    std::env::split_paths(&path)
        .chain(versions.into_iter().rev())
        .map(|folder| folder.join("pgbench"))
        .find(|program| program.exists())
        .ok_or_else(|| "pgbench is not on the path; install PostgreSQL's client programs".into())
}

/// A folder with an authority.
#[derive(Debug)]
pub(crate) struct World {
    path: PathBuf,
    authority: CertificateAuthority,
    /// Removes the folder at the end where it is our own.
    _folder: Option<TempDir>,
}

impl World {
    /// A new one.
    pub(crate) fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let authority = CertificateAuthority::create(
            folder.path(),
            CertificateAuthority::VALIDITY,
            SystemClock.now(),
            &SystemRandom,
        )?;
        Ok(Self {
            path: folder.path().to_owned(),
            authority,
            _folder: Some(folder),
        })
    }

    /// The one in `path`, which somebody else made.
    pub(crate) fn load(path: PathBuf) -> Result<Self> {
        Ok(Self {
            authority: CertificateAuthority::load(&path)?,
            path,
            _folder: None,
        })
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A certificate for `party`.
    pub(crate) fn issue(&self, party: &Party) -> Result<IdentitySettings> {
        let hosts: Vec<Host> = match party {
            Party::Service(_) => vec!["localhost".parse()?, "127.0.0.1".parse()?],
            _ => Vec::new(),
        };
        let validity = CertificateAuthority::CERTIFICATE_VALIDITY;
        let issued =
            self.authority
                .issue(party, &hosts, validity, SystemClock.now(), &SystemRandom)?;
        Ok(issued.write(self.path(), Existing::Replace)?)
    }

    /// The identity of `party`.
    pub(crate) fn identity(&self, party: &Party) -> Result<Identity> {
        Ok(Identity::load(&self.issue(party)?, Arc::new(SystemClock))?)
    }

    /// A channel of `party` to the service `name` at `address`.
    pub(crate) fn channel(&self, party: &str, name: &str, address: SocketAddr) -> Result<Channel> {
        let identity = self.identity(&party.parse()?)?;
        Ok(liaison_grpc::client::connect(
            &format!("https://{address}"),
            identity.connector(Party::service(name)),
            &ClientSettings::default(),
            &Methods::liaison(),
            &Instruments::none(),
        )?)
    }

    /// The environment of the service `name` at `listen`, with its database and its peers.
    pub(crate) fn environment(
        &self,
        name: &str,
        listen: SocketAddr,
        database: &str,
        peers: &BTreeMap<&str, SocketAddr>,
    ) -> Result<BTreeMap<String, String>> {
        let identity = self.issue(&Party::service(name))?;
        let keys = KeySettings::in_folder(self.path(), name);
        create_missing(&keys, &SystemRandom)?;
        let mut environment: BTreeMap<String, String> = [
            ("SERVER__LISTEN", listen.to_string()),
            ("SERVER__HEALTH_LISTEN", "127.0.0.1:0".to_owned()),
            // The measured parties are few and each calls more often than anybody would.
            ("SERVER__LIMITS__PARTY_RATE", "0".to_owned()),
            ("DATABASE__URL", database.to_owned()),
            ("DATABASE__MIGRATE_ON_START", "true".to_owned()),
            (
                "IDENTITY__CERTIFICATE",
                identity.certificate.display().to_string(),
            ),
            ("IDENTITY__KEY", identity.key.display().to_string()),
            (
                "IDENTITY__AUTHORITY",
                identity.authority.display().to_string(),
            ),
            ("KEYS__SIGNING", keys.signing.display().to_string()),
            ("KEYS__SEALING", keys.sealing.display().to_string()),
            ("TELEMETRY__LOG", "warn".to_owned()),
        ]
        .into_iter()
        .map(|(key, value)| (format!("LIAISON__{key}"), value))
        .collect();
        for (peer, address) in peers {
            if *peer != name {
                let key = format!("LIAISON__PEERS__{}", peer.to_uppercase());
                environment.insert(key, format!("https://{address}"));
            }
        }
        Ok(environment)
    }
}

/// A fresh database named after what it is for; gone with the cluster.
pub(crate) async fn postgres(name: &str) -> Result<String> {
    let admin = std::env::var(POSTGRES).map_err(|_| format!("{POSTGRES} is not set"))?;
    let db = sea_orm::Database::connect(&admin).await?;
    let name = format!("load_{name}");
    // Whoever was measured on it before is gone, and their connections may not be.
    db.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        .await?;
    db.execute_unprepared(&format!("CREATE DATABASE {name}"))
        .await?;
    let mut url: url::Url = admin.parse()?;
    url.set_path(&name);
    Ok(url.to_string())
}

/// Has the cluster write what earlier measurements left to be written, so that the next does not wait for it.
pub(crate) async fn checkpoint(database: &str) -> Result<()> {
    let db = sea_orm::Database::connect(database).await?;
    db.execute_unprepared("CHECKPOINT").await?;
    Ok(())
}

/// `fsync` and `synchronous_commit` as the cluster has them.
pub(crate) async fn durability(database: &str) -> Result<(String, String)> {
    let db = sea_orm::Database::connect(database).await?;
    let mut found = Vec::new();
    for setting in ["fsync", "synchronous_commit"] {
        let statement = sea_orm::Statement::from_string(
            sea_orm::DbBackend::Postgres,
            format!("SELECT current_setting('{setting}') AS value"),
        );
        let row = db
            .query_one_raw(statement)
            .await?
            .ok_or("the server does not answer")?;
        found.push(row.try_get::<String>("", "value")?);
    }
    match <[String; 2]>::try_from(found) {
        Ok([fsync, commit]) => Ok((fsync, commit)),
        Err(_) => Err("the server does not answer".into()),
    }
}
