//! Where the services answer.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};

/// The services in the order of a referral's way through them.
pub const SERVICES: [&str; 4] = ["intake", "classification", "routing", "notification"];

/// Where each service answers over mutual TLS.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Addresses(BTreeMap<String, SocketAddr>);

impl Addresses {
    /// These, one for each of [`SERVICES`].
    ///
    /// # Panics
    /// Where one is missing.
    #[must_use]
    pub fn new(addresses: impl IntoIterator<Item = (String, SocketAddr)>) -> Self {
        let addresses: BTreeMap<_, _> = addresses.into_iter().collect();
        for service in SERVICES {
            assert!(addresses.contains_key(service), "no address of {service}");
        }
        Self(addresses)
    }

    /// Where `service` answers.
    ///
    /// # Panics
    /// Where there is no such service.
    #[must_use]
    pub fn of(&self, service: &str) -> SocketAddr {
        self.0[service]
    }

    /// The same as `https://HOST:PORT`.
    #[must_use]
    pub fn uri(&self, service: &str) -> String {
        format!("https://{}", self.of(service))
    }
}

/// `count` addresses on the loopback interface that nobody listens at now.
///
/// # Panics
/// Where there are none left.
#[must_use]
pub fn free(count: usize) -> Vec<SocketAddr> {
    // All held at once, so that no address is drawn twice.
    let held: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"))
        .collect();
    held.iter()
        .map(|listener| listener.local_addr().expect("a bound socket has one"))
        .collect()
}
