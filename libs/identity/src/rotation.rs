//! Replacing an authority while everybody goes on calling.
//!
//! 1. [`begin_rotation`](CertificateAuthority::begin_rotation) makes the next authority beside the
//!    present one and trusts both. Then everybody must have read the new `ca.pem` and `crl.pem`.
//! 2. [`switch_rotation`](CertificateAuthority::switch_rotation) lets the next one issue, and
//!    [`renew`](CertificateAuthority::renew) replaces every certificate. Then everybody must have
//!    read their new one.
//! 3. [`end_rotation`](CertificateAuthority::end_rotation) drops the old one: what it issued is
//!    refused from then on, also on connections that are open.
//!
//! Each step writes its files so that a crash in between, or a process that reads in between, finds
//! a state that works; repeating a step that was broken off completes it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use liaison_types::{Random, Timestamp};

use crate::authority::CertificateAuthority;
use crate::error::IdentityError;
use crate::files::{self, Existing};
use crate::inventory::{Inventory, issuer_of};
use crate::issued::Issued;
use crate::revocations::Lists;

/// How far the replacement of a folder's authority has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RotationStage {
    /// There is one authority.
    Idle,
    /// Two are trusted; the old one issues.
    Begun,
    /// Two are trusted; the new one issues.
    Switched,
}

impl RotationStage {
    /// A stable word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Begun => "begun",
            Self::Switched => "switched",
        }
    }
}

impl CertificateAuthority {
    /// How far the rotation in `folder` has come.
    ///
    /// # Errors
    /// Where there is no authority or its files are damaged.
    pub fn rotation(folder: &Path) -> Result<RotationStage, IdentityError> {
        let current = Self::load(folder)?;
        if next(folder)?.is_some() {
            Ok(RotationStage::Begun)
        } else if folder.join(files::PREVIOUS_KEY).exists() || several(&current) {
            Ok(RotationStage::Switched)
        } else {
            Ok(RotationStage::Idle)
        }
    }

    /// Makes the next authority of `folder` and lets it be trusted beside the present one, which
    /// goes on issuing. `ca.pem` and `crl.pem` hold both from now on.
    ///
    /// # Errors
    /// [`IdentityError::Rotation`] where one is under way; where files cannot be read or written.
    pub fn begin_rotation(
        folder: &Path,
        validity: Duration,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Self, IdentityError> {
        let lock = files::lock(folder)?;
        match Self::rotation(folder)? {
            RotationStage::Idle => {}
            RotationStage::Begun => {
                return Err(wrong(
                    folder,
                    "is being rotated already; `rotate switch` goes on",
                ));
            }
            RotationStage::Switched => {
                return Err(wrong(
                    folder,
                    "is being rotated already; `rotate end` goes on",
                ));
            }
        }
        let current = Self::load(folder)?;
        let next = Self::generate(folder, validity, now, random)?;
        // A key without its certificate is what a crash left; nothing was signed with it.
        let key = folder.join(files::NEXT_KEY);
        files::write(&key, &next.key_pem(), Existing::Replace)?;
        // The list first: who trusts an authority and finds no list of it refuses its certificates.
        let mut lists = Lists::read(folder)?;
        lists.replace(next.name(), next.list(Vec::new(), 1, now)?)?;
        lists.write()?;
        let both = joined([current.trusted_pem(), next.certificate_pem()]);
        files::write(&folder.join(files::AUTHORITY), &both, Existing::Replace)?;
        drop(lock);
        Self::load_with(folder, files::NEXT_KEY)
    }

    /// Lets the next authority issue. The old one stays trusted, and its key stays in the folder so
    /// that what it issued can still be revoked.
    ///
    /// # Errors
    /// [`IdentityError::Rotation`] where none was begun; where files cannot be read or written.
    pub fn switch_rotation(folder: &Path) -> Result<Self, IdentityError> {
        let lock = files::lock(folder)?;
        match Self::rotation(folder)? {
            RotationStage::Begun => {}
            RotationStage::Idle => {
                return Err(wrong(
                    folder,
                    "has no next authority; `rotate begin` makes one",
                ));
            }
            RotationStage::Switched => {
                return Err(wrong(
                    folder,
                    "has switched already; renew what the old one issued with `certs renew`, and \
                     `rotate end` goes on",
                ));
            }
        }
        let current = Self::load(folder)?;
        let previous = folder.join(files::PREVIOUS_KEY);
        files::write(&previous, &current.key_pem(), Existing::Replace)?;
        files::rename(
            &folder.join(files::NEXT_KEY),
            &folder.join(files::AUTHORITY_KEY),
        )?;
        drop(lock);
        Self::load(folder)
    }

    /// Drops every authority but the one that issues: their certificates, lists and keys.
    ///
    /// # Errors
    /// [`IdentityError::Rotation`] where it is not the last step that is due;
    /// [`IdentityError::InUse`], and nothing is changed, where a certificate in the folder is still
    /// of an authority that would be dropped; where files cannot be read or written.
    pub fn end_rotation(folder: &Path) -> Result<Self, IdentityError> {
        let lock = files::lock(folder)?;
        match Self::rotation(folder)? {
            RotationStage::Switched => {}
            RotationStage::Idle => return Err(wrong(folder, "is not being rotated")),
            RotationStage::Begun => {
                return Err(wrong(
                    folder,
                    "has a next authority that issues nothing yet; `rotate switch` goes on",
                ));
            }
        }
        let current = Self::load(folder)?;
        for held in Inventory::read(folder)?.certificates {
            if held.issuer_der() != current.name() {
                return Err(IdentityError::InUse { path: held.path });
            }
        }
        let authority = folder.join(files::AUTHORITY);
        files::write(&authority, current.certificate_pem(), Existing::Replace)?;
        let mut lists = Lists::read(folder)?;
        lists.keep_only(current.name());
        lists.write()?;
        // Last: as long as it is here the step can be repeated.
        files::remove(&folder.join(files::PREVIOUS_KEY))?;
        drop(lock);
        Self::load(folder)
    }

    /// Issues the certificates of the folder that `which` chooses anew: same party, same hosts,
    /// another key. Answers what was issued, with where it lies.
    ///
    /// # Errors
    /// As [`CertificateAuthority::issue`] and [`Issued::write`]; what was written before stays.
    pub fn renew(
        &self,
        which: impl Fn(&crate::inventory::Held) -> bool,
        validity: Duration,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Vec<(Issued, PathBuf)>, IdentityError> {
        let mut renewed = Vec::new();
        for held in Inventory::read(self.folder())?.certificates {
            // Only what lies where it was issued to: a copy under another name is somebody's own.
            let ours = self.folder().join(files::certificate_of(&held.party)) == held.path;
            if ours && which(&held) {
                let issued = self.issue(&held.party, &held.hosts, validity, now, random)?;
                let files = issued.write(self.folder(), Existing::Replace)?;
                renewed.push((issued, files.certificate));
            }
        }
        Ok(renewed)
    }

    /// Revokes the certificate in the file `path` with the key of whichever authority of `folder`
    /// issued it: the one that issues, the next one or the previous one.
    ///
    /// # Errors
    /// [`IdentityError::UnknownAuthority`] where it is none of them; as
    /// [`CertificateAuthority::revoke`].
    pub fn revoke_file(folder: &Path, path: &Path, now: Timestamp) -> Result<(), IdentityError> {
        let (issuer, serial) = issuer_of(path)?;
        for key in [files::AUTHORITY_KEY, files::NEXT_KEY, files::PREVIOUS_KEY] {
            if key != files::AUTHORITY_KEY && !folder.join(key).exists() {
                continue;
            }
            let authority = Self::load_with(folder, key)?;
            if authority.name() == issuer {
                return authority.revoke(&serial, now);
            }
        }
        Err(IdentityError::UnknownAuthority {
            path: path.to_owned(),
        })
    }
}

/// The next authority, where there is one that is trusted already.
fn next(folder: &Path) -> Result<Option<CertificateAuthority>, IdentityError> {
    if !folder.join(files::NEXT_KEY).exists() {
        return Ok(None);
    }
    match CertificateAuthority::load_with(folder, files::NEXT_KEY) {
        Ok(next) => Ok(Some(next)),
        Err(IdentityError::KeyMismatch { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn several(authority: &CertificateAuthority) -> bool {
    files::blocks(authority.trusted_pem(), files::CERTIFICATE).len() > 1
}

fn joined(parts: [&str; 2]) -> String {
    parts.map(|part| format!("{}\n", part.trim_end())).concat()
}

fn wrong(folder: &Path, found: &'static str) -> IdentityError {
    IdentityError::Rotation {
        folder: folder.to_owned(),
        found,
    }
}
