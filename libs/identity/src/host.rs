//! The hosts a certificate is valid for.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use rustls::pki_types::DnsName;

/// The text is neither a DNS name nor an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("neither a DNS name nor an IP address")]
pub struct ParseHostError;

/// A DNS name or an IP address to be written into a certificate. Wildcards are not accepted.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Host {
    /// For example `intake.liaison.svc`.
    Name(String),
    /// For example `127.0.0.1`.
    Address(IpAddr),
}

impl FromStr for Host {
    type Err = ParseHostError;

    fn from_str(text: &str) -> Result<Self, ParseHostError> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        // Lower case, because that is how everybody compares names.
        let name = text.to_ascii_lowercase();
        match DnsName::try_from(name.as_str()) {
            Ok(_) => Ok(Self::Name(name)),
            Err(_) => Err(ParseHostError),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_told_apart() {
        assert_eq!("Localhost".parse(), Ok(Host::Name("localhost".to_owned())));
        assert_eq!("::1".parse(), Ok(Host::Address("::1".parse().unwrap())));
        assert_eq!(
            "127.0.0.1".parse(),
            Ok(Host::Address("127.0.0.1".parse().unwrap()))
        );
    }

    #[test]
    fn wildcards_and_nonsense_are_refused() {
        for text in [
            "*.example.org",
            "*",
            "",
            "a b",
            "-",
            "https://x",
            "x:7101",
            "[::1]",
            "é.org",
        ] {
            assert_eq!(text.parse::<Host>(), Err(ParseHostError), "{text:?}");
        }
    }
}
