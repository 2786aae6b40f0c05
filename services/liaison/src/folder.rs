//! The folder of a suite on one machine: certificates, databases, addresses.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use liaison_identity::IdentitySettings;
use liaison_types::Party;

use crate::failure::Failure;

const CERTIFICATES: &str = "certificates";
const ADDRESSES: &str = "addresses.toml";
const LOCK: &str = "lock";

/// Where things are in the folder that `liaison up` made.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder at `path`, made absolute so that it keeps its meaning.
    ///
    /// # Errors
    /// Where `path` is empty or the working directory is gone.
    pub fn new(path: &Path) -> io::Result<Self> {
        std::path::absolute(path).map(Self)
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The folder of the certificates.
    #[must_use]
    pub fn certificates(&self) -> PathBuf {
        self.0.join(CERTIFICATES)
    }

    /// The files that prove to be `party`.
    #[must_use]
    pub fn identity_of(&self, party: &Party) -> IdentitySettings {
        IdentitySettings::in_folder(&self.certificates(), party)
    }

    /// The certificate of `party`.
    #[must_use]
    pub fn certificate_of(&self, party: &Party) -> PathBuf {
        self.identity_of(party).certificate
    }

    /// The SQLite file of the service `name`.
    #[must_use]
    pub fn database_of(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.db"))
    }

    /// Claims the folder for one running suite, for as long as the file is held. The system takes the
    /// claim back when the process ends, however it ends: what is left of the file binds nobody.
    ///
    /// # Errors
    /// Where another suite runs here, with what to do about it, or the folder cannot be written.
    pub fn claim(&self) -> Result<File, Failure> {
        let path = self.0.join(LOCK);
        let cannot = |error: io::Error| {
            Failure::Local(format!("{} cannot be locked: {error}", path.display()))
        };
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Failure::Local(format!(
                "another suite runs in {} already; stop it, or name another folder with --dir",
                self.0.display()
            ))),
            Err(TryLockError::Error(error)) => Err(cannot(error)),
        }
    }

    /// Remembers where each service answers.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write_addresses(
        &self,
        addresses: &BTreeMap<&'static str, SocketAddr>,
    ) -> io::Result<()> {
        let lines: String = addresses
            .iter()
            .map(|(name, address)| format!("{name} = \"{address}\"\n"))
            .collect();
        let next = self.0.join(format!("{ADDRESSES}.next"));
        fs::write(&next, lines)?;
        fs::rename(next, self.0.join(ADDRESSES))
    }

    /// Where the service `name` answered when the suite was last started here.
    ///
    /// # Errors
    /// Where the suite was never started here or the file was damaged.
    pub fn address_of(&self, name: &str) -> io::Result<String> {
        let text = fs::read_to_string(self.0.join(ADDRESSES))?;
        let addresses: BTreeMap<String, String> = toml::from_str(&text)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not a list of addresses"))?;
        addresses
            .get(name)
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_again() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::new(temporary.path()).unwrap();
        assert!(folder.address_of("intake").is_err());
        let address: SocketAddr = "127.0.0.1:7101".parse().unwrap();
        folder
            .write_addresses(&BTreeMap::from([("intake", address)]))
            .unwrap();
        assert_eq!(folder.address_of("intake").unwrap(), "127.0.0.1:7101");
        assert!(folder.address_of("routing").is_err());
    }

    #[test]
    fn one_suite_at_a_time_runs_in_a_folder() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::new(temporary.path()).unwrap();
        let claim = folder.claim().unwrap();
        let Err(Failure::Local(message)) = folder.claim() else {
            panic!("it was claimed twice");
        };
        assert!(
            message.contains(&temporary.path().display().to_string()) && message.contains("--dir"),
            "{message}"
        );
        drop(claim);
        // The file stays and binds nobody.
        assert!(temporary.path().join(LOCK).exists());
        folder.claim().unwrap();
    }
}
