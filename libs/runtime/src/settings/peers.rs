//! Where the other services are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Problems;

/// The section `[peers]`: the address of each service this one calls, by name. Which of them are
/// needed is known to the service that asks for them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Peers(BTreeMap<String, String>);

impl Peers {
    /// The address of the service `name`, of the form `https://HOST:PORT`.
    #[must_use]
    pub fn address(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Says where the service `name` is.
    pub fn set(&mut self, name: impl Into<String>, address: impl Into<String>) {
        self.0.insert(name.into(), address.into());
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        for (name, address) in &self.0 {
            problems.check(
                is_address(address),
                &format!("peers.{name}"),
                "is not an address",
                "write https://HOST:PORT, for example https://127.0.0.1:7101",
            );
        }
    }
}

/// `https://`, a host name or an address (version 6 in brackets), and a port.
fn is_address(address: &str) -> bool {
    let Some((host, port)) = address
        .strip_prefix("https://")
        .and_then(|authority| authority.trim_end_matches('/').rsplit_once(':'))
    else {
        return false;
    };
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok());
    let plain = !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    port.parse::<u16>().is_ok_and(|port| port != 0) && (bracketed || plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(address: &str) -> Problems {
        let (mut peers, mut problems) = (Peers::default(), Problems::default());
        peers.set("intake", address);
        assert_eq!(peers.address("intake"), Some(address));
        assert_eq!(peers.address("routing"), None);
        peers.check(&mut problems);
        problems
    }

    #[test]
    fn an_address_has_one_form() {
        for right in [
            "https://intake.liaison.svc:7101/",
            "https://[::1]:7103",
            "https://10.0.0.1:1",
        ] {
            assert!(problems(right).is_empty(), "{right}");
        }
        for wrong in [
            "",
            "intake:7101",
            "http://intake:7101",
            "https://intake",
            "https://intake:0",
            "https://intake:99999",
            "https://:7101",
            "https://a b:1",
            "https://::1:1",
        ] {
            assert_eq!(problems(wrong).found()[0].key, "peers.intake", "{wrong}");
        }
    }
}
