//! The folder of a suite on one machine: certificates, databases, addresses.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use liaison_custody::PublicKeys;
use liaison_identity::IdentitySettings;
use liaison_runtime::KeySettings;
use liaison_types::Party;

use crate::failure::Failure;

const CERTIFICATES: &str = "certificates";
const ADDRESSES: &str = "addresses.toml";
const LOCK: &str = "lock";
const KEYS: &str = "keys";
const PUBLIC_KEYS: &str = "public.pem";

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

    /// The folder of what the services sign and seal with.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.0.join(KEYS)
    }

    /// The public halves of what the services sign with, for whoever checks custody or audit.
    #[must_use]
    pub fn public_keys(&self) -> PathBuf {
        self.keys().join(PUBLIC_KEYS)
    }

    /// The keys of the service `name`.
    #[must_use]
    pub fn keys_of(&self, name: &str) -> KeySettings {
        KeySettings::in_folder(&self.keys(), name)
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

/// Writes the public half of every signing key in the folder `keys` to its `public.pem`, besides those
/// that stand there already: what an earlier key signed is checked with that one.
///
/// # Errors
/// Where a key or the file cannot be read or written.
pub fn write_public_keys(keys: &Path) -> liaison_types::Result<()> {
    let path = keys.join(PUBLIC_KEYS);
    let mut public = match fs::read_to_string(&path) {
        Ok(text) => PublicKeys::from_pem(&text).map_err(liaison_types::Error::internal)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => PublicKeys::default(),
        Err(error) => return Err(liaison_types::Error::internal(error)),
    };
    for entry in fs::read_dir(keys).map_err(liaison_types::Error::internal)? {
        let folder = entry.map_err(liaison_types::Error::internal)?.path();
        let Some(name) = folder.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let settings = KeySettings::in_folder(keys, name);
        if settings.signing.exists() {
            let key = liaison_runtime::public_key(&settings)?;
            public.insert(key).map_err(liaison_types::Error::internal)?;
        }
    }
    let text: String = public
        .iter()
        .map(liaison_custody::PublicKey::to_pem)
        .collect();
    let next = keys.join(format!("{PUBLIC_KEYS}.next"));
    fs::write(&next, text)
        .and_then(|()| fs::rename(&next, &path))
        .map_err(liaison_types::Error::internal)
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
