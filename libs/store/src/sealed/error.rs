//! What is wrong with keys.

use std::io;
use std::path::PathBuf;

use liaison_types::{Error, ErrorKind, Reason};
use uuid::Uuid;

/// What is wrong with the folder of key-encryption keys. The texts are for operators: they name paths
/// and versions, say what to do, and never hold anything of a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// A file or the folder cannot be read.
    #[error("{} cannot be read; it has to exist and to be readable by this process", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or the folder cannot be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no key.
    #[error(
        "{} holds no key-encryption key; generate one, or mount the secret that has them",
        path.display()
    )]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A file is not named like a key.
    #[error(
        "{} is not named like a key, which is VERSION.key with a version from 1 to 2147483647; \
         move it elsewhere",
        path.display()
    )]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// A file holds something else than a key.
    #[error(
        "{} does not hold a key, which is 64 hexadecimal digits; put the key back as it was, or remove \
         the file where no data key was wrapped by it",
        path.display()
    )]
    Content {
        /// The file.
        path: PathBuf,
    },
    /// Two versions hold the same key, so that changing from one to the other changes nothing.
    #[error(
        "the versions {older} and {newer} hold the same key; generate another one for version {newer}"
    )]
    Same {
        /// The lower version.
        older: u32,
        /// The higher version.
        newer: u32,
    },
    /// A version holds another key than before, which would make all it wrapped unreadable.
    #[error("the key of version {version} was replaced; put it back, a new key is a new version")]
    Replaced {
        /// The version.
        version: u32,
    },
    /// A version is out of range.
    #[error("{version} is no version of a key; versions go from 1 to 2147483647")]
    Version {
        /// The version.
        version: u32,
    },
    /// Somebody else generated the same version.
    #[error("{} exists already; somebody else has just generated it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
}

impl From<KeyRingError> for Error {
    /// A wrong setting: the message is for the operator at the console.
    fn from(error: KeyRingError) -> Self {
        Self::new(ErrorKind::FailedPrecondition, Reason::SettingInvalid)
            .message(error.to_string())
            .source(error)
    }
}

/// The subject has no data key: it was destroyed, or never made. Both leave the same, nothing, and what
/// was sealed under it cannot be read any more.
///
/// As an [`Error`] it is `NOT_FOUND`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the data key of {subject} is destroyed or was never made")]
pub struct KeyAbsent {
    /// The subject.
    pub subject: Uuid,
}

impl From<KeyAbsent> for Error {
    fn from(absent: KeyAbsent) -> Self {
        Self::not_found().source(absent)
    }
}
