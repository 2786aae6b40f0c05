//! What an operator does about the key-encryption keys: see what they hold, move the data keys over to the
//! newest version, make the next.
//!
//! The commands work on the folder and the database. A running service finds the next version when it looks
//! at its folder, or when it meets the first data key that is wrapped by it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use liaison_store::audit::{self, AuditEntry};
use liaison_store::sealed::{self, KeyRing, KeyRingError, Rewrapped};
use liaison_store::{Db, DbResult};
use liaison_types::{AuditId, Error, ErrorKind, Name, Party, Reason, Result, Timestamp};
use sea_orm_migration::SchemaManager;
use serde_json::json;

use crate::cli::{KeyTasks, KeysCommand, Output};
use crate::keys::public_key;
use crate::run::say;
use crate::service::{Ambient, Service};
use crate::settings::{KeySettings, Settings};
use crate::start;
use crate::table::table;

/// How often the table is walked: rows that somebody else held, or wrote behind the walk, are met again.
const ROUNDS: u32 = 3;

/// Something is left to do, or cannot be done.
const LEFT: u8 = 1;

/// How many data keys each version wraps.
type Held = BTreeMap<u32, u64>;

/// Does what was asked for, and answers the exit status.
///
/// # Errors
/// `SETTING_INVALID` where keys cannot be read or written, or migrations are pending, else what the database
/// says.
pub(crate) async fn run<S: Service>(
    settings: &Settings<S::Settings>,
    asked: &KeyTasks,
    ambient: &Ambient,
) -> Result<u8> {
    let db = start::connect_database::<S>(&settings.database).await?;
    let done = dispatch(&db, &settings.keys, asked, ambient).await;
    start::close(&db).await;
    done
}

async fn dispatch(db: &Db, keys: &KeySettings, asked: &KeyTasks, ambient: &Ambient) -> Result<u8> {
    let schema = SchemaManager::new(db.reader());
    let desk = Desk {
        db,
        keys,
        ambient,
        seals: schema.has_table(sealed::TABLE).await.db()?,
        audited: schema.has_table(audit::TABLE).await.db()?,
        output: asked.output,
    };
    match &asked.command {
        KeysCommand::Status => desk.status().await,
        KeysCommand::Rewrap { operator } => desk.rewrap(operator).await,
        KeysCommand::Rotate { operator } => desk.rotate(operator).await,
    }
}

/// An operator at work.
struct Desk<'a> {
    db: &'a Db,
    keys: &'a KeySettings,
    ambient: &'a Ambient,
    /// Whether the service has anything that is sealed.
    seals: bool,
    /// Whether the service keeps an audit.
    audited: bool,
    output: Output,
}

impl Desk<'_> {
    fn ring(&self) -> Result<KeyRing> {
        Ok(KeyRing::read(&self.keys.sealing)?)
    }

    async fn held(&self) -> Result<Held> {
        sealed::versions(self.db.reader()).await
    }

    async fn status(&self) -> Result<u8> {
        let signing = public_key(self.keys)?.id().to_string();
        let ring = self.ring()?;
        let held = if self.seals {
            self.held().await?
        } else {
            Held::new()
        };
        let versions = states(&ring, &held);
        let missing = versions.iter().any(|one| one.state == State::Missing);
        match self.output {
            Output::Json => {
                let versions: Vec<_> = versions
                    .iter()
                    .map(|one| {
                        json!({
                            "version": one.version,
                            "data_keys": one.data_keys,
                            "state": one.state.as_str(),
                        })
                    })
                    .collect();
                say(&json!({
                    "signing_key": signing,
                    "seals": self.seals,
                    "active": ring.active(),
                    "versions": versions,
                })
                .to_string());
            }
            Output::Table => {
                say(&format!("signing key {signing}"));
                let rows = versions.iter().map(|one| {
                    [
                        one.version.to_string(),
                        one.data_keys.to_string(),
                        one.state.as_str().to_owned(),
                        one.state.meaning().to_owned(),
                    ]
                });
                say(&table(
                    ["VERSION", "DATA KEYS", "STATE", "MEANING"],
                    rows.collect(),
                ));
                if !self.seals {
                    say(SEALS_NOTHING);
                }
            }
        }
        Ok(if missing { LEFT } else { 0 })
    }

    async fn rewrap(&self, operator: &Name) -> Result<u8> {
        if !self.seals {
            return Ok(self.nothing("rewrapped"));
        }
        let (ring, held) = (self.ring()?, self.held().await?);
        let version = ring.active();
        self.ensure_newest(version, &held)?;
        let purpose = format!("{} data keys of older versions", older(&held, version));
        let operator = Party::Operator(operator.clone());
        self.record(&operator, "keys.rewrap", version, purpose)
            .await?;
        self.move_over(&ring, "rewrapped").await
    }

    async fn rotate(&self, operator: &Name) -> Result<u8> {
        if !self.seals {
            return Ok(self.nothing("rotated"));
        }
        let held = self.held().await?;
        self.ensure_newest(self.ring()?.active(), &held)?;
        let operator = Party::Operator(operator.clone());
        let version = self.make(&operator).await?;
        if self.output == Output::Table {
            say(&format!("made version {version}, which seals from now on"));
        }
        let status = self.move_over(&self.ring()?, "rotated").await?;
        if self.output == Output::Table {
            say(
                "replicas look for new keys every 10 s and may use the old one until then: run \
                 `keys rewrap` once more after that, and back the folder up",
            );
        }
        Ok(status)
    }

    /// Makes the next version and records it: there is no key that the audit does not know of, unless the
    /// commit fails when the file is there already.
    async fn make(&self, operator: &Party) -> Result<u32> {
        let made = OnceLock::new();
        let done = self
            .db
            .write_tx("keys.rotate", |tx| {
                let made = &made;
                Box::pin(async move {
                    // A transaction that is tried again makes no second one.
                    let version = match made.get() {
                        Some(version) => *version,
                        None => {
                            let random = self.ambient.random.as_ref();
                            let version = KeyRing::generate(&self.keys.sealing, random)
                                .map_err(cannot_be_made)?;
                            *made.get_or_init(|| version)
                        }
                    };
                    if self.audited {
                        let purpose = format!("version {version} seals from now on");
                        let entry = self.entry(operator, "keys.rotate", version, purpose);
                        audit::record(tx, vec![entry]).await?;
                    }
                    Ok(version)
                })
            })
            .await;
        match (&done, made.get()) {
            (Ok(version), _) => self.tell_where_unaudited(operator, "keys.rotate", *version),
            (Err(_), Some(version)) => tracing::error!(
                operator = %operator,
                version,
                "{operator} made the key-encryption key of version {version}, which the audit does not know"
            ),
            (Err(_), None) => {}
        }
        done
    }

    /// Before anything is done, so that nothing is done unrecorded.
    async fn record(
        &self,
        operator: &Party,
        action: &'static str,
        version: u32,
        purpose: String,
    ) -> Result<()> {
        if self.audited {
            let entry = self.entry(operator, action, version, purpose);
            self.db
                .write_tx(action, |tx| {
                    Box::pin(audit::record(tx, vec![entry.clone()]))
                })
                .await?;
        }
        self.tell_where_unaudited(operator, action, version);
        Ok(())
    }

    fn entry(&self, operator: &Party, action: &str, version: u32, purpose: String) -> AuditEntry {
        let now: Timestamp = self.ambient.clock.now();
        AuditEntry {
            purpose: Some(purpose),
            ..AuditEntry::new(
                AuditId::new(now, self.ambient.random.as_ref()),
                now,
                operator.clone(),
                action,
                format!("keys/{version}"),
                "PERMIT",
            )
        }
    }

    fn tell_where_unaudited(&self, operator: &Party, action: &str, version: u32) {
        if !self.audited {
            tracing::warn!(
                operator = %operator,
                action,
                version,
                "{operator} did {action} to version {version}; this service keeps no audit"
            );
        }
    }

    /// Moves all data keys to the newest version. `done` is what is said of it.
    async fn move_over(&self, ring: &KeyRing, done: &'static str) -> Result<u8> {
        let version = ring.active();
        let mut left = older(&self.held().await?, version);
        let mut moved = 0;
        let mut unreadable = 0;
        for _ in 0..ROUNDS {
            let mut progress = Progress::new(left, self.output);
            let random = self.ambient.random.as_ref();
            let run = sealed::rewrap(self.db, ring, random, sealed::MAX_BATCH, |so_far| {
                progress.tell(so_far);
                true
            })
            .await?;
            moved += run.rewrapped;
            unreadable = run.unreadable;
            left = older(&self.held().await?, version);
            if left <= unreadable {
                break;
            }
        }
        match self.output {
            Output::Json => say(&json!({
                "done": done,
                "version": version,
                "moved": moved,
                "left": left,
                "unreadable": unreadable,
                "audited": self.audited,
            })
            .to_string()),
            Output::Table => {
                say(&format!("moved {moved} data keys to version {version}"));
                if left > unreadable {
                    say(&format!(
                        "{left} data keys are still wrapped by an older version: run `keys rewrap` again"
                    ));
                }
                if unreadable > 0 {
                    say(&format!(
                        "{unreadable} data keys do not open and were left as they are; the log names them, \
                         and `keys status` whether a version is missing"
                    ));
                }
            }
        }
        Ok(if left > 0 { LEFT } else { 0 })
    }

    /// A version that wraps already and is not here would be made a second time with another key, or what it
    /// wraps would be left out.
    fn ensure_newest(&self, active: u32, held: &Held) -> Result<()> {
        match held.keys().next_back() {
            Some(newest) if *newest > active => Err(setting(format!(
                "data keys are wrapped by version {newest} already, and {} has no more than version \
                 {active}; put {newest}.key there, or wait until it has arrived",
                self.keys.sealing.display()
            ))),
            _ => Ok(()),
        }
    }

    fn nothing(&self, done: &'static str) -> u8 {
        match self.output {
            Output::Json => say(&json!({ "done": done, "seals": false }).to_string()),
            Output::Table => say(SEALS_NOTHING),
        }
        0
    }
}

const SEALS_NOTHING: &str =
    "this service seals nothing: there is nothing to move, and no key to change";

/// How many data keys are wrapped by a version before `version`.
fn older(held: &Held, version: u32) -> u64 {
    held.range(..version).map(|(_, count)| count).sum()
}

/// What a version is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The highest.
    Seals,
    /// Older, and in use.
    Opens,
    /// Older, and not in use.
    Unused,
    /// In use, and not in the folder.
    Missing,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Seals => "seals",
            Self::Opens => "opens",
            Self::Unused => "unused",
            Self::Missing => "missing",
        }
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::Seals => "wraps what is new",
            Self::Opens => "`keys rewrap` moves its data keys over",
            Self::Unused => "may be removed once no backup needs it",
            Self::Missing => "what it wraps cannot be read: put its file back",
        }
    }
}

/// A version, and what it is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    version: u32,
    data_keys: u64,
    state: State,
}

/// The versions of the folder and those in use, in ascending order.
fn states(ring: &KeyRing, held: &Held) -> Vec<Version> {
    let here: BTreeSet<u32> = ring.versions().into_iter().collect();
    let all: BTreeSet<u32> = here.iter().chain(held.keys()).copied().collect();
    let state = |version, data_keys| match (here.contains(&version), data_keys) {
        (false, _) => State::Missing,
        (true, _) if version == ring.active() => State::Seals,
        (true, 0) => State::Unused,
        (true, _) => State::Opens,
    };
    all.into_iter()
        .map(|version| {
            let data_keys = held.get(&version).copied().unwrap_or(0);
            Version {
                version,
                data_keys,
                state: state(version, data_keys),
            }
        })
        .collect()
}

/// Says how far it came, to people: after each tenth of the whole, so that a large table takes no more lines
/// than a small one.
struct Progress {
    whole: u64,
    told: u64,
    output: Output,
}

impl Progress {
    const fn new(whole: u64, output: Output) -> Self {
        Self {
            whole,
            told: 0,
            output,
        }
    }

    fn tell(&mut self, so_far: &Rewrapped) {
        let step = (self.whole / 10).max(1);
        if self.output == Output::Table && so_far.rewrapped >= self.told + step {
            self.told = so_far.rewrapped;
            say(&format!("moved {} of {}", so_far.rewrapped, self.whole));
        }
    }
}

fn cannot_be_made(error: KeyRingError) -> Error {
    match error {
        KeyRingError::Write { .. } => setting(format!(
            "{error}; where the folder is a mounted secret, add the next key to the secret instead and run \
             `keys rewrap` (see `keys --help`)"
        ))
        .source(error),
        error => error.into(),
    }
}

fn setting(message: String) -> Error {
    Error::new(ErrorKind::FailedPrecondition, Reason::SettingInvalid).message(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_what_the_folder_and_the_database_say() {
        let ring = KeyRing::from_keys([(1, [1; 32]), (2, [2; 32]), (4, [4; 32])]).unwrap();
        let held = Held::from([(2, 20), (3, 30), (5, 50)]);
        let told: Vec<_> = states(&ring, &held)
            .into_iter()
            .map(|one| (one.version, one.data_keys, one.state.as_str()))
            .collect();
        let expected = [
            (1, 0, "unused"),
            (2, 20, "opens"),
            (3, 30, "missing"),
            (4, 0, "seals"),
            (5, 50, "missing"),
        ];
        assert_eq!(told, expected);
        assert_eq!(older(&held, 4), 50);
        assert_eq!(older(&held, 2), 0);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_told_with_the_way_out() {
        let error = KeyRingError::Write {
            path: "/etc/liaison/sealing/2.key".into(),
            source: std::io::ErrorKind::ReadOnlyFilesystem.into(),
        };
        let told = cannot_be_made(error);
        assert_eq!(told.reason(), Reason::SettingInvalid);
        let text = told.to_string();
        assert!(
            text.starts_with("/etc/liaison/sealing/2.key cannot be written; "),
            "{text}"
        );
        assert!(text.contains("add the next key to the secret"), "{text}");
    }
}
