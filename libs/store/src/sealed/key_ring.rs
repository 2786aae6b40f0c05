//! The key-encryption keys.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use liaison_types::{Error, Random, Result};
use tempfile::NamedTempFile;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::cipher::{self, KEY_LEN, KeyBytes, Refused};
use super::data_key::DataKey;
use super::error::KeyRingError;
use super::table::{Model, NewDataKey, TABLE};
use crate::inconsistency::Inconsistency;

const DOMAIN: &[u8] = b"liaison.data-key.v1\n";
/// What fits the column, an `i32`.
const MAX_VERSION: u32 = i32::MAX.unsigned_abs();
/// More than a key file has: what is longer is none.
const LONGEST_FILE: usize = 128;

/// The key-encryption keys: the one with the highest version seals, all open.
///
/// They are files `VERSION.key` in a folder, the version in decimal digits from 1 without leading zeros,
/// the content 64 hexadecimal digits with or without an end of line. Files whose names begin with a dot
/// are passed over, since a mounted Kubernetes secret has such; any other is refused. `Debug` shows the
/// versions; dropping it erases the keys.
pub struct KeyRing {
    /// Absent where the keys came from elsewhere.
    folder: Option<PathBuf>,
    keys: ArcSwap<Keys>,
    /// Held while reading, so that of two readings the later one wins.
    reading: Mutex<()>,
}

type Keys = BTreeMap<u32, KeyBytes>;

impl KeyRing {
    /// Reads the keys in `folder`. Blocks on the file system.
    ///
    /// # Errors
    /// Names the file that is missing, malformed or unreadable, and what to do about it.
    pub fn read(folder: impl Into<PathBuf>) -> Result<Self, KeyRingError> {
        let folder = folder.into();
        let keys = read_keys(&folder)?;
        Ok(Self {
            folder: Some(folder),
            keys: ArcSwap::from_pointee(keys),
            reading: Mutex::default(),
        })
    }

    /// A ring of these versions, which [`KeyRing::reload`] leaves as it is: for tests, and for keys that
    /// do not come from files.
    ///
    /// # Errors
    /// Where there is none, a version is out of range, or two hold the same key.
    pub fn from_keys(
        keys: impl IntoIterator<Item = (u32, [u8; KEY_LEN])>,
    ) -> Result<Self, KeyRingError> {
        let keys: Keys = keys
            .into_iter()
            .map(|(version, key)| (version, Zeroizing::new(key)))
            .collect();
        if let Some(&version) = keys.keys().find(|v| !(1..=MAX_VERSION).contains(*v)) {
            return Err(KeyRingError::Version { version });
        }
        Ok(Self {
            folder: None,
            keys: ArcSwap::from_pointee(checked(keys, Path::new("the ring"))?),
            reading: Mutex::default(),
        })
    }

    /// Reads the folder again and uses what is there from now on. Answers whether the versions changed.
    /// Blocks on the file system.
    ///
    /// # Errors
    /// As [`KeyRing::read`], and where a version holds another key than before; the keys of before stay
    /// in use then.
    pub fn reload(&self) -> Result<bool, KeyRingError> {
        let Some(folder) = &self.folder else {
            return Ok(false);
        };
        let _guard = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let next = read_keys(folder)?;
        let before = self.keys.load();
        for (version, key) in before.iter() {
            if next.get(version).is_some_and(|next| next != key) {
                return Err(KeyRingError::Replaced { version: *version });
            }
        }
        let changed = !before.keys().eq(next.keys());
        if changed {
            self.keys.store(Arc::new(next));
        }
        Ok(changed)
    }

    /// Draws a key, writes it to `folder` as the next version, and answers that version. The folder is
    /// made where it is missing; both are readable by their owner only. A reader, or a crash, sees the
    /// whole file or none of it, and it is on disk when this returns. Blocks on the file system.
    ///
    /// `random` must be fit for keys, as `SystemRandom` is.
    ///
    /// # Errors
    /// Names what cannot be read or written; [`KeyRingError::Exists`] where somebody else was faster.
    pub fn generate(folder: impl AsRef<Path>, random: &dyn Random) -> Result<u32, KeyRingError> {
        let folder = folder.as_ref();
        let cannot_write = |path: &Path, source| KeyRingError::Write {
            path: path.to_owned(),
            source,
        };
        make_folder(folder).map_err(|source| cannot_write(folder, source))?;
        let highest = versions_in(folder)?.keys().next_back().copied();
        let version = highest.unwrap_or(0) + 1;
        if version > MAX_VERSION {
            return Err(KeyRingError::Version { version });
        }
        let mut key = Zeroizing::new([0; KEY_LEN]);
        random.fill(&mut *key);
        let path = folder.join(format!("{version}.key"));
        write_key(folder, &path, &key).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => KeyRingError::Exists { path: path.clone() },
            _ => cannot_write(&path, source),
        })?;
        Ok(version)
    }

    /// The version that seals.
    #[must_use]
    pub fn active(&self) -> u32 {
        active(&self.keys.load()).0
    }

    /// All versions, in ascending order.
    #[must_use]
    pub fn versions(&self) -> Vec<u32> {
        self.keys.load().keys().copied().collect()
    }

    /// Wraps the data key of `subject` under the active version, for [`insert_all`](super::insert_all).
    #[must_use]
    pub fn wrap(&self, subject: Uuid, key: &DataKey, random: &dyn Random) -> NewDataKey {
        let keys = self.keys.load();
        let (version, kek) = active(&keys);
        NewDataKey(Model {
            subject_id: subject,
            kek_version: i32::try_from(version).expect("versions are in range"),
            wrapped: cipher::seal(kek, random, &associated(subject, version), key.bytes()),
        })
    }

    /// Unwraps a data key. Where its version is unknown, the folder is read once more, blocking for as
    /// long as some small files take.
    ///
    /// # Errors
    /// `UNAVAILABLE` where the version stays unknown, since its file may be on its way to this machine;
    /// `INCONSISTENT_DATA` where the key was not wrapped for this subject, or changed.
    pub(super) fn unwrap(&self, row: &Model) -> Result<DataKey> {
        let on = Inconsistency::on(TABLE).row(row.subject_id);
        let version = u32::try_from(row.kek_version)
            .map_err(|error| on.column("kek_version").source(error))?;
        let kek = self.version(version)?;
        let refuse = |refused| on.column("wrapped").source(refused);
        let associated = associated(row.subject_id, version);
        let bytes = cipher::open(&kek, &associated, &row.wrapped).map_err(refuse)?;
        let bytes = Zeroizing::new(bytes);
        let key = bytes
            .as_slice()
            .try_into()
            .map_err(|_| refuse(Refused::NotKey))?;
        Ok(DataKey::from_bytes(Zeroizing::new(key)))
    }

    fn version(&self, version: u32) -> Result<KeyBytes> {
        let known = || self.keys.load().get(&version).cloned();
        if let Some(key) = known() {
            return Ok(key);
        }
        let reloaded = self.reload();
        if let Some(key) = known() {
            return Ok(key);
        }
        Err(Error::unavailable(UnknownVersion {
            version,
            known: self.versions(),
            reload: reloaded.err(),
        }))
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyRing").field(&self.versions()).finish()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("there is no key-encryption key of version {version}, only of {known:?}")]
struct UnknownVersion {
    version: u32,
    known: Vec<u32>,
    #[source]
    reload: Option<KeyRingError>,
}

/// The version that seals, and its key.
fn active(keys: &Keys) -> (u32, &KeyBytes) {
    let (version, key) = keys.last_key_value().expect("a ring is never empty");
    (*version, key)
}

fn associated(subject: Uuid, version: u32) -> Vec<u8> {
    let mut bytes = DOMAIN.to_vec();
    bytes.extend(subject.as_bytes());
    bytes.extend(version.to_be_bytes());
    bytes
}

/// What holds for every ring: it has keys, and no two are the same.
fn checked(keys: Keys, folder: &Path) -> Result<Keys, KeyRingError> {
    if keys.is_empty() {
        return Err(KeyRingError::Empty {
            path: folder.to_owned(),
        });
    }
    for (&newer, key) in &keys {
        if let Some((&older, _)) = keys.range(..newer).find(|(_, other)| *other == key) {
            return Err(KeyRingError::Same { older, newer });
        }
    }
    Ok(keys)
}

fn read_keys(folder: &Path) -> Result<Keys, KeyRingError> {
    let keys = versions_in(folder)?
        .into_iter()
        .map(|(version, path)| Ok((version, read_key(path)?)))
        .collect::<Result<_, _>>()?;
    checked(keys, folder)
}

/// The files of `folder` by version.
fn versions_in(folder: &Path) -> Result<BTreeMap<u32, PathBuf>, KeyRingError> {
    let cannot_read = |source| KeyRingError::Read {
        path: folder.to_owned(),
        source,
    };
    let mut versions = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(cannot_read)? {
        let entry = entry.map_err(cannot_read)?;
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        match version_of(&name) {
            Some(version) => versions.insert(version, path),
            None => return Err(KeyRingError::Name { path }),
        };
    }
    Ok(versions)
}

/// The version a file name says, in its one spelling.
fn version_of(name: &OsStr) -> Option<u32> {
    let digits = name.to_str()?.strip_suffix(".key")?;
    let version: u32 = digits.parse().ok()?;
    ((1..=MAX_VERSION).contains(&version) && version.to_string() == digits).then_some(version)
}

fn read_key(path: PathBuf) -> Result<KeyBytes, KeyRingError> {
    let mut text = Zeroizing::new(String::with_capacity(LONGEST_FILE));
    let read =
        File::open(&path).and_then(|file| file.take(LONGEST_FILE as u64).read_to_string(&mut text));
    match read {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(KeyRingError::Content { path });
        }
        Err(source) => return Err(KeyRingError::Read { path, source }),
    }
    let digits = text.strip_suffix('\n').unwrap_or(&text);
    let digits = digits.strip_suffix('\r').unwrap_or(digits);
    let mut key = Zeroizing::new([0; KEY_LEN]);
    match hex::decode_to_slice(digits, &mut *key) {
        Ok(()) => Ok(key),
        Err(_) => Err(KeyRingError::Content { path }),
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn write_key(folder: &Path, path: &Path, key: &KeyBytes) -> io::Result<()> {
    let mut text = Zeroizing::new([0; 2 * KEY_LEN + 1]);
    text[2 * KEY_LEN] = b'\n';
    hex::encode_to_slice(key.as_slice(), &mut text[..2 * KEY_LEN]).expect("two digits a byte");
    // Created with mode 0600 and a dot before its name, so that no reader takes it for a key.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(&*text)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    // The name is durable only once the folder is.
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests;
