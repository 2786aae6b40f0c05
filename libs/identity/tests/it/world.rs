//! An authority in a folder, a clock, and two ends of a connection.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use liaison_identity::{
    CertificateAuthority, ClientStream, Existing, HandshakeError, Identity, IdentitySettings,
    Issued, Peer, ServerStream, TlsAcceptor, TlsConnector,
};
use liaison_types::{Clock as _, ManualClock, Party, SeededRandom, Timestamp};
use rcgen::{CertificateParams, Issuer, KeyPair, SanType};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const DAY: Duration = Duration::from_secs(86_400);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

pub(crate) type Accepted = Result<(ServerStream<TcpStream>, Peer), HandshakeError>;
pub(crate) type Connected = Result<ClientStream<TcpStream>, HandshakeError>;

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) authority: CertificateAuthority,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) random: SeededRandom,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::seeded(1)
    }

    pub(crate) fn seeded(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let random = SeededRandom::new(seed);
        let now = Timestamp::parse_rfc3339("2026-03-01T08:00:00Z").unwrap();
        let authority =
            CertificateAuthority::create(folder.path(), 365 * DAY, now, &random).unwrap();
        Self {
            folder,
            authority,
            clock: Arc::new(ManualClock::new(now)),
            random,
        }
    }

    pub(crate) fn issue(&self, party: &str, hosts: &[&str], validity: Duration) -> Issued {
        let hosts: Vec<_> = hosts.iter().map(|host| host.parse().unwrap()).collect();
        let party = party.parse().unwrap();
        self.authority
            .issue(&party, &hosts, validity, self.clock.now(), &self.random)
            .unwrap()
    }

    /// Issues and loads, valid for thirty days.
    pub(crate) fn identity(&self, party: &str) -> Identity {
        self.identity_with(party, &["localhost", "127.0.0.1"], 30 * DAY)
    }

    pub(crate) fn identity_with(&self, party: &str, hosts: &[&str], valid: Duration) -> Identity {
        let settings = self
            .issue(party, hosts, valid)
            .write(self.folder.path(), Existing::Replace)
            .unwrap();
        Identity::load(&settings, self.clock.clone()).unwrap()
    }

    pub(crate) fn settings(&self, party: &str) -> IdentitySettings {
        IdentitySettings::in_folder(self.folder.path(), &party.parse().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A certificate that `CertificateAuthority::issue` would never make, signed by the same key.
    pub(crate) fn odd(&self, change: impl FnOnce(&mut CertificateParams)) -> RawCertificate {
        let key = KeyPair::from_pem(&read(self.path("ca-key.pem"))).unwrap();
        let issuer = Issuer::from_ca_cert_pem(self.authority.certificate_pem(), key).unwrap();
        let mut params = CertificateParams::default();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        RawCertificate {
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        }
    }

    pub(crate) fn with_uris(&self, uris: &[&str]) -> RawCertificate {
        self.odd(|params| {
            params.subject_alt_names = uris
                .iter()
                .map(|uri| SanType::URI((*uri).try_into().unwrap()))
                .collect();
        })
    }

    /// A TLS client that is not ours, with or without a certificate, trusting this authority.
    pub(crate) fn foreign_client(
        &self,
        certificate: Option<&RawCertificate>,
        version: &'static rustls::SupportedProtocolVersion,
        alpn: &[&[u8]],
    ) -> tokio_rustls::TlsConnector {
        let mut roots = RootCertStore::empty();
        let pem = self.authority.certificate_pem();
        roots
            .add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
            .unwrap();
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match certificate {
            None => builder.with_no_client_auth(),
            Some(own) => builder
                .with_client_auth_cert(own.chain(), own.key())
                .unwrap(),
        };
        config.time_provider = Arc::new(At(self.clock.now()));
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        tokio_rustls::TlsConnector::from(Arc::new(config))
    }
}

pub(crate) struct RawCertificate {
    pub(crate) pem: String,
    pub(crate) key_pem: String,
}

impl RawCertificate {
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(self.pem.as_bytes())
            .collect::<Result<_, _>>()
            .unwrap()
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes()).unwrap()
    }
}

/// A time for a foreign end.
#[derive(Debug)]
pub(crate) struct At(pub(crate) Timestamp);

impl rustls::time_provider::TimeProvider for At {
    fn current_time(&self) -> Option<rustls::pki_types::UnixTime> {
        let seconds = self.0.to_seconds_and_nanos().0.try_into().unwrap();
        Some(rustls::pki_types::UnixTime::since_unix_epoch(
            Duration::from_secs(seconds),
        ))
    }
}

pub(crate) fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

pub(crate) fn party(text: &str) -> Party {
    text.parse().unwrap()
}

pub(crate) fn read(path: PathBuf) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// Lets the two meet on a socket of this machine; the client dials `host`.
pub(crate) async fn meet(
    acceptor: &TlsAcceptor,
    connector: &TlsConnector,
    host: &str,
) -> (Accepted, Connected) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let accept = async {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        acceptor.accept(stream).await
    };
    tokio::join!(accept, connector.connect(host, port))
}

/// Lets a client that is not ours come to our server.
pub(crate) async fn meet_foreign(
    acceptor: &TlsAcceptor,
    client: &tokio_rustls::TlsConnector,
) -> (Accepted, std::io::Result<ClientStream<TcpStream>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accept = async {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        acceptor.accept(stream).await
    };
    let connect = async {
        let stream = TcpStream::connect(address).await.unwrap();
        client
            .connect(ServerName::try_from("localhost").unwrap(), stream)
            .await
    };
    tokio::join!(accept, connect)
}

/// One byte from the server to the client, which makes the client read the session tickets and
/// any alert that came before.
pub(crate) async fn greet(
    server: &mut ServerStream<TcpStream>,
    client: &mut ClientStream<TcpStream>,
) {
    server.write_all(b"!").await.unwrap();
    server.flush().await.unwrap();
    let mut byte = [0];
    client.read_exact(&mut byte).await.unwrap();
    assert_eq!(byte, *b"!");
}

/// The error a client reads when the server refused it after the client's own handshake was done.
pub(crate) async fn alert(connected: Connected) -> String {
    let mut stream = connected.expect("the client's side of the handshake was done");
    let mut byte = [0];
    stream.read_exact(&mut byte).await.unwrap_err().to_string()
}
