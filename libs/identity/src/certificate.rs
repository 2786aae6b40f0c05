//! What a certificate says: the party, the validity, the serial number.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use liaison_types::party::ParsePartyError;
use liaison_types::{Party, Timestamp};
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::X509Name;

use crate::error::Refusal;
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
#[derive(Clone)]
pub struct Peer {
    /// The party named by the certificate's only URI.
    pub party: Party,
    /// When the certificate's validity ends.
    pub not_after: Timestamp,
    /// The certificate's serial number.
    pub serial: Serial,
    shown: Arc<Shown>,
}

/// The certificates that a peer showed, its own first, to be judged again when what is trusted
/// changes.
#[derive(Default)]
struct Shown {
    certificates: Vec<CertificateDer<'static>>,
    /// What was found, and under which state of the files.
    verdict: Mutex<Option<(u64, Result<(), Refusal>)>>,
}

impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        self.party == other.party
            && self.not_after == other.not_after
            && self.shown.certificates == other.shown.certificates
    }
}

impl Eq for Peer {}

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
    /// A peer without a connection, for calls that stay inside the process. It showed nothing that
    /// could be revoked.
    #[must_use]
    pub fn in_process(party: Party, not_after: Timestamp) -> Self {
        Self {
            party,
            not_after,
            serial: Serial(Box::default()),
            shown: Arc::default(),
        }
    }

    /// Reads what was shown, the peer's own certificate first. It says nothing about whether the
    /// certificate can be trusted.
    pub(crate) fn of(shown: &[CertificateDer<'_>]) -> Result<Self, Refusal> {
        let own = shown.first().ok_or(Refusal::NoCertificate)?;
        let parsed = parse(own)?;
        let checked = webpki::EndEntityCert::try_from(own).map_err(|_| Refusal::Malformed)?;
        Ok(Self {
            party: party_of(&parsed)?,
            not_after: Timestamp::from_seconds(parsed.validity().not_after.timestamp()),
            serial: Serial::from_der_integer(checked.serial()),
            shown: Arc::new(Shown {
                certificates: shown
                    .iter()
                    .cloned()
                    .map(CertificateDer::into_owned)
                    .collect(),
                verdict: Mutex::default(),
            }),
        })
    }

    /// What `judge` finds about the certificates that were shown; asked once for each `state` of the
    /// files, because it verifies signatures and this is asked before every call.
    pub(crate) fn standing(
        &self,
        state: u64,
        judge: impl FnOnce(&[CertificateDer<'_>]) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        if self.shown.certificates.is_empty() {
            return Ok(());
        }
        let verdict = self.shown.verdict.lock();
        let mut verdict = verdict.unwrap_or_else(PoisonError::into_inner);
        match *verdict {
            Some((of, found)) if of == state => found,
            _ => {
                let found = judge(&self.shown.certificates);
                *verdict = Some((state, found));
                found
            }
        }
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
        [uri] => Party::from_uri(uri).map_err(|error| rule_broken(uri, error)),
        _ => Err(Refusal::SeveralParties),
    }
}

/// The longest URI of a party is that of a bureau or of an operator, both below this.
const MAX_URI: usize = 64;

/// The common name, or the whole name where there is none: to show, never to decide by.
pub(crate) fn name_of(name: &X509Name<'_>) -> String {
    let common = name.iter_common_name().next();
    common
        .and_then(|name| name.as_str().ok())
        .map_or_else(|| name.to_string(), str::to_owned)
}

/// Which rule a URI breaks that is no party's; the first where it breaks several.
fn rule_broken(uri: &str, error: ParsePartyError) -> Refusal {
    if uri.len() > MAX_URI {
        Refusal::UriTooLong
    } else if !uri.starts_with(Party::SCHEME) {
        Refusal::UriScheme
    } else if uri.contains('*') {
        Refusal::UriWildcard
    } else if uri.contains('%') {
        Refusal::UriEscape
    } else if uri[Party::SCHEME.len()..].matches('/').count() != 1 || uri.contains(['?', '#', '@'])
    {
        Refusal::UriPath
    } else if error == ParsePartyError::Kind {
        Refusal::UnknownKind
    } else {
        Refusal::MalformedParty
    }
}

pub(crate) fn hosts_of(certificate: &X509Certificate<'_>) -> Vec<Host> {
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
        let peer = Peer::of(&[certificate(&["liaison://bureau/NB-FR"])]).unwrap();
        assert_eq!(peer.party.to_string(), "bureau/NB-FR");
        let one = "liaison://unit/cyber";
        for (names, refusal) in [
            (&[][..], Refusal::NoParty),
            (&[one, "liaison://unit/terrorism"], Refusal::SeveralParties),
            (&[one, one], Refusal::SeveralParties),
            (&[one, "https://example.org"], Refusal::SeveralParties),
            (&["liaison://service/*"], Refusal::UriWildcard),
            (&["liaison://*/intake"], Refusal::UriWildcard),
            (&["liaison://service/intake/"], Refusal::UriPath),
            (&["liaison:///intake"], Refusal::UnknownKind),
            (&["liaison://service"], Refusal::UriPath),
            (&["liaison://service/intake\0"], Refusal::MalformedParty),
            (&["LIAISON://service/intake"], Refusal::UriScheme),
            (&["liaison://service/intake?as=routing"], Refusal::UriPath),
            (&["liaison://service/intake#1"], Refusal::UriPath),
            (&["liaison://root@service/intake"], Refusal::UriPath),
            (&["liaison://service/%69ntake"], Refusal::UriEscape),
            (&["spiffe://liaison/service/intake"], Refusal::UriScheme),
            (&["liaison://king/arthur"], Refusal::UnknownKind),
            (&["liaison://Service/intake"], Refusal::UnknownKind),
            (&["liaison://service/Intake"], Refusal::MalformedParty),
            (&["liaison://bureau/NB-fr"], Refusal::MalformedParty),
            (
                &[&*format!("liaison://unit/{}", "a".repeat(41))],
                Refusal::MalformedParty,
            ),
            (
                &[&*format!("liaison://unit/{}", "a".repeat(60))],
                Refusal::UriTooLong,
            ),
            (&[""], Refusal::UriScheme),
        ] {
            assert_eq!(Peer::of(&[certificate(names)]), Err(refusal), "{names:?}");
        }
    }

    #[test]
    fn a_certificate_without_names_is_nobody() {
        let params = CertificateParams::default();
        let bare = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        assert_eq!(
            Peer::of(std::slice::from_ref(bare.der())),
            Err(Refusal::NoParty)
        );
    }

    #[test]
    fn damaged_certificates_are_refused() {
        let good = certificate(&["liaison://unit/cyber"]);
        assert_eq!(
            Peer::of(&[CertificateDer::from(Vec::new())]),
            Err(Refusal::Malformed)
        );
        let mut longer = good.to_vec();
        longer.push(0);
        assert_eq!(
            Peer::of(&[CertificateDer::from(longer)]),
            Err(Refusal::Malformed)
        );
        for length in [1, good.len() / 2, good.len() - 1] {
            let cut = CertificateDer::from(good[..length].to_vec());
            assert_eq!(Peer::of(&[cut]), Err(Refusal::Malformed));
        }
    }

    #[test]
    fn serials_are_read_as_other_tools_print_them() {
        let serial: Serial = "00:AB:cd".parse().unwrap();
        assert_eq!(serial.to_string(), "abcd");
        assert_eq!(*serial.0, [0, 0xab, 0xcd]);
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
            prop_assert!(Peer::of(&[CertificateDer::from(bytes)]).is_err());
        }

        #[test]
        fn flipped_bytes_never_panic(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let mut bytes = certificate(&["liaison://unit/cyber"]).to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
            let _ = Peer::of(&[CertificateDer::from(bytes)]);
        }
    }
}
