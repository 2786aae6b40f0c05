//! The client's side of a handshake.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::error::{HandshakeError, Refusal};
use crate::identity::Identity;
use crate::loaded::{HTTP2, Loaded};
use crate::verifier::ServerCheck;

/// An established connection. `into_inner`, `get_ref` and the `AsyncRead`/`AsyncWrite` of tokio.
pub type ClientStream<IO> = tokio_rustls::client::TlsStream<IO>;

/// Opens connections to servers that pass its check. Cheap to clone; clones share sessions.
///
/// In TLS 1.3 a client is done before the server has looked at the client's certificate. A server
/// that refuses this side therefore shows as an error of the first read, not of the connector.
#[derive(Clone)]
pub struct TlsConnector {
    identity: Identity,
    check: ServerCheck,
    dial_timeout: Duration,
    handshake_timeout: Duration,
    cached: Arc<Mutex<Option<Made>>>,
}

/// A configuration and the identity's state it was made from.
type Made = (Arc<Loaded>, Arc<ClientConfig>);

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector")
            .field("check", &self.check)
            .finish_non_exhaustive()
    }
}

impl TlsConnector {
    pub(crate) fn new(identity: Identity, check: ServerCheck) -> Self {
        Self {
            identity,
            check,
            dial_timeout: Duration::from_secs(5),
            handshake_timeout: Duration::from_secs(10),
            cached: Arc::default(),
        }
    }

    /// How long name resolution and the TCP connection may take together. 5 s unless set.
    #[must_use]
    pub fn with_dial_timeout(mut self, timeout: Duration) -> Self {
        self.dial_timeout = timeout;
        self
    }

    /// How long the TLS handshake may take. 10 s unless set.
    #[must_use]
    pub fn with_handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// [`Identity::generation`] of the identity that this one connects as.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.identity.generation()
    }

    /// Dials `host` (a DNS name or an address, IPv6 also in brackets) and performs the handshake.
    ///
    /// # Errors
    /// Where the host cannot be reached or the server fails the check.
    pub async fn connect(
        &self,
        host: &str,
        port: u16,
    ) -> Result<ClientStream<TcpStream>, HandshakeError> {
        let host = unbracketed(host);
        let stream = tokio::time::timeout(self.dial_timeout, TcpStream::connect((host, port)))
            .await
            .map_err(|_| HandshakeError::Timeout)?
            .map_err(HandshakeError::Unreachable)?;
        // Frames are written whole; waiting to fill a packet only adds delay.
        stream.set_nodelay(true).map_err(HandshakeError::Broken)?;
        self.handshake(host, stream).await
    }

    /// Performs the handshake over a connection that exists. `host` is what was dialled.
    ///
    /// # Errors
    /// As [`TlsConnector::connect`].
    pub async fn handshake<IO>(
        &self,
        host: &str,
        stream: IO,
    ) -> Result<ClientStream<IO>, HandshakeError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(unbracketed(host))
            .map_err(|_| HandshakeError::HostName)?
            .to_owned();
        let (loaded, config) = self.current()?;
        let handshake = tokio_rustls::TlsConnector::from(config).connect(name.clone(), stream);
        let stream = tokio::time::timeout(self.handshake_timeout, handshake)
            .await
            .map_err(|_| HandshakeError::Timeout)?
            .map_err(HandshakeError::from_io)?;

        let (_, connection) = stream.get_ref();
        if connection.alpn_protocol() != Some(HTTP2) {
            return Err(HandshakeError::NoHttp2);
        }
        // rustls does not ask the verifier again when a session is resumed, so we do: the server's
        // certificate may have expired or been revoked since.
        if connection.handshake_kind() == Some(HandshakeKind::Resumed) {
            let shown = connection.peer_certificates().unwrap_or_default();
            loaded
                .chain
                .server(shown, &name, &self.check, self.identity.now())
                .map_err(HandshakeError::Refused)?;
        } else if connection.peer_certificates().is_none() {
            return Err(HandshakeError::Refused(Refusal::NoCertificate));
        }
        Ok(stream)
    }

    /// The configuration for the identity's present state, made once per state so that sessions
    /// are kept, and dropped with the sessions when the identity is reloaded.
    fn current(&self) -> Result<Made, HandshakeError> {
        let loaded = self.identity.loaded();
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, config)) = &*cached
            && Arc::ptr_eq(of, &loaded)
        {
            return Ok((loaded, Arc::clone(config)));
        }
        let config = loaded
            .client(self.check.clone())
            .map_err(HandshakeError::Protocol)?;
        *cached = Some((Arc::clone(&loaded), Arc::clone(&config)));
        Ok((loaded, config))
    }
}

/// URIs write IPv6 addresses in brackets.
fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}
