//! What rustls asks during a handshake, answered by [`Chain`].

use std::sync::Arc;

use liaison_types::{Party, Timestamp};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::verify_tls13_signature;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use crate::chain::Chain;
use crate::error::Refusal;

/// How a client makes sure that it reached the right server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ServerCheck {
    /// The certificate's only URI is that of this party; DNS names are not compared. The party is
    /// the stronger statement: it says *what* answers, whichever way the connection got there,
    /// and it is signed by our authority. A host name only says where somebody thought it would
    /// be: it differs between a laptop, compose and a cluster, and whoever controls name resolution
    /// decides what it means. With the party compared, a wrong address or a forged DNS answer can
    /// only lead to a server that is refused, or to another replica of the right service.
    Party(Party),
    /// The ordinary check against the DNS names and addresses in the certificate.
    HostName,
}

#[derive(Debug)]
pub(crate) struct ClientVerifier(pub(crate) Arc<Chain>);

// `client_auth_mandatory` stays at its default: true.
impl ClientCertVerifier for ClientVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.hints()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.0
            .client(&shown(end_entity, intermediates), timestamp(now))
            .map(|_| ClientCertVerified::assertion())
            .map_err(Refusal::into_rustls)
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(only_tls13())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, self.0.algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.algorithms().supported_schemes()
    }
}

#[derive(Debug)]
pub(crate) struct ServerVerifier {
    pub(crate) chain: Arc<Chain>,
    pub(crate) check: ServerCheck,
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = shown(end_entity, intermediates);
        self.chain
            .server(&shown, server_name, &self.check, timestamp(now))
            .map(|()| ServerCertVerified::assertion())
            .map_err(Refusal::into_rustls)
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(only_tls13())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, self.chain.algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.algorithms().supported_schemes()
    }
}

/// Both kinds of configuration offer TLS 1.3 alone, so nothing gets as far as asking this.
fn only_tls13() -> Error {
    Error::General("only TLS 1.3 is spoken".to_owned())
}

fn shown<'a>(
    own: &'a CertificateDer<'_>,
    intermediates: &'a [CertificateDer<'_>],
) -> Vec<CertificateDer<'a>> {
    std::iter::once(own)
        .chain(intermediates)
        .map(|certificate| CertificateDer::from(certificate.as_ref()))
        .collect()
}

fn timestamp(at: UnixTime) -> Timestamp {
    Timestamp::from_seconds(i64::try_from(at.as_secs()).unwrap_or(i64::MAX))
}
