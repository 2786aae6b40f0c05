//! What can go wrong: with files ([`IdentityError`]), with a peer ([`HandshakeError`]).

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use liaison_types::{Error, ErrorKind, Reason};
use rustls::{AlertDescription, CertificateError, OtherError};

/// Why a certificate was refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum Refusal {
    /// The peer showed no certificate.
    #[error("no certificate was shown")]
    NoCertificate,
    /// The certificate cannot be read.
    #[error("the certificate cannot be read")]
    Malformed,
    /// No trusted authority issued it.
    #[error("the certificate was not issued by a trusted authority")]
    UnknownIssuer,
    /// A signature is wrong.
    #[error("a signature is not valid")]
    BadSignature,
    /// Its validity has ended.
    #[error("the certificate has expired")]
    Expired,
    /// Its validity has not begun.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// Its issuer revoked it.
    #[error("the certificate was revoked")]
    Revoked,
    /// There are revocation lists, but none that is valid for its issuer.
    #[error("no revocation list covers the certificate's issuer")]
    RevocationUnknown,
    /// Its extended key usage leaves out this side of a connection: `clientAuth` for whoever calls,
    /// `serverAuth` for whoever answers.
    #[error("the certificate's extended key usage does not include this side of a connection")]
    WrongPurpose,
    /// It is an authority's and may only issue.
    #[error("the certificate is an authority's and not a party's")]
    Authority,
    /// It is not valid for the host that was dialled.
    #[error("the certificate is not valid for this host")]
    WrongHost,
    /// No URI among its names.
    #[error("the certificate names no party")]
    NoParty,
    /// More than one URI among its names.
    #[error("the certificate names more than one party")]
    SeveralParties,
    /// Its URI has more characters than any party's.
    #[error("the certificate's URI is longer than 64 characters")]
    UriTooLong,
    /// Its URI has another scheme, or the scheme in capitals.
    #[error("the certificate's URI does not begin with liaison:// in lower case")]
    UriScheme,
    /// Its URI holds a wildcard.
    #[error("the certificate's URI holds a wildcard")]
    UriWildcard,
    /// Its URI holds percent-encoding, with which one name could be written in many ways.
    #[error("the certificate's URI holds percent-encoding")]
    UriEscape,
    /// Its URI lacks the name, or has something after it: a slash, a query, a fragment.
    #[error("the certificate's URI is not liaison://kind/name with nothing before or after it")]
    UriPath,
    /// Its URI names a kind of party that there is not.
    #[error("the certificate's URI names no known kind of party")]
    UnknownKind,
    /// The name in its URI breaks the rule of its kind, or one of its names cannot be read.
    #[error("the name in the certificate's URI is not valid for its kind of party")]
    MalformedParty,
    /// It is somebody else's.
    #[error("the certificate belongs to another party")]
    WrongParty,
    /// Any other fault of the certificate or its chain.
    #[error("the certificate or its chain is not acceptable")]
    Unacceptable,
}

impl Refusal {
    /// Every value.
    pub const ALL: [Self; 22] = [
        Self::NoCertificate,
        Self::Malformed,
        Self::UnknownIssuer,
        Self::BadSignature,
        Self::Expired,
        Self::NotYetValid,
        Self::Revoked,
        Self::RevocationUnknown,
        Self::WrongPurpose,
        Self::Authority,
        Self::WrongHost,
        Self::NoParty,
        Self::SeveralParties,
        Self::UriTooLong,
        Self::UriScheme,
        Self::UriWildcard,
        Self::UriEscape,
        Self::UriPath,
        Self::UnknownKind,
        Self::MalformedParty,
        Self::WrongParty,
        Self::Unacceptable,
    ];

    /// A stable word for metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoCertificate => "no_certificate",
            Self::Malformed => "malformed",
            Self::UnknownIssuer => "unknown_issuer",
            Self::BadSignature => "bad_signature",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Revoked => "revoked",
            Self::RevocationUnknown => "revocation_unknown",
            Self::WrongPurpose => "wrong_purpose",
            Self::Authority => "authority",
            Self::WrongHost => "wrong_host",
            Self::NoParty => "no_party",
            Self::SeveralParties => "several_parties",
            Self::UriTooLong => "uri_too_long",
            Self::UriScheme => "uri_scheme",
            Self::UriWildcard => "uri_wildcard",
            Self::UriEscape => "uri_escape",
            Self::UriPath => "uri_path",
            Self::UnknownKind => "unknown_kind",
            Self::MalformedParty => "malformed_party",
            Self::WrongParty => "wrong_party",
            Self::Unacceptable => "unacceptable",
        }
    }

    /// As rustls wants it. Where TLS has an alert of its own for the case the peer is told; the
    /// rest travels inside as this type and comes back out in [`Refusal::from_rustls`].
    pub(crate) fn into_rustls(self) -> rustls::Error {
        rustls::Error::InvalidCertificate(match self {
            Self::Malformed => CertificateError::BadEncoding,
            Self::UnknownIssuer => CertificateError::UnknownIssuer,
            Self::BadSignature => CertificateError::BadSignature,
            Self::Expired => CertificateError::Expired,
            Self::NotYetValid => CertificateError::NotValidYet,
            Self::Revoked => CertificateError::Revoked,
            Self::RevocationUnknown => CertificateError::UnknownRevocationStatus,
            Self::WrongPurpose => CertificateError::InvalidPurpose,
            Self::WrongHost => CertificateError::NotValidForName,
            other => CertificateError::Other(OtherError(Arc::new(other))),
        })
    }

    /// The refusal inside an error of rustls, if it is one.
    pub(crate) fn from_rustls(error: &rustls::Error) -> Option<Self> {
        Some(match error {
            rustls::Error::NoCertificatesPresented => Self::NoCertificate,
            rustls::Error::InvalidCertificate(error) => match error {
                CertificateError::BadEncoding => Self::Malformed,
                CertificateError::UnknownIssuer => Self::UnknownIssuer,
                CertificateError::BadSignature => Self::BadSignature,
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    Self::Expired
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Self::NotYetValid
                }
                CertificateError::Revoked => Self::Revoked,
                CertificateError::UnknownRevocationStatus => Self::RevocationUnknown,
                CertificateError::InvalidPurpose
                | CertificateError::InvalidPurposeContext { .. } => Self::WrongPurpose,
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => Self::WrongHost,
                CertificateError::Other(OtherError(inner)) => inner
                    .downcast_ref::<Self>()
                    .copied()
                    .unwrap_or(Self::Unacceptable),
                _ => Self::Unacceptable,
            },
            _ => return None,
        })
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The address could not be resolved or reached.
    #[error("the host cannot be reached")]
    Unreachable(#[source] io::Error),
    /// The connection broke while the two ends were still introducing themselves.
    #[error("the connection broke during the TLS handshake")]
    Broken(#[source] io::Error),
    /// Dialling or the handshake took longer than allowed.
    #[error("the TLS handshake took too long")]
    Timeout,
    /// What was dialled is neither a DNS name nor an address.
    #[error("the host name is not valid")]
    HostName,
    /// This side refused the peer's certificate.
    #[error("the peer was refused")]
    Refused(#[source] Refusal),
    /// The peer refused this side; the alert says why in TLS's own words.
    #[error("the peer refused this side with the TLS alert {0:?}")]
    RefusedByPeer(AlertDescription),
    /// The peer does not agree to HTTP/2.
    #[error("the peer does not speak HTTP/2")]
    NoHttp2,
    /// The peer does not speak TLS 1.3, or not correctly.
    #[error("the peer does not speak TLS 1.3 correctly")]
    Protocol(#[source] rustls::Error),
}

impl HandshakeError {
    /// A stable word for metrics and logs; at most 29 different ones.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Broken(_) => "broken",
            Self::Timeout => "timeout",
            Self::HostName => "host_name",
            Self::Refused(refusal) => refusal.as_str(),
            Self::RefusedByPeer(_) => "refused_by_peer",
            Self::NoHttp2 => "no_http2",
            Self::Protocol(_) => "protocol",
        }
    }

    /// Whether trying again may help without anybody mending anything.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Broken(_) | Self::Timeout)
    }

    /// tokio-rustls wraps the errors of rustls; this unwraps them.
    pub(crate) fn from_io(error: io::Error) -> Self {
        let Some(inner) = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        else {
            return Self::Broken(error);
        };
        match (Refusal::from_rustls(inner), inner) {
            (Some(refusal), _) => Self::Refused(refusal),
            (None, rustls::Error::NoApplicationProtocol) => Self::NoHttp2,
            (None, rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)) => {
                Self::NoHttp2
            }
            (None, rustls::Error::AlertReceived(alert)) => Self::RefusedByPeer(*alert),
            (None, other) => Self::Protocol(other.clone()),
        }
    }
}

impl From<HandshakeError> for Error {
    fn from(error: HandshakeError) -> Self {
        match tls_refusal(&error) {
            Some(cause) => Self::new(ErrorKind::Unavailable, Reason::CertificateRejected)
                .metadata("cause", cause)
                .source(error),
            None => Self::unavailable(error),
        }
    }
}

/// How a certificate was refused, by this side or by the peer, where that is what `error` comes from.
///
/// With TLS 1.3 a client has finished its handshake before the server has seen its certificate: the
/// refusal comes with the first bytes that it reads, as an error of the connection.
#[must_use]
pub fn tls_refusal(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .map(|inner| inner as &(dyn std::error::Error + 'static));
        let found = refusal_of(error).or_else(|| inner.and_then(tls_refusal));
        if found.is_some() {
            return found;
        }
        cause = error.source();
    }
    None
}

fn refusal_of(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let by_peer = |alert: &AlertDescription| {
        is_about_certificates(*alert).then(|| HandshakeError::RefusedByPeer(*alert).to_string())
    };
    match error.downcast_ref() {
        Some(HandshakeError::Refused(refusal)) => return Some(refusal.to_string()),
        Some(HandshakeError::RefusedByPeer(alert)) => return by_peer(alert),
        Some(_) => return None,
        None => {}
    }
    let error = error.downcast_ref::<rustls::Error>()?;
    match error {
        rustls::Error::AlertReceived(alert) => by_peer(alert),
        other => Refusal::from_rustls(other).map(|refusal| refusal.to_string()),
    }
}

const fn is_about_certificates(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::CertificateRequired
    )
}

/// What is wrong with the files of an identity or of an authority. The texts are for operators:
/// they name paths and never hold anything of a file's content.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A path is empty.
    #[error("the setting identity.{0} is not set")]
    Unset(&'static str),
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or folder cannot be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file exists and nobody said that it may be replaced.
    #[error("{} exists already and is not overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file does not hold what it should.
    #[error("{} holds no valid {expected}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// Certificate and key do not belong together.
    #[error("{} and {} do not belong together", certificate.display(), key.display())]
    KeyMismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The own certificate would be refused by everybody who trusts the same authority.
    #[error("{} would be refused by every peer", path.display())]
    Unusable {
        /// The certificate's file.
        path: PathBuf,
        /// Why.
        source: Refusal,
    },
    /// The authority's own validity is over, or would not cover the certificate at all.
    #[error("the validity of the authority in {} has ended", path.display())]
    AuthorityExpired {
        /// The authority's certificate file.
        path: PathBuf,
    },
    /// A certificate was issued by none of the authorities whose keys the folder holds.
    #[error("{} was issued by no authority whose key is in the folder", path.display())]
    UnknownAuthority {
        /// The certificate's file.
        path: PathBuf,
    },
    /// The rotation of the authority is not at the step that was asked for.
    #[error("{} {found}", folder.display())]
    Rotation {
        /// The authority's folder.
        folder: PathBuf,
        /// Where it stands, and what is possible from there.
        found: &'static str,
    },
    /// An authority cannot be dropped while a certificate that it issued is in use.
    #[error("{} is still of the authority that would be dropped", path.display())]
    InUse {
        /// The certificate's file.
        path: PathBuf,
    },
    /// The time asked for cannot be written into a certificate.
    #[error("the validity cannot be expressed in a certificate")]
    Validity,
    /// Certificate, key or list could not be made.
    #[error("the certificate could not be made")]
    Generate(#[source] rcgen::Error),
    /// The TLS library does not take the files as they are.
    #[error("the TLS configuration was not accepted")]
    Tls(#[source] rustls::Error),
}

impl From<IdentityError> for Error {
    /// A wrong setting: the message is for the operator at the console. The cause is what lies below
    /// `error`, whose own text is the message already: a log that prints both says nothing twice.
    fn from(error: IdentityError) -> Self {
        let told = Self::new(ErrorKind::FailedPrecondition, Reason::SettingInvalid)
            .message(error.to_string());
        match error {
            IdentityError::Read { source, .. } | IdentityError::Write { source, .. } => {
                told.source(source)
            }
            IdentityError::Unusable { source, .. } => told.source(source),
            IdentityError::Generate(source) => told.source(source),
            IdentityError::Tls(source) => told.source(source),
            IdentityError::Unset(_)
            | IdentityError::Exists { .. }
            | IdentityError::Content { .. }
            | IdentityError::KeyMismatch { .. }
            | IdentityError::AuthorityExpired { .. }
            | IdentityError::UnknownAuthority { .. }
            | IdentityError::Rotation { .. }
            | IdentityError::InUse { .. }
            | IdentityError::Validity => told,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn refusals_survive_the_way_through_rustls() {
        for refusal in Refusal::ALL {
            assert_eq!(Refusal::from_rustls(&refusal.into_rustls()), Some(refusal));
        }
        assert_eq!(
            Refusal::from_rustls(&rustls::Error::HandshakeNotComplete),
            None
        );
    }

    #[test]
    fn words_are_distinct() {
        let words: HashSet<_> = Refusal::ALL.into_iter().map(Refusal::as_str).collect();
        assert_eq!(words.len(), Refusal::ALL.len());
    }

    #[test]
    fn files_errors_become_setting_errors() {
        let error = Error::from(IdentityError::Unset("key"));
        assert_eq!(error.reason(), Reason::SettingInvalid);
        assert_eq!(error.chain(), "the setting identity.key is not set");
        let error = Error::from(IdentityError::Unusable {
            path: "own.pem".into(),
            source: Refusal::Expired,
        });
        assert_eq!(
            error.chain(),
            "own.pem would be refused by every peer: the certificate has expired",
            "each text once"
        );
        let error = Error::from(HandshakeError::Timeout);
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
}
