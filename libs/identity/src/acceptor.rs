//! The server's side of a handshake.

use std::time::Duration;

use rustls::HandshakeKind;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::certificate::Peer;
use crate::error::{HandshakeError, Refusal};
use crate::identity::Identity;
use crate::loaded::HTTP2;

/// An accepted connection. `into_inner`, `get_ref` and the `AsyncRead`/`AsyncWrite` of tokio.
pub type ServerStream<IO> = tokio_rustls::server::TlsStream<IO>;

/// Turns accepted connections into connections with a known [`Peer`]. Cheap to clone.
///
/// Set `nodelay` on the sockets: without it the handshake of a resumed session waits 40 ms for an
/// acknowledgement.
///
/// # Session resumption
/// Sessions are resumed, because that is what makes a thousand clients bearable that reconnect
/// at once after a restart of the network: it spares the server a signature and the client's
/// certificate chain on the wire. Resumption alone would weaken the client's identity: TLS does not
/// show the certificate again, so one that expired or was revoked since would get in. Therefore the
/// certificate that was shown when the session began is checked again here, in full, against the
/// clock and the revocation list of now, and a reload forgets all sessions. What a resumed session
/// does not repeat is the proof that the client holds the private key; instead it proves that it
/// holds the secret of the session in which it gave that proof.
#[derive(Clone, Debug)]
pub struct TlsAcceptor {
    identity: Identity,
    handshake_timeout: Duration,
}

impl TlsAcceptor {
    pub(crate) fn new(identity: Identity) -> Self {
        Self {
            identity,
            handshake_timeout: Duration::from_secs(10),
        }
    }

    /// How long a handshake may take before the connection is given up. 10 s unless set.
    #[must_use]
    pub fn with_handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// Performs the handshake and says who the client is. How many run at once is for the caller
    /// to bound.
    ///
    /// # Errors
    /// Where the client is refused, does not speak TLS 1.3 with HTTP/2, takes too long or goes
    /// away. The connection is closed then; the client has been told by an alert where it could be.
    pub async fn accept<IO>(&self, stream: IO) -> Result<(ServerStream<IO>, Peer), HandshakeError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let loaded = self.identity.loaded();
        let handshake = tokio_rustls::TlsAcceptor::from(loaded.server.clone()).accept(stream);
        let stream = tokio::time::timeout(self.handshake_timeout, handshake)
            .await
            .map_err(|_| HandshakeError::Timeout)?
            .map_err(HandshakeError::from_io)?;

        let (_, connection) = stream.get_ref();
        // rustls refuses a client that names other protocols only, and lets one through that names
        // none.
        if connection.alpn_protocol() != Some(HTTP2) {
            return Err(HandshakeError::NoHttp2);
        }
        let shown = connection.peer_certificates().unwrap_or_default();
        let peer = match (connection.handshake_kind(), shown) {
            // The verifier accepted this certificate a moment ago.
            (Some(HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest), [_, ..]) => {
                Peer::of(shown)
            }
            (_, []) => Err(Refusal::NoCertificate),
            (_, shown) => loaded.chain.client(shown, self.identity.now()),
        }
        .map_err(HandshakeError::Refused)?;
        // Found good under this state: nothing is verified again until another one is loaded.
        peer.standing(loaded.generation, |_| Ok(()))
            .map_err(HandshakeError::Refused)?;
        Ok((stream, peer))
    }
}
