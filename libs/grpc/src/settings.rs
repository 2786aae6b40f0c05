//! Settings of the server and of clients.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use liaison_types::{Party, PartyKind};
use serde::{Deserialize, Serialize};

use crate::quota::Quota;

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
    /// Open connections of one party; 0 switches the limit off, as for the three that follow. What is
    /// over it is told so and closed.
    pub party_connections: usize,
    /// Calls of one party in progress. Together with the next two it keeps one party from taking all
    /// places that there are.
    pub party_calls: usize,
    /// Long polls of one party in progress.
    pub party_long_polls: usize,
    /// Open streams of one party.
    pub party_streams: usize,
    /// What holds for single parties instead, by party: `[server.limits.party."bureau/NB-FR"]`.
    pub party: BTreeMap<Party, PartyLimits>,
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
            party_connections: 128,
            party_calls: 512,
            party_long_polls: 512,
            party_streams: 128,
            party: BTreeMap::new(),
            call_timeout: Duration::from_secs(30),
            long_poll_timeout: Duration::from_secs(90),
            streams_per_connection: 1024,
            connection_age: Duration::from_mins(30),
            keepalive: Duration::from_secs(20),
            keepalive_timeout: Duration::from_secs(10),
        }
    }
}

/// What holds for one party; what is absent is as for everybody. Each is 0 for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PartyLimits {
    /// Instead of [`Limits::party_rate`].
    pub rate: Option<u32>,
    /// Instead of [`Limits::party_burst`].
    pub burst: Option<u32>,
    /// Instead of [`Limits::party_connections`].
    pub connections: Option<usize>,
    /// Instead of [`Limits::party_calls`].
    pub calls: Option<usize>,
    /// Instead of [`Limits::party_long_polls`].
    pub long_polls: Option<usize>,
    /// Instead of [`Limits::party_streams`].
    pub streams: Option<usize>,
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
        let mut problems: Vec<_> = rules
            .into_iter()
            .filter(|(_, good)| !good)
            .map(|(key, _)| SettingProblem {
                key,
                rule: "must be greater than zero",
            })
            .collect();
        for (party, own) in &self.party {
            if party.kind() == PartyKind::Service {
                problems.push(SettingProblem {
                    key: "limits.party",
                    rule: "names a service; services of the suite are not limited",
                });
            }
            let rate = own.rate.unwrap_or(self.party_rate);
            if rate > 0 && own.burst.unwrap_or(self.party_burst) == 0 {
                problems.push(SettingProblem {
                    key: "limits.party",
                    rule: "gives a party a rate and a burst of zero, which lets it make no call",
                });
            }
        }
        problems
    }

    /// Calls per second of `party` and how many at once; `None` where they are not limited.
    pub(crate) fn rate_of(&self, party: &Party) -> Option<(NonZeroU32, NonZeroU32)> {
        let own = self.party.get(party).copied().unwrap_or_default();
        let rate = NonZeroU32::new(own.rate.unwrap_or(self.party_rate))?;
        let burst = NonZeroU32::new(own.burst.unwrap_or(self.party_burst));
        Some((rate, burst.unwrap_or(rate)))
    }

    /// How much of `quota` `party` may have at a time; `None` where that is not limited. The services
    /// of the suite never are: the relays deliver in batches under a lease and back off by themselves,
    /// and throttling them would only grow the outboxes.
    pub(crate) fn places_of(&self, party: &Party, quota: Quota) -> Option<NonZeroUsize> {
        if party.kind() == PartyKind::Service {
            return None;
        }
        let own = self.party.get(party).copied().unwrap_or_default();
        NonZeroUsize::new(match quota {
            Quota::Connections => own.connections.unwrap_or(self.party_connections),
            Quota::Calls => own.calls.unwrap_or(self.party_calls),
            Quota::LongPolls => own.long_polls.unwrap_or(self.party_long_polls),
            Quota::Streams => own.streams.unwrap_or(self.party_streams),
        })
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
        let service: Party = "service/intake".parse().unwrap();
        let odd = Limits {
            party: BTreeMap::from([
                (service, PartyLimits::default()),
                (
                    "unit/cyber".parse().unwrap(),
                    PartyLimits {
                        burst: Some(0),
                        ..PartyLimits::default()
                    },
                ),
            ]),
            ..Limits::default()
        };
        let rules = odd.problems();
        // In the order of the parties' names.
        assert!(rules[0].rule.contains("burst"), "{rules:?}");
        assert!(rules[1].rule.contains("service"), "{rules:?}");
        let same = ServerSettings {
            listen: ([127, 0, 0, 1], 7101).into(),
            health_listen: ([127, 0, 0, 1], 7101).into(),
            limits: Limits::default(),
        };
        assert_eq!(same.problems()[0].key, "health_listen");
    }

    #[test]
    fn a_party_has_its_own_limits_where_it_is_named_and_services_have_none() {
        let own = PartyLimits {
            rate: Some(7),
            streams: Some(3),
            calls: Some(0),
            ..PartyLimits::default()
        };
        let france: Party = "bureau/NB-FR".parse().unwrap();
        let spain: Party = "bureau/NB-ES".parse().unwrap();
        let limits = Limits {
            party: BTreeMap::from([(france.clone(), own)]),
            ..Limits::default()
        };
        let places = |party: &Party, quota| limits.places_of(party, quota).map(NonZeroUsize::get);
        assert_eq!(places(&france, Quota::Streams), Some(3));
        assert_eq!(places(&france, Quota::Calls), None);
        assert_eq!(places(&france, Quota::Connections), Some(128));
        assert_eq!(places(&spain, Quota::Streams), Some(128));
        assert_eq!(places(&Party::service("intake"), Quota::Streams), None);
        let rate = |party: &Party| limits.rate_of(party).map(|(r, b)| (r.get(), b.get()));
        assert_eq!(rate(&france), Some((7, 10_000)));
        assert_eq!(rate(&spain), Some((5_000, 10_000)));
    }
}
