//! Settings in layers: documented defaults, below a file, below the environment.
//!
//! 1. `defaults.toml` of this crate (what every service shares) and the service's `config.toml`,
//!    both embedded, every key documented where it stands;
//! 2. the file given with `--config`, in the same form;
//! 3. variables `LIAISON__SECTION__KEY`, for example `LIAISON__DATABASE__URL`.
//!
//! Unknown keys are refused, empty variables are refused, and the whole is validated before
//! anything is started: everything that is wrong is reported at once.

mod keys;
mod loader;
mod peers;
mod policy;
mod problem;
mod secret;

use std::time::Duration;

use liaison_grpc::{ClientSettings, ServerSettings};
use liaison_identity::IdentitySettings;
use liaison_outbox::RelaySettings;
use liaison_store::DatabaseSettings;
use liaison_telemetry::TelemetrySettings;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use keys::KeySettings;
pub use loader::Loader;
pub use peers::Peers;
pub use policy::PolicySettings;
pub use problem::{Problem, Problems};
pub use secret::Secret;

/// The documented defaults that every service shares.
pub const SHARED_DEFAULTS: &str = include_str!("../../defaults.toml");

/// The settings of a service: the sections every service has, and its own.
#[derive(Clone, Debug)]
pub struct Settings<S> {
    /// `[server]`: where it listens and what it takes at most.
    pub server: ServerSettings,
    /// `[client]`: how it calls its peers.
    pub client: ClientSettings,
    /// `[peers]`: where the other services are.
    pub peers: Peers,
    /// `[database]`.
    pub database: DatabaseSettings,
    /// `[identity]`: certificate, key, authority.
    pub identity: IdentitySettings,
    /// `[keys]`: what the service signs with, and what it seals with.
    pub keys: KeySettings,
    /// `[policy]`: by which rules it decides, and for whom which clearance is on record.
    pub policy: PolicySettings,
    /// `[relay]`: how events are handed on.
    pub relay: RelaySettings,
    /// `[telemetry]`.
    pub telemetry: TelemetrySettings,
    /// `[shutdown]`.
    pub shutdown: ShutdownSettings,
    /// The service's own section.
    pub own: S,
}

/// How a service stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShutdownSettings {
    /// How long calls are still accepted after the service said that it is no longer ready, so
    /// that load balancers notice first.
    #[serde(with = "liaison_types::duration")]
    pub drain_delay: Duration,
    /// How long calls and tasks in progress may take to end after that. Then they are cut off.
    #[serde(with = "liaison_types::duration")]
    pub grace: Duration,
}

impl Default for ShutdownSettings {
    fn default() -> Self {
        Self {
            drain_delay: Duration::from_secs(3),
            grace: Duration::from_secs(20),
        }
    }
}

impl ShutdownSettings {
    /// No drain delay and a short grace: for one process whose callers stop with it, and for tests.
    #[must_use]
    pub const fn prompt() -> Self {
        Self {
            drain_delay: Duration::ZERO,
            grace: Duration::from_secs(10),
        }
    }

    fn check(&self, problems: &mut Problems) {
        problems.check(
            self.drain_delay <= Duration::from_mins(5),
            "shutdown.drain_delay",
            "is longer than 5m",
            "write for example 3s; whatever starts the process must wait this long and the grace",
        );
        problems.check(
            !self.grace.is_zero() && self.grace <= Duration::from_hours(1),
            "shutdown.grace",
            "is not between 1ms and 1h",
            "write for example 20s",
        );
    }
}

/// A service's own section of the settings.
pub trait Section: DeserializeOwned + Clone + std::fmt::Debug + Send + Sync + 'static {
    /// The name of the section in the file.
    const NAME: &'static str;

    /// Keys within the section that may come as `KEY_file` instead, naming a file that holds the
    /// value, as container platforms mount secrets. Declare them as [`Secret`].
    const SECRETS: &'static [&'static str] = &[];

    /// Keys within the section that are lists: the environment gives them separated by commas.
    const LISTS: &'static [&'static str] = &[];

    /// Notes everything that is wrong. Name keys in full, for example `intake.max_persons`.
    fn check(&self, problems: &mut Problems);
}

impl<S: Section> Settings<S> {
    /// Notes everything that is wrong with values that have the right form.
    fn check(&self, problems: &mut Problems) {
        for problem in self.server.problems() {
            problems.add(
                format!("server.{}", problem.key),
                problem.rule,
                loader::SEE_DEFAULTS,
            );
        }
        problems.violations("database", self.database.violations(""));
        let files = &self.identity;
        for (key, path) in [
            ("certificate", &files.certificate),
            ("key", &files.key),
            ("authority", &files.authority),
        ] {
            problems.check(
                !path.as_os_str().is_empty(),
                &format!("identity.{key}"),
                "is empty",
                "write the path of the PEM file",
            );
        }
        self.keys.check(problems);
        self.policy.check(problems);
        problems.violations("relay", self.relay.violations(""));
        for problem in self.telemetry.problems() {
            problems.add(
                format!("telemetry.{}", problem.key),
                problem.rule,
                problem.fix,
            );
        }
        self.peers.check(problems);
        self.shutdown.check(problems);
        self.own.check(problems);
    }
}
