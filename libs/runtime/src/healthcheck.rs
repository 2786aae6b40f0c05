//! Asking a running service how it is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use liaison_grpc::{Probe, probe};
use liaison_types::{Error, ErrorKind, Reason, Result};

/// Asks the health port that a process listens on for `service`; the empty name asks whether the
/// process is alive.
///
/// # Errors
/// `UNAVAILABLE` where it does not answer within `timeout` or answers no.
pub(crate) async fn check(listen: SocketAddr, service: &str, timeout: Duration) -> Result<()> {
    let address = reachable(listen);
    let message = match probe(address, service, timeout).await {
        Probe::Serving => return Ok(()),
        Probe::NotServing => format!("the service at {address} is not ready"),
        Probe::Unreachable => format!("no answer from {address}"),
    };
    Err(Error::new(ErrorKind::Unavailable, Reason::Unavailable).message(message))
}

/// "All addresses" can be listened on but not called.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_are_asked_at_the_loopback_one() {
        for (listen, asked) in [
            ("0.0.0.0:7201", "127.0.0.1:7201"),
            ("[::]:7201", "[::1]:7201"),
            ("10.1.2.3:7201", "10.1.2.3:7201"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()), asked.parse().unwrap());
        }
    }
}
