//! One consistent state of the files: what is swapped as a whole when they change.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use liaison_types::{Clock, Timestamp};
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use rustls::server::ServerSessionMemoryCache;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use crate::certificate::{Peer, name_of, parse};
use crate::chain::{Chain, Side, unix_time};
use crate::error::{IdentityError, Refusal};
use crate::expiry::{Validity, ValidityKind};
use crate::files;
use crate::settings::IdentitySettings;
use crate::verifier::{ClientVerifier, ServerCheck, ServerVerifier};

/// The only protocol spoken inside TLS.
pub(crate) const HTTP2: &[u8] = b"h2";

/// How many sessions a server remembers for resumption, about a kilobyte each. When more clients
/// come than this, the oldest do a full handshake.
const SESSIONS: usize = 4096;

/// The files as they were read, kept to tell whether they changed.
#[derive(PartialEq, Eq)]
struct Sources {
    certificate: Vec<u8>,
    key: Vec<u8>,
    authority: Vec<u8>,
    revocations: Option<Vec<u8>>,
}

/// Everything made from one reading of the files.
pub(crate) struct Loaded {
    sources: Sources,
    pub(crate) own: Peer,
    pub(crate) chain: Arc<Chain>,
    pub(crate) server: Arc<ServerConfig>,
    /// Everything that ends, the own certificate first.
    pub(crate) validities: Vec<Validity>,
    /// Which reading this is, counted from zero.
    pub(crate) generation: u64,
    key: Arc<SingleCertAndKey>,
    provider: Arc<CryptoProvider>,
    time: Arc<ClockTime>,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("own", &self.own)
            .finish_non_exhaustive()
    }
}

impl Loaded {
    /// Reads and checks the files. `None` where they hold the same bytes as `previous`.
    pub(crate) fn read(
        settings: &IdentitySettings,
        clock: &Arc<dyn Clock>,
        previous: Option<&Self>,
    ) -> Result<Option<Self>, IdentityError> {
        for (name, path) in [
            ("certificate", &settings.certificate),
            ("key", &settings.key),
            ("authority", &settings.authority),
        ] {
            if path.as_os_str().is_empty() {
                return Err(IdentityError::Unset(name));
            }
        }
        let sources = Sources {
            certificate: files::read(&settings.certificate)?,
            key: files::read(&settings.key)?,
            authority: files::read(&settings.authority)?,
            revocations: settings
                .revocations
                .as_deref()
                .map(files::read)
                .transpose()?,
        };
        if previous.is_some_and(|previous| previous.sources == sources) {
            return Ok(None);
        }
        let generation = previous.map_or(0, |previous| previous.generation + 1);
        Self::build(settings, sources, generation, clock).map(Some)
    }

    fn build(
        settings: &IdentitySettings,
        sources: Sources,
        generation: u64,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, IdentityError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let (chain, trusted) = trust(settings, &sources, &provider)?;
        let (certified, own) = own(settings, &sources, &provider, &chain, clock.now())?;
        let mut validities = vec![Validity {
            kind: ValidityKind::Own,
            name: own.party.to_string(),
            until: own.not_after,
        }];
        for intermediate in certified.cert.iter().skip(1) {
            // The chain was verified with it: it can be read.
            validities.extend(validity(ValidityKind::Intermediate, intermediate).ok());
        }
        validities.extend(trusted);
        let key = Arc::new(SingleCertAndKey::from(certified));
        let time = Arc::new(ClockTime(Arc::clone(clock)));

        let mut server = ServerConfig::builder_with_details(provider.clone(), time.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(IdentityError::Tls)?
            .with_client_cert_verifier(Arc::new(ClientVerifier(Arc::clone(&chain))))
            .with_cert_resolver(key.clone());
        server.alpn_protocols = vec![HTTP2.to_vec()];
        // Sessions live in this configuration and die with it: after a reload everybody is
        // introduced anew, to the new authority and the new revocation list. They are kept in
        // memory and used once; tickets that hold the session themselves could be used again by
        // whoever copied one, and would outlive the reload.
        server.session_storage = ServerSessionMemoryCache::new(SESSIONS);
        // One connection per client and server is the rule in HTTP/2, so one ticket is enough.
        server.send_tls13_tickets = 1;
        // Early data could be replayed, and arrives before the client is known to be live.
        server.max_early_data_size = 0;

        Ok(Self {
            sources,
            own,
            chain,
            server: Arc::new(server),
            validities,
            generation,
            key,
            provider,
            time,
        })
    }

    /// A client configuration that accepts only servers that pass `check`. It has a session store
    /// of its own, so a session made under one check is never offered under another.
    pub(crate) fn client(&self, check: ServerCheck) -> Result<Arc<ClientConfig>, rustls::Error> {
        let verifier = ServerVerifier {
            chain: Arc::clone(&self.chain),
            check,
        };
        let mut client =
            ClientConfig::builder_with_details(self.provider.clone(), self.time.clone())
                .with_protocol_versions(&[&rustls::version::TLS13])?
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_client_cert_resolver(self.key.clone());
        client.alpn_protocols = vec![HTTP2.to_vec()];
        client.resumption = Resumption::in_memory_sessions(64);
        client.enable_early_data = false;
        Ok(Arc::new(client))
    }
}

/// The authorities and the revocation lists, and until when they are good.
fn trust(
    settings: &IdentitySettings,
    sources: &Sources,
    provider: &CryptoProvider,
) -> Result<(Arc<Chain>, Vec<Validity>), IdentityError> {
    let path = settings.authority.as_path();
    let malformed = || content(path, "authority certificate");
    let mut authorities = RootCertStore::empty();
    let mut validities = Vec::new();
    for authority in all_of::<CertificateDer<'static>>(&sources.authority).ok_or_else(malformed)? {
        let until = validity(ValidityKind::Authority, &authority).map_err(|_| malformed())?;
        validities.push(until);
        authorities.add(authority).map_err(|_| malformed())?;
    }

    let lists: Vec<CertificateRevocationListDer<'static>> =
        match (&sources.revocations, settings.revocations.as_deref()) {
            (Some(bytes), Some(path)) => {
                all_of(bytes).ok_or_else(|| content(path, "revocation list"))?
            }
            _ => Vec::new(),
        };
    let path = settings.revocations.as_deref().unwrap_or(Path::new(""));
    let malformed = || content(path, "revocation list");
    for list in &lists {
        let (_, parsed) = CertificateRevocationList::from_der(list).map_err(|_| malformed())?;
        validities.extend(parsed.next_update().map(|next| Validity {
            kind: ValidityKind::RevocationList,
            name: name_of(parsed.issuer()),
            until: Timestamp::from_seconds(next.timestamp()),
        }));
    }
    let chain = Chain::new(
        authorities,
        &lists,
        provider.signature_verification_algorithms,
    )
    .map_err(|_| malformed())?;
    Ok((Arc::new(chain), validities))
}

/// Until when a certificate is valid. Two authorities may have one name: the serial number tells
/// them apart.
fn validity(kind: ValidityKind, certificate: &CertificateDer<'_>) -> Result<Validity, Refusal> {
    let parsed = parse(certificate)?;
    let serial: String = parsed
        .raw_serial()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let serial = serial.trim_start_matches('0');
    Ok(Validity {
        kind,
        name: format!(
            "{} ({})",
            name_of(parsed.subject()),
            serial.get(..8).unwrap_or(serial)
        ),
        until: Timestamp::from_seconds(parsed.validity().not_after.timestamp()),
    })
}

/// The own certificate and key, checked the way every peer will check them: a mistake is better
/// found here, with a file name, than in every handshake.
fn own(
    settings: &IdentitySettings,
    sources: &Sources,
    provider: &CryptoProvider,
    chain: &Chain,
    now: Timestamp,
) -> Result<(CertifiedKey, Peer), IdentityError> {
    let path = settings.certificate.as_path();
    let shown: Vec<CertificateDer<'static>> =
        all_of(&sources.certificate).ok_or_else(|| content(path, "certificate"))?;
    let key = PrivateKeyDer::from_pem_slice(&sources.key)
        .ok()
        .and_then(|key| provider.key_provider.load_private_key(key).ok())
        .ok_or_else(|| content(&settings.key, "private key"))?;
    let certified = CertifiedKey::new(shown, key);
    certified
        .keys_match()
        .map_err(|_| IdentityError::KeyMismatch {
            certificate: settings.certificate.clone(),
            key: settings.key.clone(),
        })?;

    let unusable = |source| IdentityError::Unusable {
        path: path.to_owned(),
        source,
    };
    let peer = match chain.client(&certified.cert, now) {
        // Loaded all the same: otherwise the list that revokes this certificate would never take
        // effect for the others it names. Every peer with that list refuses us.
        Err(Refusal::Revoked) => Peer::of(&certified.cert).map_err(unusable)?,
        other => other.map_err(unusable)?,
    };
    if matches!(peer.party, liaison_types::Party::Service(_)) {
        match chain.verify(&certified.cert[0], &certified.cert[1..], Side::Server, now) {
            Ok(()) | Err(Refusal::Revoked) => {}
            Err(source) => return Err(unusable(source)),
        }
    }
    Ok((certified, peer))
}

/// Every object of one kind in a PEM file; `None` where there is none or one is damaged.
fn all_of<T: PemObject>(pem: &[u8]) -> Option<Vec<T>> {
    let all: Vec<T> = T::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
    (!all.is_empty()).then_some(all)
}

fn content(path: &Path, expected: &'static str) -> IdentityError {
    IdentityError::Content {
        path: path.to_owned(),
        expected,
    }
}

/// Our clock as rustls wants it.
#[derive(Debug)]
struct ClockTime(Arc<dyn Clock>);

impl TimeProvider for ClockTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix_time(self.0.now()))
    }
}
