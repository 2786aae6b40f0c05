//! Reading and writing the files: names, permissions, no silent overwriting.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use liaison_types::Party;
use tempfile::NamedTempFile;

use crate::error::IdentityError;

pub(crate) const AUTHORITY: &str = "ca.pem";
pub(crate) const AUTHORITY_KEY: &str = "ca-key.pem";
pub(crate) const REVOCATIONS: &str = "crl.pem";

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
    fn errors_name_the_file() {
        let missing = read(Path::new("/nonexistent/x.pem")).unwrap_err();
        assert_eq!(missing.to_string(), "/nonexistent/x.pem cannot be read");
        let nowhere = write(Path::new("/nonexistent/x.pem"), "", Existing::Refuse).unwrap_err();
        assert_eq!(nowhere.to_string(), "/nonexistent/x.pem cannot be written");
    }
}
