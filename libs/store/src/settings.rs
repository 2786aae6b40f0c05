//! Where the database is.

use std::fmt;
use std::time::Duration;

use liaison_types::{Rule, Violation};
use sea_orm::DbBackend;
use serde::{Deserialize, Deserializer};

/// The `[database]` section of a service's settings.
///
/// `Debug` shows the URLs without user, password and parameters.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `sqlite://PATH` or `postgres://USER:PASSWORD@HOST:PORT/NAME`. Databases in memory are refused:
    /// every connection would see another one.
    pub url: String,
    /// PostgreSQL only: the URL to migrate with, naming the role that owns the tables and bypassing
    /// a pooler. `url` where it is absent.
    #[serde(default, deserialize_with = "absent_when_empty")]
    pub migration_url: Option<String>,
    /// PostgreSQL only: the role `url` connects as. Migrating grants it what serving needs: to read,
    /// insert, update and delete, on append-only tables to read and insert only.
    #[serde(default, deserialize_with = "absent_when_empty")]
    pub serving_role: Option<String>,
    /// At most this many connections, 1 to 1000. On SQLite these are the readers; there is one writer.
    #[serde(default = "default_max_connections")]
    pub max_connections: u32,
    /// How long to wait for a connection, in milliseconds, 1 to 600000.
    #[serde(default = "default_acquire_timeout_ms")]
    pub acquire_timeout_ms: u64,
    /// Whether a server brings the schema up to date when it starts, instead of refusing to start on
    /// pending migrations.
    #[serde(default)]
    pub migrate_on_start: bool,
    /// PostgreSQL only: how the connections are called in `pg_stat_activity`.
    #[serde(default = "default_application_name")]
    pub application_name: String,
}

fn default_max_connections() -> u32 {
    16
}

fn default_acquire_timeout_ms() -> u64 {
    10_000
}

fn default_application_name() -> String {
    "liaison".to_owned()
}

/// An environment variable set to nothing means what an absent one means.
fn absent_when_empty<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(input)?.filter(|text| !text.is_empty()))
}

impl DatabaseSettings {
    /// `url` with the default limits.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            migration_url: None,
            serving_role: None,
            max_connections: default_max_connections(),
            acquire_timeout_ms: default_acquire_timeout_ms(),
            migrate_on_start: false,
            application_name: default_application_name(),
        }
    }

    /// Which database `url` names; `None` where it names neither.
    #[must_use]
    pub fn backend(&self) -> Option<DbBackend> {
        backend_of(&self.url)
    }

    /// The URL to migrate with.
    #[must_use]
    pub fn migration_url(&self) -> &str {
        self.migration_url.as_deref().unwrap_or(&self.url)
    }

    pub(crate) fn acquire_timeout(&self) -> Duration {
        Duration::from_millis(self.acquire_timeout_ms)
    }

    /// All that is wrong, each field with `prefix` before its name, for example `database.`.
    #[must_use]
    pub fn violations(&self, prefix: &str) -> Vec<Violation> {
        const FORM: &str = "sqlite://PATH or postgres://USER:PASSWORD@HOST:PORT/NAME";
        let mut found = Vec::new();
        let mut add =
            |field: &str, rule| found.push(Violation::new(format!("{prefix}{field}"), rule));
        let backend = self.backend();
        if self.url.is_empty() {
            add("url", Rule::Required);
        } else if backend.is_none() || is_in_memory(&self.url) {
            add("url", Rule::MalformedSetting(FORM));
        }
        if let Some(url) = &self.migration_url {
            if backend == Some(DbBackend::Sqlite) {
                add("migration_url", Rule::ConflictsWith("url"));
            } else if backend_of(url) != Some(DbBackend::Postgres) {
                add("migration_url", Rule::MalformedSetting(FORM));
            }
        }
        if self.serving_role.is_some() && backend == Some(DbBackend::Sqlite) {
            add("serving_role", Rule::ConflictsWith("url"));
        }
        if !(1..=1_000).contains(&self.max_connections) {
            add("max_connections", Rule::OutOfRange(1, 1_000));
        }
        if !(1..=600_000).contains(&self.acquire_timeout_ms) {
            add("acquire_timeout_ms", Rule::OutOfRange(1, 600_000));
        }
        if self.application_name.len() > 63 {
            add("application_name", Rule::TooLong(63));
        }
        found
    }
}

fn backend_of(url: &str) -> Option<DbBackend> {
    match url.split_once(':')?.0 {
        "sqlite" => Some(DbBackend::Sqlite),
        "postgres" | "postgresql" => Some(DbBackend::Postgres),
        _ => None,
    }
}

fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
}

/// The URL without user, password and parameters.
fn redacted(url: &str) -> String {
    let place = url.split('?').next().unwrap_or_default();
    match (place.split_once("://"), place.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://***@{host}"),
        _ => place.to_owned(),
    }
}

impl fmt::Debug for DatabaseSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseSettings")
            .field("url", &redacted(&self.url))
            .field(
                "migration_url",
                &self.migration_url.as_deref().map(redacted),
            )
            .field("serving_role", &self.serving_role)
            .field("max_connections", &self.max_connections)
            .field("acquire_timeout_ms", &self.acquire_timeout_ms)
            .field("migrate_on_start", &self.migrate_on_start)
            .field("application_name", &self.application_name)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_secrets() {
        let mut settings = DatabaseSettings::new("postgres://ann:p@ss@db:5432/intake?password=x");
        settings.migration_url = Some("postgres://owner:hush@db/intake".to_owned());
        let text = format!("{settings:?}");
        for secret in ["ann", "p@ss", "hush", "owner", "password"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains("postgres://***@db:5432/intake"));
    }

    #[test]
    fn defaults_unknown_keys_and_empty_variables() {
        let read = |text: &str| toml::from_str::<DatabaseSettings>(text);
        let settings = read("url = 'sqlite://x.db'\nserving_role = ''").unwrap();
        assert_eq!(settings, DatabaseSettings::new("sqlite://x.db"));
        assert!(settings.violations("").is_empty());
        assert!(read("url = 'sqlite://x.db'\nurls = 'x'").is_err());
    }

    #[test]
    fn all_violations_at_once() {
        let mut settings = DatabaseSettings::new("mysql://x");
        settings.max_connections = 0;
        settings.acquire_timeout_ms = 0;
        let fields: Vec<_> = settings
            .violations("database.")
            .into_iter()
            .map(|v| v.field)
            .collect();
        assert_eq!(
            fields,
            [
                "database.url",
                "database.max_connections",
                "database.acquire_timeout_ms"
            ]
        );
        for url in ["", "sqlite::memory:", "sqlite://file:x?mode=memory"] {
            assert_eq!(DatabaseSettings::new(url).violations("").len(), 1, "{url}");
        }
        let mut settings = DatabaseSettings::new("sqlite://x.db");
        settings.serving_role = Some("intake".to_owned());
        settings.migration_url = Some("postgres://x".to_owned());
        assert_eq!(settings.violations("").len(), 2);
    }
}
