//! Merging the layers and reading the result.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use config::{Config, ConfigError, Environment, File, FileFormat, Map, Source, Value, ValueKind};
use serde::de::DeserializeOwned;

use super::{Problems, SHARED_DEFAULTS, Section, Settings};

/// The prefix of every variable; `__` also separates section and key.
const PREFIX: &str = "LIAISON__";

/// A file that holds a secret is no larger than this.
const MAX_SECRET_BYTES: u64 = 64 << 10;

/// Where every key is described.
pub(super) const SEE_DEFAULTS: &str = "`settings` prints every key with its form and default";

/// Sections every service has.
const SHARED_SECTIONS: [&str; 10] = [
    "server",
    "client",
    "peers",
    "database",
    "identity",
    "keys",
    "policy",
    "relay",
    "telemetry",
    "shutdown",
];

/// Keys of shared sections that may come as `KEY_file`.
const SHARED_SECRETS: [(&str, &str); 2] = [("database", "url"), ("database", "migration_url")];

/// Reads the settings of a service. Later layers win: defaults, file, environment, overrides.
#[derive(Clone, Debug, Default)]
pub struct Loader {
    defaults: Vec<String>,
    file: Option<PathBuf>,
    environment: BTreeMap<OsString, OsString>,
    overrides: Vec<(String, String)>,
}

impl Loader {
    /// The shared defaults and those of the service, as TOML.
    #[must_use]
    pub fn new(service_defaults: &str) -> Self {
        Self {
            defaults: vec![SHARED_DEFAULTS.to_owned(), service_defaults.to_owned()],
            ..Self::default()
        }
    }

    /// Adds a file. It must exist.
    #[must_use]
    pub fn file(mut self, path: Option<&Path>) -> Self {
        self.file = path.map(Path::to_owned);
        self
    }

    /// Adds variables, usually [`std::env::vars_os`]. Those that do not begin with `LIAISON_` are
    /// none of our business.
    #[must_use]
    pub fn environment(
        mut self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        self.environment = variables
            .into_iter()
            .filter(|(name, _)| {
                name.to_string_lossy()
                    .to_uppercase()
                    .starts_with("LIAISON_")
            })
            .collect();
        self
    }

    /// Sets one value above every layer, for example `("server.listen", "127.0.0.1:0")`.
    #[must_use]
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.overrides.push((key.into(), value.into()));
        self
    }

    /// Reads and validates.
    ///
    /// # Errors
    /// Everything that is wrong. Values that do not have the right form hide the rules that could
    /// only be checked on the whole.
    pub fn load<S: Section>(self) -> Result<Settings<S>, Problems> {
        let mut problems = Problems::default();
        let mut tables = self.merge(&mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        refuse_unknown_sections::<S>(&tables, &mut problems);
        for (section, key) in SHARED_SECRETS {
            secret_from_file(&mut tables, section, key, &mut problems);
        }
        for key in S::SECRETS {
            secret_from_file(&mut tables, S::NAME, key, &mut problems);
        }
        for key in S::LISTS {
            split_list(&mut tables, S::NAME, key);
        }
        let mut sections = Sections {
            tables,
            problems: &mut problems,
        };
        let server = sections.read("server");
        let client = sections.read("client");
        let peers = sections.read("peers");
        let database = sections.read("database");
        let identity = sections.read("identity");
        let keys = sections.read("keys");
        let policy = sections.read("policy");
        let relay = sections.read("relay");
        let telemetry = sections.read("telemetry");
        let shutdown = sections.read("shutdown");
        let own = sections.read(S::NAME);
        let read = (|| {
            Some(Settings {
                server: server?,
                client: client?,
                peers: peers?,
                database: database?,
                identity: identity?,
                keys: keys?,
                policy: policy?,
                relay: relay?,
                telemetry: telemetry?,
                shutdown: shutdown?,
                own: own?,
            })
        })();
        if let Some(settings) = &read {
            settings.check(&mut problems);
        }
        match read {
            Some(settings) if problems.is_empty() => Ok(settings),
            _ => Err(problems),
        }
    }

    /// All layers as one table, or the reasons why there is none.
    fn merge(&self, problems: &mut Problems) -> Map<String, Value> {
        let mut builder = Config::builder();
        for defaults in &self.defaults {
            builder = builder.add_source(File::from_str(defaults, FileFormat::Toml));
        }
        if let Some(path) = &self.file {
            match std::fs::read_to_string(path) {
                Ok(text) => {
                    let file = File::from_str(&text, FileFormat::Toml);
                    // Read alone first, so that a fault is attributed to this file.
                    match file.collect() {
                        Ok(_) => builder = builder.add_source(file),
                        Err(error) => problems.add(
                            "",
                            format!("the file {} is not TOML: {}", path.display(), place(&error)),
                            "correct it",
                        ),
                    }
                }
                Err(error) => problems.add(
                    "",
                    format!(
                        "the file {} cannot be read: {}",
                        path.display(),
                        error.kind()
                    ),
                    "give the path of a TOML file with --config",
                ),
            }
        }
        builder = builder.add_source(
            Environment::default()
                .prefix(PREFIX.trim_end_matches('_'))
                .prefix_separator("__")
                .separator("__")
                .source(Some(self.variables(problems))),
        );
        for (key, value) in &self.overrides {
            match builder.clone().set_override(key, value.as_str()) {
                Ok(next) => builder = next,
                Err(_) => problems.add(key, "is not a key", "write section.key"),
            }
        }
        match builder.build().and_then(|config| config.collect()) {
            Ok(tables) => tables,
            Err(error) => {
                problems.add("", place(&error), "");
                Map::new()
            }
        }
    }

    /// The variables that are settings. Those that were meant to be are named.
    fn variables(&self, problems: &mut Problems) -> Map<String, String> {
        let mut variables = Map::new();
        for (name, value) in &self.environment {
            let shown = name.to_string_lossy();
            if !shown.to_uppercase().starts_with(PREFIX) {
                // LIAISON_DATABASE__URL would otherwise be ignored without a word.
                problems.check(
                    !shown.contains("__"),
                    &shown,
                    "is not read",
                    "variables begin with LIAISON__ (two underscores)",
                );
                continue;
            }
            let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else {
                problems.add(shown, "is not UTF-8", "correct it");
                continue;
            };
            if value.is_empty() {
                problems.add(name, "is set to nothing", "give it a value or unset it");
                continue;
            }
            if name.split("__").count() < 3 || name.split("__").any(str::is_empty) {
                problems.add(name, "names no setting", "write LIAISON__SECTION__KEY");
                continue;
            }
            variables.insert(name.to_owned(), value.to_owned());
        }
        variables
    }
}

/// Where a fault is and what it is, without the line itself, which may hold a secret.
fn place(error: &ConfigError) -> String {
    let text = error.to_string();
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().trim();
    match lines.next_back() {
        Some(last) => format!("{first}: {}", last.trim()),
        None => first.to_owned(),
    }
}

fn refuse_unknown_sections<S: Section>(tables: &Map<String, Value>, problems: &mut Problems) {
    let known = |name: &str| SHARED_SECTIONS.contains(&name) || name == S::NAME;
    let mut unknown: Vec<_> = tables.keys().filter(|name| !known(name)).collect();
    unknown.sort();
    for name in unknown {
        let all = SHARED_SECTIONS.join(", ");
        problems.add(
            name,
            "is not a known section",
            format!("the sections are {all} and {}", S::NAME),
        );
    }
}

/// Replaces `key_file` by `key` with the content of the file.
fn secret_from_file(
    tables: &mut Map<String, Value>,
    section: &str,
    key: &str,
    problems: &mut Problems,
) {
    let Some(Value {
        kind: ValueKind::Table(table),
        ..
    }) = tables.get_mut(section)
    else {
        return;
    };
    let name = format!("{section}.{key}_file");
    let Some(path) = table.remove(&format!("{key}_file")) else {
        return;
    };
    let Ok(path) = path.into_string() else {
        problems.add(
            name,
            "is not a path",
            "write the path of the file that holds the value",
        );
        return;
    };
    match read_secret(Path::new(&path)) {
        Ok(value) => {
            let origin = format!("the file of {name}");
            table.insert(
                key.to_owned(),
                Value::new(Some(&origin), ValueKind::String(value)),
            );
        }
        Err(rule) => problems.add(
            name,
            rule,
            "name a readable file that holds the value alone",
        ),
    }
}

fn read_secret(path: &Path) -> Result<String, String> {
    let cannot =
        |error: std::io::Error| format!("names a file that cannot be read: {}", error.kind());
    if std::fs::metadata(path).map_err(cannot)?.len() > MAX_SECRET_BYTES {
        return Err("names a file larger than 64 KiB".to_owned());
    }
    let text = std::fs::read_to_string(path).map_err(cannot)?;
    // Editors and `echo` end a file with a line feed that is not part of the value.
    let value = text.trim_end_matches(['\r', '\n']);
    if value.is_empty() {
        return Err("names an empty file".to_owned());
    }
    Ok(value.to_owned())
}

/// The environment knows text only: a list is its parts separated by commas.
fn split_list(tables: &mut Map<String, Value>, section: &str, key: &str) {
    if let Some(Value {
        kind: ValueKind::Table(table),
        ..
    }) = tables.get_mut(section)
        && let Some(value) = table.get_mut(key)
        && let ValueKind::String(text) = &value.kind
    {
        let parts = text
            .split(',')
            .map(|part| Value::from(part.trim()))
            .collect();
        value.kind = ValueKind::Array(parts);
    }
}

/// Reads sections one by one, so that a fault in one does not hide those of another.
struct Sections<'a> {
    tables: Map<String, Value>,
    problems: &'a mut Problems,
}

impl Sections<'_> {
    fn read<T: DeserializeOwned>(&mut self, section: &str) -> Option<T> {
        let value = self
            .tables
            .remove(section)
            .unwrap_or_else(|| Value::new(None, ValueKind::Table(Map::new())));
        match value.try_deserialize() {
            Ok(read) => Some(read),
            Err(error) => {
                let (key, rule, fix) = explain(section, &error);
                self.problems.add(key, rule, fix);
                None
            }
        }
    }
}

/// The full key of a value that does not have the right form, what is wrong with it, and what to do.
fn explain(section: &str, error: &ConfigError) -> (String, String, String) {
    let full = |key: Option<&String>| match key {
        Some(key) if !key.is_empty() => format!("{section}.{key}"),
        _ => section.to_owned(),
    };
    match error {
        ConfigError::Type {
            origin,
            expected,
            key,
            ..
        } => {
            let from = origin
                .as_ref()
                .map_or(String::new(), |origin| format!(" (from {origin})"));
            // Not the value itself: it may have been meant for a secret.
            (
                full(key.as_ref()),
                format!("is not {expected}{from}"),
                SEE_DEFAULTS.to_owned(),
            )
        }
        ConfigError::At { error, key, .. } => match full(key.as_ref()) {
            key if key == section => explain(section, error),
            key => (key, format!("is refused: {error}"), SEE_DEFAULTS.to_owned()),
        },
        ConfigError::NotFound(key) => {
            let key = full(Some(key));
            let variable = key.to_uppercase().replace('.', "__");
            (
                key,
                "is missing".to_owned(),
                format!("give it in the file or as {PREFIX}{variable}"),
            )
        }
        // Among these an unknown key, with the names of the known ones.
        other => (
            section.to_owned(),
            format!("is refused: {other}"),
            String::new(),
        ),
    }
}
