//! A certificate authority for one test.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use liaison_identity::{CertificateAuthority, Existing, Host, Identity, IdentitySettings, Issued};
use liaison_types::{Clock, Party, SystemRandom, Timestamp};
use tempfile::TempDir;

/// An authority in a temporary folder and what it issued. Both go when this is dropped.
///
/// Services get the host names `localhost` and `127.0.0.1`, for clients that compare them.
#[derive(Debug)]
pub struct Certificates {
    folder: TempDir,
    authority: CertificateAuthority,
    now: Timestamp,
}

impl Certificates {
    /// An authority whose life begins at `now`: what the clock of the servers under test shows.
    ///
    /// # Panics
    /// Where it cannot be made.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let life = CertificateAuthority::VALIDITY;
        let authority = CertificateAuthority::create(folder.path(), life, now, &SystemRandom)
            .expect("an authority can be made");
        Self {
            folder,
            authority,
            now,
        }
    }

    /// The folder, as `liaison certs` fills one.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The authority itself, to revoke or to issue what is out of the ordinary.
    #[must_use]
    pub fn authority(&self) -> &CertificateAuthority {
        &self.authority
    }

    /// Issues to `party` (short form, for example `bureau/NB-FR`) for the usual time and says where
    /// the files are.
    ///
    /// # Panics
    /// Where `party` is none.
    #[must_use]
    pub fn issue(&self, party: &str) -> IdentitySettings {
        self.write(&self.issued(party, CertificateAuthority::CERTIFICATE_VALIDITY));
        // Read back, so that the revocation list is in.
        IdentitySettings::in_folder(self.folder(), &parse(party))
    }

    /// A certificate for `party` that lives for `validity`, not written anywhere.
    ///
    /// # Panics
    /// Where `party` is none.
    #[must_use]
    pub fn issued(&self, party: &str, validity: Duration) -> Issued {
        let party = parse(party);
        let hosts: &[&str] = match party {
            Party::Service(_) => &["localhost", "127.0.0.1"],
            _ => &[],
        };
        let hosts: Vec<Host> = hosts
            .iter()
            .map(|host| host.parse().expect("the names are host names"))
            .collect();
        self.authority
            .issue(&party, &hosts, validity, self.now, &SystemRandom)
            .expect("the authority issues")
    }

    /// Issues to `party` and loads the identity as a process of that party does.
    ///
    /// # Panics
    /// Where `party` is none.
    #[must_use]
    pub fn identity(&self, party: &str, clock: Arc<dyn Clock>) -> Identity {
        Identity::load(&self.issue(party), clock).expect("what was issued can be loaded")
    }

    fn write(&self, issued: &Issued) {
        issued
            .write(self.folder(), Existing::Replace)
            .expect("the folder can be written");
    }
}

fn parse(party: &str) -> Party {
    party
        .parse()
        .unwrap_or_else(|_| panic!("{party} is no party"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;

    #[test]
    fn what_is_issued_can_be_loaded() {
        let environment = Environment::seeded(1);
        let certificates = Certificates::new(environment.now());
        for party in ["service/intake", "bureau/NB-FR", "unit/cyber"] {
            let identity = certificates.identity(party, environment.clock());
            assert_eq!(identity.party().to_string(), party);
        }
    }
}
