//! The revocation lists of a folder, as the authority changes them.

use std::path::{Path, PathBuf};

use rcgen::{RevokedCertParams, SerialNumber};
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject as _;
use time::OffsetDateTime;
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use crate::certificate::Serial;
use crate::error::IdentityError;
use crate::files::{self, Existing};

/// What `crl.pem` holds: one list for each authority.
pub(crate) struct Lists {
    path: PathBuf,
    /// Each with its issuer's name in DER.
    lists: Vec<(Vec<u8>, String)>,
}

impl Lists {
    pub(crate) fn read(folder: &Path) -> Result<Self, IdentityError> {
        let path = folder.join(files::REVOCATIONS);
        let text = String::from_utf8(files::read(&path)?).unwrap_or_default();
        let lists = files::blocks(&text, files::LIST)
            .into_iter()
            .map(|pem| Some((issuer_of(pem)?, format!("{pem}\n"))))
            .collect::<Option<Vec<_>>>()
            .filter(|lists| !lists.is_empty())
            .ok_or_else(|| malformed(&path))?;
        Ok(Self { path, lists })
    }

    /// The entries and the number of the issuer's list; nothing and zero where it has none yet.
    pub(crate) fn of(&self, issuer: &[u8]) -> Result<(Vec<RevokedCertParams>, u64), IdentityError> {
        match self.lists.iter().find(|(name, _)| name == issuer) {
            Some((_, pem)) => entries(pem).ok_or_else(|| malformed(&self.path)),
            None => Ok((Vec::new(), 0)),
        }
    }

    /// Puts `list` in the place of the issuer's list.
    pub(crate) fn replace(&mut self, issuer: &[u8], list: String) -> Result<(), IdentityError> {
        if issuer_of(&list).as_deref() != Some(issuer) {
            return Err(malformed(&self.path));
        }
        self.lists.retain(|(name, _)| name != issuer);
        self.lists.push((issuer.to_vec(), list));
        Ok(())
    }

    /// Keeps the issuer's list alone.
    pub(crate) fn keep_only(&mut self, issuer: &[u8]) {
        self.lists.retain(|(name, _)| name == issuer);
    }

    pub(crate) fn write(&self) -> Result<(), IdentityError> {
        let text: String = self.lists.iter().map(|(_, pem)| pem.as_str()).collect();
        files::write(&self.path, &text, Existing::Replace)
    }
}

/// An entry for `serial`, revoked at `at`.
pub(crate) fn entry(serial: &Serial, at: OffsetDateTime) -> RevokedCertParams {
    RevokedCertParams {
        serial_number: SerialNumber::from_slice(serial.magnitude()),
        revocation_time: at,
        reason_code: None,
        invalidity_date: None,
    }
}

fn issuer_of(pem: &str) -> Option<Vec<u8>> {
    let der = CertificateRevocationListDer::from_pem_slice(pem.as_bytes()).ok()?;
    let (_, list) = CertificateRevocationList::from_der(&der).ok()?;
    Some(list.issuer().as_raw().to_vec())
}

fn entries(pem: &str) -> Option<(Vec<RevokedCertParams>, u64)> {
    let der = CertificateRevocationListDer::from_pem_slice(pem.as_bytes()).ok()?;
    let (_, list) = CertificateRevocationList::from_der(&der).ok()?;
    let entries = list
        .iter_revoked_certificates()
        .map(|revoked| {
            let serial = Serial::from_der_integer(revoked.raw_serial());
            entry(&serial, revoked.revocation_date.to_datetime())
        })
        .collect();
    let number = list
        .crl_number()
        .and_then(|number| u64::try_from(number).ok())?;
    Some((entries, number))
}

fn malformed(path: &Path) -> IdentityError {
    IdentityError::Content {
        path: path.to_owned(),
        expected: "revocation list",
    }
}
