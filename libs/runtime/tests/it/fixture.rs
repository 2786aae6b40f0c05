//! A folder with certificates and a database, and a caller.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use liaison_grpc::client::connect;
use liaison_grpc::{Channel, ClientSettings, Methods};
use liaison_identity::{CertificateAuthority, Existing, Identity, IdentitySettings};
use liaison_runtime::{
    Ambient, KeySettings, Listeners, Loader, Problems, Running, Settings, create_missing, start,
};
use liaison_telemetry::Instruments;
use liaison_types::{Clock, Party, Result, SystemClock, SystemRandom};
use tempfile::TempDir;
use tonic_prost::ProstCodec;

use crate::sample::{DEFAULTS, METHOD, Sample, SampleSettings};

pub(crate) struct Fixture {
    folder: TempDir,
}

impl Fixture {
    /// Certificates for the sample service and a bureau, and no database yet.
    pub(crate) fn new() -> Self {
        let fixture = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let validity = CertificateAuthority::VALIDITY;
        CertificateAuthority::create(fixture.path(), validity, SystemClock.now(), &SystemRandom)
            .unwrap();
        fixture.issue("service/sample");
        fixture.issue("bureau/NB-FR");
        fixture
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Issues a certificate, replacing the one that is there.
    pub(crate) fn issue(&self, party: &str) {
        let authority = CertificateAuthority::load(self.path()).unwrap();
        authority
            .issue(
                &party.parse().unwrap(),
                &[],
                CertificateAuthority::CERTIFICATE_VALIDITY,
                SystemClock.now(),
                &SystemRandom,
            )
            .unwrap()
            .write(self.path(), Existing::Replace)
            .unwrap();
    }

    fn files(&self, party: &str) -> IdentitySettings {
        IdentitySettings::in_folder(self.path(), &party.parse().unwrap())
    }

    /// What the sample service needs to be told here, as `section.key` and value.
    pub(crate) fn values(&self) -> Vec<(String, String)> {
        let files = self.files("service/sample");
        let keys = KeySettings::in_folder(&self.path().join("keys"), "sample");
        create_missing(&keys, &SystemRandom).unwrap();
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        [
            ("identity.certificate", text(files.certificate)),
            ("identity.key", text(files.key)),
            ("identity.authority", text(files.authority)),
            ("keys.signing", text(keys.signing)),
            ("keys.sealing", text(keys.sealing)),
            (
                "database.url",
                format!("sqlite://{}", text(self.path().join("sample.db"))),
            ),
            ("database.migrate_on_start", "true".to_owned()),
            ("shutdown.drain_delay", "0s".to_owned()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }

    /// Settings of the sample service, with `more` on top.
    pub(crate) fn settings(&self, more: &[(&str, &str)]) -> Settings<SampleSettings> {
        self.load(more).unwrap()
    }

    pub(crate) fn load(&self, more: &[(&str, &str)]) -> Result<Settings<SampleSettings>, Problems> {
        let mut loader = Loader::new(DEFAULTS);
        for (key, value) in self.values() {
            loader = loader.set(key, value);
        }
        for (key, value) in more {
            loader = loader.set(*key, *value);
        }
        loader.load()
    }

    /// Starts the sample service on this runtime.
    pub(crate) async fn start(&self, more: &[(&str, &str)]) -> Result<Running> {
        let settings = self.settings(more);
        let listeners = Listeners::bind(&settings.server)?;
        start::<Sample>(settings, listeners, Ambient::default()).await
    }

    /// The bureau's channel to the sample service at `address`.
    pub(crate) fn channel(&self, address: SocketAddr) -> Channel {
        self.channel_of("bureau/NB-FR", address)
    }

    /// The channel of a party that has a certificate.
    pub(crate) fn channel_of(&self, party: &str, address: SocketAddr) -> Channel {
        let identity = Identity::load(&self.files(party), Arc::new(SystemClock)).unwrap();
        let service: Party = "service/sample".parse().unwrap();
        let settings = ClientSettings {
            connect_timeout: Duration::from_secs(1),
            ..ClientSettings::default()
        };
        connect(
            &format!("https://{address}"),
            identity.connector(service),
            &settings,
            &Methods::liaison(),
            &Instruments::none(),
        )
        .unwrap()
    }
}

/// Calls the sample service's method.
pub(crate) async fn call(channel: Channel) -> Result<(), tonic::Status> {
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await?;
    let codec = ProstCodec::<(), ()>::default();
    grpc.unary(
        tonic::Request::new(()),
        PathAndQuery::from_static(METHOD),
        codec,
    )
    .await
    .map(|_| ())
}
