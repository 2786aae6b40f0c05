//! A file that is written as a whole: whoever reads it sees what was there before or all that is new.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Its owner reads and writes it; nobody else does anything.
const PRIVATE: u32 = 0o600;

/// What is written goes to a temporary file beside the target, which takes its place at
/// [`finish`](Self::finish). Dropped before that, the target stays as it was. What is no regular file,
/// for example a pipe or `/dev/null`, is written to as it stands.
#[derive(Debug)]
pub struct OutputFile {
    writer: BufWriter<File>,
    pending: Option<Pending>,
}

/// The temporary file; removed where it did not take the target's place.
#[derive(Debug)]
struct Pending {
    temporary: PathBuf,
    target: PathBuf,
}

impl Drop for Pending {
    fn drop(&mut self) {
        // Fails where it took the target's place.
        let _ = fs::remove_file(&self.temporary);
    }
}

impl OutputFile {
    /// Begins to write what `target` will hold.
    ///
    /// # Errors
    /// Where its folder, or what is no regular file, cannot be written to.
    pub fn create(target: &Path) -> io::Result<Self> {
        Self::open(target, &mut File::options(), None)
    }

    /// The same for what nobody but its owner may read: a new file has the mode 0600, and so has one that takes
    /// the place of another, whatever that one's mode was.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_private(target: &Path) -> io::Result<Self> {
        Self::open(
            target,
            File::options().mode(PRIVATE),
            Some(Permissions::from_mode(PRIVATE)),
        )
    }

    /// With these permissions, or with those of the file that is there.
    fn open(
        target: &Path,
        options: &mut OpenOptions,
        permissions: Option<Permissions>,
    ) -> io::Result<Self> {
        let present = fs::metadata(target).ok();
        if present.as_ref().is_some_and(|present| !present.is_file()) {
            return Ok(Self {
                writer: BufWriter::new(File::options().write(true).open(target)?),
                pending: None,
            });
        }
        // A link keeps pointing where it does: what it points to is replaced.
        let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
        let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mut next = OsString::from(".");
        next.push(name);
        next.push(format!(".{}.next", std::process::id()));
        let temporary = target.with_file_name(next);
        let file = options.write(true).create_new(true).open(&temporary)?;
        let pending = Pending { temporary, target };
        if let Some(permissions) = permissions.or(present.map(|present| present.permissions())) {
            file.set_permissions(permissions)?;
        }
        Ok(Self {
            writer: BufWriter::new(file),
            pending: Some(pending),
        })
    }

    /// Puts what was written in the target's place.
    ///
    /// # Errors
    /// Where the rest cannot be written; the target stays as it was then.
    pub fn finish(mut self) -> io::Result<()> {
        self.writer.flush()?;
        let Some(pending) = self.pending.take() else {
            return Ok(());
        };
        self.writer.get_ref().sync_all()?;
        fs::rename(&pending.temporary, &pending.target)
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_private_is_so_from_the_beginning_whatever_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.jsonl");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for _ in 0..2 {
            let mut file = OutputFile::create_private(&target).unwrap();
            file.write_all(b"secret").unwrap();
            let entries = fs::read_dir(folder.path())
                .unwrap()
                .map(|entry| entry.unwrap().path());
            let begun: Vec<_> = entries.filter(|path| *path != target).collect();
            assert_eq!(begun.len(), 1);
            assert_eq!(mode(&begun[0]), PRIVATE);
            file.finish().unwrap();
            assert_eq!(mode(&target), PRIVATE);
            fs::set_permissions(&target, Permissions::from_mode(0o644)).unwrap();
        }
    }

    #[test]
    fn the_target_changes_at_the_end_alone_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.jsonl");
        fs::write(&target, "before").unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();

        let mut given_up = OutputFile::create(&target).unwrap();
        given_up.write_all(b"half").unwrap();
        drop(given_up);
        assert_eq!(fs::read_to_string(&target).unwrap(), "before");

        let mut whole = OutputFile::create(&target).unwrap();
        whole.write_all(b"after").unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "before");
        whole.finish().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "after");
        assert_eq!(
            fs::metadata(&target).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn links_are_followed_and_devices_stay_devices() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.jsonl");
        let link = folder.path().join("link");
        fs::write(&target, "before").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let mut file = OutputFile::create(&link).unwrap();
        file.write_all(b"after").unwrap();
        file.finish().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&target).unwrap(), "after");

        let nowhere = OutputFile::create(Path::new("/dev/null")).unwrap();
        assert!(nowhere.pending.is_none());
        nowhere.finish().unwrap();
        assert!(OutputFile::create(folder.path()).is_err());
    }
}
