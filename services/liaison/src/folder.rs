//! The folder of a suite on one machine: certificates, databases, addresses.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use liaison_identity::IdentitySettings;
use liaison_types::Party;

const CERTIFICATES: &str = "certificates";
const ADDRESSES: &str = "addresses.toml";

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
}
