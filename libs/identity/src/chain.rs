//! Whether a certificate can be trusted: signatures up to our authority, validity, purpose,
//! revocation.
//!
//! Both directions are checked here, by webpki itself. rustls has a verifier for client
//! certificates that would do, but its verifier for servers always compares a host name, and the
//! part of it that does not compare one cannot check revocation.

use liaison_types::Timestamp;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use rustls::{DistinguishedName, RootCertStore};
use webpki::{
    CertRevocationList, EndEntityCert, KeyUsage, OwnedCertRevocationList, RevocationOptionsBuilder,
};

use crate::certificate::Peer;
use crate::error::Refusal;
use crate::verifier::ServerCheck;

/// Which side of a connection a certificate is shown by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    Client,
    Server,
}

/// Whom we trust, and whom no longer.
pub(crate) struct Chain {
    authorities: RootCertStore,
    hints: Vec<DistinguishedName>,
    revocations: Vec<CertRevocationList<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain")
            .field("authorities", &self.authorities.len())
            .field("revocations", &self.revocations.len())
            .finish_non_exhaustive()
    }
}

impl Chain {
    pub(crate) fn new(
        authorities: RootCertStore,
        revocations: &[CertificateRevocationListDer<'_>],
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Result<Self, webpki::Error> {
        let revocations = revocations
            .iter()
            .map(|list| OwnedCertRevocationList::from_der(list).map(CertRevocationList::from))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            hints: authorities.subjects(),
            authorities,
            revocations,
            algorithms,
        })
    }

    /// The authorities' names, which a server sends so that clients with several certificates can
    /// choose.
    pub(crate) fn hints(&self) -> &[DistinguishedName] {
        &self.hints
    }

    pub(crate) fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.algorithms
    }

    /// Accepts or refuses what a client showed; the first certificate is its own.
    pub(crate) fn client(
        &self,
        shown: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Result<Peer, Refusal> {
        let (own, intermediates) = shown.split_first().ok_or(Refusal::NoCertificate)?;
        self.verify(own, intermediates, Side::Client, now)?;
        Peer::of(shown)
    }

    /// Accepts or refuses what a server showed; the first certificate is its own.
    pub(crate) fn server(
        &self,
        shown: &[CertificateDer<'_>],
        dialled: &ServerName<'_>,
        check: &ServerCheck,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let (own, intermediates) = shown.split_first().ok_or(Refusal::NoCertificate)?;
        self.verify(own, intermediates, Side::Server, now)?;
        match check {
            ServerCheck::Party(expected) if Peer::of(shown)?.party == *expected => Ok(()),
            ServerCheck::Party(_) => Err(Refusal::WrongParty),
            ServerCheck::HostName => EndEntityCert::try_from(own)
                .and_then(|own| own.verify_is_valid_for_subject_name(dialled))
                .map_err(|error| refusal(&error)),
        }
    }

    /// Everything but the names.
    pub(crate) fn verify(
        &self,
        own: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        side: Side,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let own = EndEntityCert::try_from(own).map_err(|error| refusal(&error))?;
        let lists: Vec<_> = self.revocations.iter().collect();
        // The builder's defaults are what we want: every certificate below the authority is looked
        // up, and one whose issuer has no list is refused. A list past its next update still
        // counts: to ignore it would let the revoked back in, to refuse everybody would turn a
        // late file into an outage. `Identity::revocations_due` lets operators hear of it.
        let revocation = RevocationOptionsBuilder::new(&lists)
            .ok()
            .map(RevocationOptionsBuilder::build);
        let usage = match side {
            Side::Client => KeyUsage::client_auth(),
            Side::Server => KeyUsage::server_auth(),
        };
        own.verify_for_usage(
            self.algorithms.all,
            &self.authorities.roots,
            intermediates,
            unix_time(now),
            usage,
            revocation,
            None,
        )
        .map(drop)
        .map_err(|error| refusal(&error))
    }
}

/// Whole seconds, the resolution of certificates.
pub(crate) fn unix_time(at: Timestamp) -> UnixTime {
    let (seconds, _) = at.to_seconds_and_nanos();
    let seconds = u64::try_from(seconds).unwrap_or(0);
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
}

fn refusal(error: &webpki::Error) -> Refusal {
    use webpki::Error as E;
    match error {
        E::BadDer | E::BadDerTime | E::TrailingData(_) | E::MalformedExtensions => {
            Refusal::Malformed
        }
        E::UnknownIssuer => Refusal::UnknownIssuer,
        E::InvalidSignatureForPublicKey => Refusal::BadSignature,
        E::CertExpired { .. } | E::InvalidCertValidity => Refusal::Expired,
        E::CertNotValidYet { .. } => Refusal::NotYetValid,
        E::CertRevoked => Refusal::Revoked,
        E::UnknownRevocationStatus
        | E::InvalidCrlSignatureForPublicKey
        | E::IssuerNotCrlSigner
        | E::UnsupportedCrlSignatureAlgorithmContext(_)
        | E::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => Refusal::RevocationUnknown,
        E::RequiredEkuNotFoundContext(_) => Refusal::WrongPurpose,
        E::CaUsedAsEndEntity => Refusal::Authority,
        E::CertNotValidForName(_) | E::UnsupportedNameType => Refusal::WrongHost,
        _ => Refusal::Unacceptable,
    }
}
