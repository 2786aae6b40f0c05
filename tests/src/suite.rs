//! All four services under test.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use liaison_grpc::{Probe, probe};
use liaison_identity::{CertificateAuthority, Existing, Host, IdentitySettings};
use liaison_runtime::{KeySettings, create_missing};
use liaison_testkit::eventually;
use liaison_types::{Clock as _, Party, SystemClock, SystemRandom};
use tempfile::TempDir;
use tokio::task::block_in_place;

use crate::PATIENCE;
use crate::addresses::{Addresses, SERVICES, free};
use crate::client::Client;
use crate::database::Databases;
use crate::process::Process;
use crate::program;
use liaison_testkit::backend::Backend;

/// How the services are spread over processes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layout {
    /// `liaison up`: all in one.
    Together,
    /// Each its own, as in production.
    Apart,
}

/// A running suite with its own certificates and databases. Everything goes when this is dropped.
#[derive(Debug)]
pub struct Suite {
    // In the order in which they have to go: processes, databases, folder.
    processes: Vec<Process>,
    databases: Databases,
    addresses: Addresses,
    layout: Layout,
    settings: Vec<(String, String)>,
    folder: TempDir,
}

impl Suite {
    /// Starts `liaison up` and waits until it is ready. Needs a runtime of several threads.
    ///
    /// # Panics
    /// Where it does not become ready, with its log.
    pub async fn up(backend: Backend) -> Self {
        Self::start(backend, Layout::Together, &[]).await
    }

    /// Starts the services spread like that, with further settings: variables without the prefix
    /// `LIAISON__`, for example `("TELEMETRY__ENDPOINT", "http://127.0.0.1:4317")`.
    ///
    /// # Panics
    /// Where they do not become ready, with their logs.
    pub async fn start(backend: Backend, layout: Layout, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let databases = Databases::new(backend, folder.path()).await;
        let settings = settings
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        let anywhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        let mut suite = Self {
            processes: Vec::new(),
            databases,
            addresses: Addresses::new(SERVICES.map(|name| (name.to_owned(), anywhere))),
            layout,
            settings,
            folder,
        };
        suite.run().await;
        suite
    }

    /// Starts the services again after [`kill`](Self::kill) or [`stop`](Self::stop), on what they
    /// left behind. Addresses change: clients of before reach nobody.
    ///
    /// # Panics
    /// Where they do not become ready, with their logs.
    pub async fn run(&mut self) {
        assert!(self.processes.is_empty(), "it runs already");
        match self.layout {
            Layout::Together => self.run_together(),
            Layout::Apart => self.run_apart().await,
        }
    }

    fn run_together(&mut self) {
        let mut command = program::command("liaison");
        command
            .args(["up", "--port", "0", "--output", "json", "--dir"])
            .arg(self.folder.path());
        if let Some(template) = self.databases.template() {
            command.env("LIAISON__DATABASE_TEMPLATE", template);
        }
        self.set(&mut command);
        let mut process = Process::start("liaison", command, self.folder.path());
        let ready = block_in_place(|| {
            process.hear(PATIENCE, |said| {
                serde_json::from_str::<serde_json::Value>(said).ok()
            })
        });
        assert_eq!(ready["ready"], true, "{ready}");
        self.addresses = Addresses::new(SERVICES.map(|service| {
            let address = ready["addresses"][service]
                .as_str()
                .and_then(|text| text.parse().ok());
            (
                service.to_owned(),
                address.unwrap_or_else(|| panic!("{service} in {ready}")),
            )
        }));
        self.processes.push(process);
    }

    async fn run_apart(&mut self) {
        let free = free(2 * SERVICES.len());
        let (listen, health) = free.split_at(SERVICES.len());
        let names = SERVICES.iter().map(|name| (*name).to_owned());
        self.addresses = Addresses::new(names.zip(listen.iter().copied()));
        for ((service, listen), health) in SERVICES.iter().zip(listen).zip(health) {
            let party = Party::service(service);
            self.certify(&party);
            let identity = IdentitySettings::in_folder(&self.certificates(), &party);
            let keys = KeySettings::in_folder(&self.folder.path().join("keys"), service);
            create_missing(&keys, &SystemRandom).unwrap_or_else(|error| panic!("{error}"));
            let mut command = program::command(&format!("liaison-{service}"));
            command
                .arg("serve")
                .env("LIAISON__SERVER__LISTEN", listen.to_string())
                .env("LIAISON__SERVER__HEALTH_LISTEN", health.to_string())
                .env("LIAISON__IDENTITY__CERTIFICATE", identity.certificate)
                .env("LIAISON__IDENTITY__KEY", identity.key)
                .env("LIAISON__IDENTITY__AUTHORITY", identity.authority)
                .env("LIAISON__KEYS__SIGNING", keys.signing)
                .env("LIAISON__KEYS__SEALING", keys.sealing)
                .env("LIAISON__DATABASE__URL", self.databases.url(service))
                .env("LIAISON__DATABASE__MIGRATE_ON_START", "true")
                .env("LIAISON__SHUTDOWN__DRAIN_DELAY", "0s");
            if let Some(revocations) = identity.revocations {
                command.env("LIAISON__IDENTITY__REVOCATIONS", revocations);
            }
            for peer in SERVICES.iter().filter(|peer| *peer != service) {
                let variable = format!("LIAISON__PEERS__{}", peer.to_uppercase());
                command.env(variable, self.addresses.uri(peer));
            }
            self.set(&mut command);
            let name = format!("liaison-{service}");
            self.processes
                .push(Process::start(&name, command, self.folder.path()));
        }
        for (service, health) in SERVICES.iter().zip(health) {
            let grpc_name = grpc_name(service);
            eventually(PATIENCE, || async {
                probe(*health, &grpc_name, Duration::from_secs(1)).await == Probe::Serving
            })
            .await;
        }
    }

    fn set(&self, command: &mut Command) {
        for (key, value) in &self.settings {
            command.env(format!("LIAISON__{key}"), value);
        }
    }

    /// Ends every process as the power failing would.
    pub fn kill(&mut self) {
        for process in &mut self.processes {
            process.kill();
        }
        self.processes.clear();
    }

    /// Ends every process in order.
    ///
    /// # Panics
    /// Where one does not end, or ends with an error; with its log.
    pub fn stop(&mut self) {
        for process in &mut self.processes {
            let status = block_in_place(|| process.stop(PATIENCE));
            assert!(status.success(), "{status}:\n{}", process.log());
        }
        self.processes.clear();
    }

    /// Its processes: one, or one per service in the order of [`SERVICES`].
    pub fn processes(&mut self) -> &mut [Process] {
        &mut self.processes
    }

    /// Where the services answer.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Their databases.
    #[must_use]
    pub fn databases(&self) -> &Databases {
        &self.databases
    }

    /// The folder that `liaison up` filled.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the certificates.
    #[must_use]
    pub fn certificates(&self) -> PathBuf {
        self.folder.path().join("certificates")
    }

    /// A client that acts as `party`, for example `bureau/NB-FR`, with the usual officer.
    ///
    /// # Panics
    /// Where `party` is none.
    #[must_use]
    pub fn client(&self, party: &str) -> Client {
        let party: Party = party
            .parse()
            .unwrap_or_else(|_| panic!("{party} is no party"));
        let settings = IdentitySettings::in_folder(&self.certificates(), &party);
        if !settings.certificate.exists() {
            self.certify(&party);
        }
        Client::new(&settings, &self.addresses)
    }

    /// Issues a certificate to `party`, as `liaison certs issue` does.
    fn certify(&self, party: &Party) {
        let folder = self.certificates();
        let now = SystemClock.now();
        let life = CertificateAuthority::VALIDITY;
        let authority = CertificateAuthority::load_or_create(&folder, life, now, &SystemRandom)
            .expect("an authority can be made");
        let hosts: Vec<Host> = match party {
            Party::Service(_) => vec!["127.0.0.1".parse().expect("a host")],
            _ => Vec::new(),
        };
        authority
            .issue(
                party,
                &hosts,
                CertificateAuthority::CERTIFICATE_VALIDITY,
                now,
                &SystemRandom,
            )
            .expect("the authority issues")
            .write(&folder, Existing::Replace)
            .expect("the folder can be written");
    }

    /// Waits until nothing is under way: no event in any outbox, no case to classify.
    ///
    /// # Panics
    /// Where something still is after a while, or for ever.
    pub async fn drained(&self) {
        let mut last = std::collections::BTreeMap::new();
        let drained = tokio::time::timeout(2 * PATIENCE, async {
            loop {
                last = self.databases.under_way().await;
                if last.is_empty() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        assert!(drained.await.is_ok(), "this stays behind: {last:?}");
    }
}

/// The full name of the gRPC service of `service`.
fn grpc_name(service: &str) -> String {
    let (first, rest) = service.split_at(1);
    format!("liaison.{service}.v1.{}{rest}Service", first.to_uppercase())
}
