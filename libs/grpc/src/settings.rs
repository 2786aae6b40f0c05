//! Settings of the server and of clients.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The section `[server]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSettings {
    /// Where the service answers over mutual TLS. Port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Where grpc.health.v1, and nothing else, answers without TLS. Loopback outside containers.
    pub health_listen: SocketAddr,
    /// What the server takes at most.
    #[serde(default)]
    pub limits: Limits,
}

impl Default for ServerSettings {
    /// Loopback, on ports that the system chooses.
    fn default() -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            listen: any,
            health_listen: any,
            limits: Limits::default(),
        }
    }
}

/// What the server takes at most. Every queue and every wait is bounded by one of these.
///
/// A message may have 4 MiB. That is tonic's limit on both sides of a call and is no setting: what
/// one side may send, the other must be able to read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Open connections. Further ones wait in the kernel's queue.
    pub connections: usize,
    /// TLS handshakes in progress.
    pub handshakes: usize,
    /// How long a handshake may take.
    #[serde(with = "liaison_types::duration")]
    pub handshake_timeout: Duration,
    /// Calls in progress, over all connections. Further ones are refused with OVERLOADED.
    pub calls: usize,
    /// Long polls in progress; they wait most of the time, so there may be more of them.
    pub long_polls: usize,
    /// Open streams.
    pub streams: usize,
    /// Calls per second that one party may make in the long run; 0 switches the limit off.
    /// Services of the suite are exempt: their batches are bounded by the calls in progress.
    pub party_rate: u32,
    /// Calls that one party may make at once before the rate applies.
    pub party_burst: u32,
    /// How long a call may take; a shorter deadline of the caller holds.
    #[serde(with = "liaison_types::duration")]
    pub call_timeout: Duration,
    /// How long a long poll may take.
    #[serde(with = "liaison_types::duration")]
    pub long_poll_timeout: Duration,
    /// Concurrent HTTP/2 streams of one connection.
    pub streams_per_connection: u32,
    /// Age at which a connection is closed, so that callers spread over replicas again and
    /// revoked certificates end. Calls in progress finish. Zero never closes.
    #[serde(with = "liaison_types::duration")]
    pub connection_age: Duration,
    /// How often an idle connection is probed.
    #[serde(with = "liaison_types::duration")]
    pub keepalive: Duration,
    /// How long a probe may stay unanswered.
    #[serde(with = "liaison_types::duration")]
    pub keepalive_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            handshakes: 64,
            handshake_timeout: Duration::from_secs(5),
            calls: 1024,
            long_polls: 4096,
            streams: 1024,
            party_rate: 5_000,
            party_burst: 10_000,
            call_timeout: Duration::from_secs(30),
            long_poll_timeout: Duration::from_secs(90),
            streams_per_connection: 1024,
            connection_age: Duration::from_mins(30),
            keepalive: Duration::from_secs(20),
            keepalive_timeout: Duration::from_secs(10),
        }
    }
}

/// A setting that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettingProblem {
    /// The key within the section.
    pub key: &'static str,
    /// What it must be.
    pub rule: &'static str,
}

impl ServerSettings {
    /// Everything that is wrong, at once.
    #[must_use]
    pub fn problems(&self) -> Vec<SettingProblem> {
        let mut problems = self.limits.problems();
        if self.listen == self.health_listen && self.listen.port() != 0 {
            problems.push(SettingProblem {
                key: "health_listen",
                rule: "must differ from listen",
            });
        }
        problems
    }
}

impl Limits {
    /// Everything that is wrong, at once.
    #[must_use]
    pub fn problems(&self) -> Vec<SettingProblem> {
        /// tokio's semaphores hold no more.
        const MOST: usize = usize::MAX >> 3;
        let count = |n: usize| (1..=MOST).contains(&n);
        let positive = |d: Duration| !d.is_zero();
        let rules = [
            ("limits.connections", count(self.connections)),
            ("limits.handshakes", count(self.handshakes)),
            ("limits.handshake_timeout", positive(self.handshake_timeout)),
            ("limits.calls", count(self.calls)),
            ("limits.long_polls", count(self.long_polls)),
            ("limits.streams", count(self.streams)),
            (
                "limits.party_burst",
                self.party_rate == 0 || self.party_burst > 0,
            ),
            ("limits.call_timeout", positive(self.call_timeout)),
            ("limits.long_poll_timeout", positive(self.long_poll_timeout)),
            (
                "limits.streams_per_connection",
                self.streams_per_connection > 0,
            ),
            ("limits.keepalive", positive(self.keepalive)),
            ("limits.keepalive_timeout", positive(self.keepalive_timeout)),
        ];
        rules
            .into_iter()
            .filter(|(_, good)| !good)
            .map(|(key, _)| SettingProblem {
                key,
                rule: "must be greater than zero",
            })
            .collect()
    }
}

/// How a client behaves towards one server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientSettings {
    /// How long connecting, TLS handshake included, may take.
    #[serde(with = "liaison_types::duration")]
    pub connect_timeout: Duration,
    /// How long a call may take where the caller sets no deadline.
    #[serde(with = "liaison_types::duration")]
    pub call_timeout: Duration,
    /// The same for long polls.
    #[serde(with = "liaison_types::duration")]
    pub long_poll_timeout: Duration,
    /// How often an idle connection is probed.
    #[serde(with = "liaison_types::duration")]
    pub keepalive: Duration,
    /// How long a probe may stay unanswered.
    #[serde(with = "liaison_types::duration")]
    pub keepalive_timeout: Duration,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            call_timeout: Duration::from_secs(20),
            long_poll_timeout: Duration::from_secs(80),
            keepalive: Duration::from_secs(20),
            keepalive_timeout: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_zeros_are_not() {
        assert_eq!(Limits::default().problems(), []);
        let broken = Limits {
            calls: 0,
            call_timeout: Duration::ZERO,
            ..Limits::default()
        };
        let keys: Vec<_> = broken
            .problems()
            .iter()
            .map(|problem| problem.key)
            .collect();
        assert_eq!(keys, ["limits.calls", "limits.call_timeout"]);
        let same = ServerSettings {
            listen: ([127, 0, 0, 1], 7101).into(),
            health_listen: ([127, 0, 0, 1], 7101).into(),
            limits: Limits::default(),
        };
        assert_eq!(same.problems()[0].key, "health_listen");
    }
}
