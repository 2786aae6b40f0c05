//! A certificate fresh from the authority.

use std::fmt;
use std::path::Path;

use liaison_types::{Party, Timestamp};

use crate::certificate::Serial;
use crate::error::IdentityError;
use crate::files::{self, Existing};
use crate::settings::IdentitySettings;

/// A certificate with its key, not yet written anywhere.
#[derive(Clone)]
pub struct Issued {
    /// Whose it is.
    pub party: Party,
    /// Its number.
    pub serial: Serial,
    /// When its validity ends.
    pub not_after: Timestamp,
    pub(crate) certificate_pem: String,
    pub(crate) key_pem: String,
    /// Everybody whom the issuer's folder trusts.
    pub(crate) authority_pem: String,
    /// The issuer alone.
    pub(crate) issuer_pem: String,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued")
            .field("party", &self.party)
            .field("serial", &self.serial)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

impl Issued {
    /// The certificate.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The private key, PKCS #8. Secret.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// The certificates of the authorities to trust; several while the authority is replaced.
    #[must_use]
    pub fn authority_pem(&self) -> &str {
        &self.authority_pem
    }

    /// Writes `<kind>-<name>-key.pem` and `<kind>-<name>.pem` to `folder`, which is made where it
    /// is missing, and `ca.pem` where it is not there; all with mode 0600, each file in one step.
    /// Returns the settings with which [`Identity::load`](crate::Identity::load) reads them.
    ///
    /// With [`Existing::Replace`] the two files change one after the other. A process that reloads
    /// in between finds that they do not match and keeps what it has until they do.
    ///
    /// # Errors
    /// Where a file cannot be written; where certificate or key exist and are not to be replaced;
    /// where the folder's `ca.pem` does not hold the issuer, because it is never replaced here.
    pub fn write(
        &self,
        folder: &Path,
        existing: Existing,
    ) -> Result<IdentitySettings, IdentityError> {
        files::make_folder(folder)?;
        let certificate = folder.join(files::certificate_of(&self.party));
        let key = folder.join(files::key_of(&self.party));
        if existing == Existing::Refuse {
            files::refuse_existing([&certificate, &key])?;
        }
        let authority = folder.join(files::AUTHORITY);
        match files::write(&authority, &self.authority_pem, Existing::Refuse) {
            Err(IdentityError::Exists { path }) => {
                let trusted = String::from_utf8_lossy(&files::read(&path)?).into_owned();
                let trusted = files::blocks(&trusted, files::CERTIFICATE);
                if !trusted.contains(&self.issuer_pem.trim_end()) {
                    return Err(IdentityError::Exists { path });
                }
            }
            other => other?,
        }
        files::write(&key, &self.key_pem, existing)?;
        files::write(&certificate, &self.certificate_pem, existing)?;
        Ok(IdentitySettings::in_folder(folder, &self.party))
    }
}
