//! Reading and writing the files: names, permissions, no silent overwriting.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use liaison_types::Party;
use tempfile::NamedTempFile;

use crate::error::IdentityError;

pub(crate) const AUTHORITY: &str = "ca.pem";
pub(crate) const AUTHORITY_KEY: &str = "ca-key.pem";
/// The key of the authority that is to issue next, while it is only trusted yet.
pub(crate) const NEXT_KEY: &str = "ca-next-key.pem";
/// The key of the authority that issued before, as long as what it issued is trusted.
pub(crate) const PREVIOUS_KEY: &str = "ca-previous-key.pem";
pub(crate) const REVOCATIONS: &str = "crl.pem";

/// The label of a certificate in PEM.
pub(crate) const CERTIFICATE: &str = "CERTIFICATE";
/// The label of a revocation list in PEM.
pub(crate) const LIST: &str = "X509 CRL";

/// What to do about a file that is there already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Existing {
    /// Leave it and fail with [`IdentityError::Exists`].
    Refuse,
    /// Replace it, in one step.
    Replace,
}

// Names of parties hold letters, digits and hyphens only, so they are safe in a path.
pub(crate) fn certificate_of(party: &Party) -> String {
    format!("{}-{}.pem", party.kind(), party.name())
}

pub(crate) fn key_of(party: &Party) -> String {
    format!("{}-{}-key.pem", party.kind(), party.name())
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, IdentityError> {
    fs::read(path).map_err(|source| IdentityError::Read {
        path: path.to_owned(),
        source,
    })
}

/// The parts of a PEM text that carry `label`, each with its first and last line.
pub(crate) fn blocks<'a>(text: &'a str, label: &str) -> Vec<&'a str> {
    let (begin, end) = (
        format!("-----BEGIN {label}-----"),
        format!("-----END {label}-----"),
    );
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some(from) = rest.find(&begin) {
        let Some(length) = rest[from..].find(&end) else {
            break;
        };
        let to = from + length + end.len();
        blocks.push(&rest[from..to]);
        rest = &rest[to..];
    }
    blocks
}

/// Holds everybody else off who changes the authority in `folder`, until it is dropped.
pub(crate) fn lock(folder: &Path) -> Result<File, IdentityError> {
    File::open(folder)
        .and_then(|file| file.lock().map(|()| file))
        .map_err(|source| IdentityError::Read {
            path: folder.to_owned(),
            source,
        })
}

/// Gives the file at `from` the name `to`, in one step and so that it survives a crash.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), IdentityError> {
    let folder = to.parent().unwrap_or(Path::new("."));
    fs::rename(from, to)
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(|source| IdentityError::Write {
            path: to.to_owned(),
            source,
        })
}

/// Removes the file at `path`; one that is not there is no error.
pub(crate) fn remove(path: &Path) -> Result<(), IdentityError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(IdentityError::Write {
            path: path.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}

/// Makes `folder` and its parents where they are missing; readable by the owner only.
pub(crate) fn make_folder(folder: &Path) -> Result<(), IdentityError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|source| IdentityError::Write {
            path: folder.to_owned(),
            source,
        })
}

/// Fails where one of `paths` exists: checked before the first of several files is written, so
/// that the ordinary mistake leaves nothing half done.
pub(crate) fn refuse_existing<'a>(
    paths: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<(), IdentityError> {
    match paths
        .into_iter()
        .find(|path| path.symlink_metadata().is_ok())
    {
        Some(path) => Err(IdentityError::Exists { path: path.clone() }),
        None => Ok(()),
    }
}

/// Writes `content` to `path` so that a reader, or a crash, sees the whole file or none of it. The
/// file is readable by its owner only.
pub(crate) fn write(path: &Path, content: &str, existing: Existing) -> Result<(), IdentityError> {
    try_write(path, content, existing).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => IdentityError::Exists {
            path: path.to_owned(),
        },
        _ => IdentityError::Write {
            path: path.to_owned(),
            source,
        },
    })
}

fn try_write(path: &Path, content: &str, existing: Existing) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Created with mode 0600, in the same folder, so that the rename stays in one file system.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(content.as_bytes())?;
    file.as_file().sync_all()?;
    match existing {
        Existing::Refuse => file.persist_noclobber(path)?,
        Existing::Replace => file.persist(path)?,
    };
    // The name is durable only once the folder is.
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten_unless_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.pem");
        write(&path, "one", Existing::Refuse).unwrap();
        let again = write(&path, "two", Existing::Refuse);
        assert!(
            matches!(again, Err(IdentityError::Exists { .. })),
            "{again:?}"
        );
        assert_eq!(read(&path).unwrap(), b"one");
        write(&path, "two", Existing::Replace).unwrap();
        assert_eq!(read(&path).unwrap(), b"two");
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "no temporary file is left");
    }

    #[cfg(unix)]
    #[test]
    fn files_and_folders_are_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        make_folder(&inner).unwrap();
        let path = inner.join("f.pem");
        write(&path, "one", Existing::Refuse).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(&inner), 0o700);
        write(&path, "two", Existing::Replace).unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn blocks_are_told_apart_by_their_label() {
        let (one, two) = (
            "-----BEGIN X509 CRL-----\nAA==\n-----END X509 CRL-----",
            "-----BEGIN CERTIFICATE-----\nBB==\n-----END CERTIFICATE-----",
        );
        let text = format!("note\n{one}\n{two}\n{one}\n-----BEGIN X509 CRL-----\ncut");
        assert_eq!(blocks(&text, LIST), [one, one]);
        assert_eq!(blocks(&text, CERTIFICATE), [two]);
    }

    #[test]
    fn errors_name_the_file() {
        let missing = read(Path::new("/nonexistent/x.pem")).unwrap_err();
        assert_eq!(missing.to_string(), "/nonexistent/x.pem cannot be read");
        let nowhere = write(Path::new("/nonexistent/x.pem"), "", Existing::Refuse).unwrap_err();
        assert_eq!(nowhere.to_string(), "/nonexistent/x.pem cannot be written");
    }
}
