//! What a certificate says: the party, the validity, the serial number.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use liaison_types::{Party, Timestamp};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

use crate::error::{IdentityError, Refusal};
use crate::files;
use crate::host::Host;

/// The serial number of a certificate, unique for its issuer.
///
/// Its text form is lower-case hexadecimal without separators; parsing also takes capitals and
/// colons, as other tools print them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(Box<[u8]>);

/// The text is no serial number: not hexadecimal, zero, or longer than 20 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a serial number")]
pub struct ParseSerialError;

impl Serial {
    /// From the content bytes of the DER integer, which is how revocation lists compare.
    pub(crate) fn from_der_integer(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The content bytes of the DER integer.
    pub(crate) fn as_der_integer(&self) -> &[u8] {
        &self.0
    }

    /// The number big-endian without leading zeros.
    pub(crate) fn magnitude(&self) -> &[u8] {
        let zeros = self.0.iter().take_while(|byte| **byte == 0).count();
        &self.0[zeros..]
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.magnitude()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Serial {
    type Err = ParseSerialError;

    fn from_str(text: &str) -> Result<Self, ParseSerialError> {
        let digits: Vec<u8> = text
            .chars()
            .filter(|c| *c != ':')
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect::<Option<_>>()
            .ok_or(ParseSerialError)?;
        // Digits pair up from the right.
        let bytes: Vec<u8> = digits
            .rchunks(2)
            .rev()
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
            .skip_while(|byte| *byte == 0)
            .collect();
        match bytes.first() {
            None => Err(ParseSerialError),
            Some(_) if bytes.len() > 20 => Err(ParseSerialError),
            // A DER integer is signed: a leading zero keeps it positive.
            Some(first) if *first >= 0x80 => Ok(Self([&[0], bytes.as_slice()].concat().into())),
            Some(_) => Ok(Self(bytes.into())),
        }
    }
}

/// Who is at the other end of a connection, from a certificate that was accepted.
#[derive(Clone, PartialEq, Eq)]
pub struct Peer {
    /// The party named by the certificate's only URI.
    pub party: Party,
    /// When the certificate's validity ends.
    pub not_after: Timestamp,
    /// The certificate's serial number.
    pub serial: Serial,
    /// The issuer's name as it stands in the certificate, to find its revocation list.
    issuer: Arc<[u8]>,
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("party", &self.party)
            .field("not_after", &self.not_after)
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}

impl Peer {
    /// A peer without a connection, for calls that stay inside the process. No revocation list
    /// applies to it.
    #[must_use]
    pub fn in_process(party: Party, not_after: Timestamp) -> Self {
        Self {
            party,
            not_after,
            serial: Serial(Box::default()),
            issuer: Arc::default(),
        }
    }

    /// Reads a certificate. It says nothing about whether the certificate can be trusted.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Result<Self, Refusal> {
        let parsed = parse(certificate)?;
        let checked =
            webpki::EndEntityCert::try_from(certificate).map_err(|_| Refusal::Malformed)?;
        Ok(Self {
            party: party_of(&parsed)?,
            not_after: Timestamp::from_seconds(parsed.validity().not_after.timestamp()),
            serial: Serial::from_der_integer(checked.serial()),
            issuer: checked.issuer().into(),
        })
    }

    pub(crate) fn issuer(&self) -> &[u8] {
        &self.issuer
    }
}

/// What a certificate file says, for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CertificateSummary {
    /// Whose it is.
    pub party: Party,
    /// Its number.
    pub serial: Serial,
    /// When its validity begins.
    pub not_before: Timestamp,
    /// When its validity ends.
    pub not_after: Timestamp,
    /// The hosts it is valid for, for clients that compare host names.
    pub hosts: Vec<Host>,
}

impl CertificateSummary {
    /// Reads the first certificate of a PEM file. Whether it can be trusted is not checked.
    ///
    /// # Errors
    /// Where the file cannot be read, holds no certificate, or the certificate does not name
    /// exactly one party.
    pub fn read(path: &Path) -> Result<Self, IdentityError> {
        let content = files::read(path)?;
        let malformed = || IdentityError::Content {
            path: path.to_owned(),
            expected: "certificate",
        };
        let der = CertificateDer::from_pem_slice(&content).map_err(|_| malformed())?;
        let unusable = |source| IdentityError::Unusable {
            path: path.to_owned(),
            source,
        };
        let peer = Peer::of(&der).map_err(unusable)?;
        let parsed = parse(&der).map_err(unusable)?;
        Ok(Self {
            party: peer.party,
            serial: peer.serial,
            not_before: Timestamp::from_seconds(parsed.validity().not_before.timestamp()),
            not_after: peer.not_after,
            hosts: hosts_of(&parsed),
        })
    }
}

/// Reads a certificate and nothing after it.
pub(crate) fn parse<'a>(
    certificate: &'a CertificateDer<'_>,
) -> Result<X509Certificate<'a>, Refusal> {
    match X509Certificate::from_der(certificate) {
        Ok(([], parsed)) => Ok(parsed),
        _ => Err(Refusal::Malformed),
    }
}

/// The party of the only URI among the subject alternative names. Two URIs are refused even where
/// both say the same: what decides who somebody is must not depend on which one is read first. The
/// subject's common name means nothing here.
fn party_of(certificate: &X509Certificate<'_>) -> Result<Party, Refusal> {
    let names = certificate
        .subject_alternative_name()
        .map_err(|_| Refusal::Malformed)?
        .ok_or(Refusal::NoParty)?;
    let mut uris = Vec::new();
    for name in &names.value.general_names {
        match name {
            GeneralName::URI(uri) => uris.push(*uri),
            // A name that cannot be read might be a URI in the eyes of somebody else.
            GeneralName::Invalid(..) => return Err(Refusal::MalformedParty),
            _ => {}
        }
    }
    match uris.as_slice() {
        [] => Err(Refusal::NoParty),
        [uri] => Party::from_uri(uri).map_err(|_| Refusal::MalformedParty),
        _ => Err(Refusal::SeveralParties),
    }
}

fn hosts_of(certificate: &X509Certificate<'_>) -> Vec<Host> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let host = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(Host::Name((*name).to_owned())),
        GeneralName::IPAddress(bytes) => match **bytes {
            [a, b, c, d] => Some(Host::Address(IpAddr::from([a, b, c, d]))),
            ref longer => <[u8; 16]>::try_from(longer)
                .ok()
                .map(|bytes| Host::Address(IpAddr::from(bytes))),
        },
        _ => None,
    };
    names.value.general_names.iter().filter_map(host).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    fn certificate(names: &[&str]) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names
            .iter()
            .map(|name| SanType::URI((*name).try_into().unwrap()))
            .collect();
        params
            .subject_alt_names
            .push(SanType::DnsName("localhost".try_into().unwrap()));
        params
            .self_signed(&KeyPair::generate().unwrap())
            .unwrap()
            .der()
            .clone()
    }

    #[test]
    fn exactly_one_uri_names_the_party() {
        let peer = Peer::of(&certificate(&["liaison://bureau/NB-FR"])).unwrap();
        assert_eq!(peer.party.to_string(), "bureau/NB-FR");
        let one = "liaison://unit/cyber";
        for (names, refusal) in [
            (&[][..], Refusal::NoParty),
            (&[one, "liaison://unit/terrorism"], Refusal::SeveralParties),
            (&[one, one], Refusal::SeveralParties),
            (&[one, "https://example.org"], Refusal::SeveralParties),
            (&["liaison://service/*"], Refusal::MalformedParty),
            (&["liaison://*/intake"], Refusal::MalformedParty),
            (&["liaison://service/intake/"], Refusal::MalformedParty),
            (&["liaison://service/intake\0"], Refusal::MalformedParty),
            (&["LIAISON://service/intake"], Refusal::MalformedParty),
            (
                &["liaison://service/intake?as=routing"],
                Refusal::MalformedParty,
            ),
            (&["liaison://service/%69ntake"], Refusal::MalformedParty),
            (
                &["spiffe://liaison/service/intake"],
                Refusal::MalformedParty,
            ),
            (&["liaison://king/arthur"], Refusal::MalformedParty),
            (&[""], Refusal::MalformedParty),
        ] {
            assert_eq!(Peer::of(&certificate(names)), Err(refusal), "{names:?}");
        }
    }

    #[test]
    fn a_certificate_without_names_is_nobody() {
        let params = CertificateParams::default();
        let bare = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        assert_eq!(Peer::of(bare.der()), Err(Refusal::NoParty));
    }

    #[test]
    fn damaged_certificates_are_refused() {
        let good = certificate(&["liaison://unit/cyber"]);
        assert_eq!(
            Peer::of(&CertificateDer::from(Vec::new())),
            Err(Refusal::Malformed)
        );
        let mut longer = good.to_vec();
        longer.push(0);
        assert_eq!(
            Peer::of(&CertificateDer::from(longer)),
            Err(Refusal::Malformed)
        );
        for length in [1, good.len() / 2, good.len() - 1] {
            let cut = CertificateDer::from(good[..length].to_vec());
            assert_eq!(Peer::of(&cut), Err(Refusal::Malformed));
        }
    }

    #[test]
    fn serials_are_read_as_other_tools_print_them() {
        let serial: Serial = "00:AB:cd".parse().unwrap();
        assert_eq!(serial.to_string(), "abcd");
        assert_eq!(serial.as_der_integer(), [0, 0xab, 0xcd]);
        assert_eq!("123".parse::<Serial>().unwrap().to_string(), "0123");
        for text in ["", "0", "00", "xy", "1 2", &"1".repeat(41)] {
            assert_eq!(text.parse::<Serial>(), Err(ParseSerialError), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn serials_round_trip(bytes in prop::collection::vec(any::<u8>(), 1..20)) {
            prop_assume!(bytes[0] != 0);
            let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let serial: Serial = text.parse().unwrap();
            prop_assert_eq!(serial.magnitude(), bytes.as_slice());
            prop_assert_eq!(serial.to_string(), text);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            prop_assert!(Peer::of(&CertificateDer::from(bytes)).is_err());
        }

        #[test]
        fn flipped_bytes_never_panic(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let mut bytes = certificate(&["liaison://unit/cyber"]).to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
            let _ = Peer::of(&CertificateDer::from(bytes));
        }
    }
}
