//! What a folder of certificates holds, for people.

use std::fs;
use std::path::{Path, PathBuf};

use liaison_types::{Party, Timestamp};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use crate::authority::CertificateAuthority;
use crate::certificate::{Peer, Serial, hosts_of, name_of, parse};
use crate::error::{IdentityError, Refusal};
use crate::files;
use crate::host::Host;

/// What a certificate file says, for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CertificateSummary {
    /// Whose it is.
    pub party: Party,
    /// Its number.
    pub serial: Serial,
    /// When its validity begins.
    pub not_before: Timestamp,
    /// When its validity ends.
    pub not_after: Timestamp,
    /// The hosts it is valid for, for clients that compare host names.
    pub hosts: Vec<Host>,
}

impl CertificateSummary {
    /// Reads the first certificate of a PEM file. Whether it can be trusted is not checked.
    ///
    /// # Errors
    /// Where the file cannot be read, holds no certificate, or the certificate does not name
    /// exactly one party.
    pub fn read(path: &Path) -> Result<Self, IdentityError> {
        let content = files::read(path)?;
        let malformed = || IdentityError::Content {
            path: path.to_owned(),
            expected: "certificate",
        };
        let der = CertificateDer::from_pem_slice(&content).map_err(|_| malformed())?;
        let unusable = |source| IdentityError::Unusable {
            path: path.to_owned(),
            source,
        };
        let peer = Peer::of(std::slice::from_ref(&der)).map_err(unusable)?;
        let parsed = parse(&der).map_err(unusable)?;
        Ok(Self {
            party: peer.party,
            serial: peer.serial,
            not_before: Timestamp::from_seconds(parsed.validity().not_before.timestamp()),
            not_after: peer.not_after,
            hosts: hosts_of(&parsed),
        })
    }
}

/// A certificate of a party in a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    /// The file.
    pub path: PathBuf,
    /// Whose it is.
    pub party: Party,
    /// Its number.
    pub serial: Serial,
    /// When its validity begins.
    pub not_before: Timestamp,
    /// When its validity ends.
    pub not_after: Timestamp,
    /// The hosts it is valid for, for clients that compare host names.
    pub hosts: Vec<Host>,
    /// The name of the authority that issued it.
    pub issuer: String,
    /// Whether the folder's list of that authority names it.
    pub revoked: bool,
    /// Whether the folder trusts an authority of that name.
    pub trusted: bool,
    issuer_der: Vec<u8>,
}

/// A trusted authority of a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldAuthority {
    /// Its name.
    pub name: String,
    /// Its certificate's number.
    pub serial: Serial,
    /// When its validity begins.
    pub not_before: Timestamp,
    /// When its validity ends.
    pub not_after: Timestamp,
    /// Whether it is the one that issues here.
    pub issues: bool,
}

/// A revocation list of a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldList {
    /// The name of the authority whose list it is.
    pub issuer: String,
    /// When it was made.
    pub this_update: Timestamp,
    /// When the next one is due; this one stays in force after that.
    pub next_update: Option<Timestamp>,
    /// How many certificates it names.
    pub revoked: usize,
}

/// A file that looks like a certificate and is not one of a party.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unusable {
    /// The file.
    pub path: PathBuf,
    /// Why everybody would refuse it.
    pub refusal: Refusal,
}

/// What a folder of certificates holds. Keys are never looked at.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Inventory {
    /// The parties' certificates, by party.
    pub certificates: Vec<Held>,
    /// The authorities in `ca.pem`, in the order in which they stand there.
    pub authorities: Vec<HeldAuthority>,
    /// The lists in `crl.pem`.
    pub lists: Vec<HeldList>,
    /// Certificates that name no party.
    pub unusable: Vec<Unusable>,
}

/// How a certificate stands at an instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It can be used.
    Valid,
    /// Its validity has not begun.
    NotYetValid,
    /// Its validity has ended.
    Expired,
    /// Its authority revoked it.
    Revoked,
    /// Its authority is not among those that are trusted.
    Untrusted,
}

impl Standing {
    /// A stable word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Untrusted => "untrusted",
        }
    }

    /// How a validity stands at `now`.
    #[must_use]
    pub fn of(not_before: Timestamp, not_after: Timestamp, now: Timestamp) -> Self {
        if now < not_before {
            Self::NotYetValid
        } else if now > not_after {
            Self::Expired
        } else {
            Self::Valid
        }
    }
}

impl Held {
    /// How it stands at `now`. Signatures are not verified.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        if self.revoked {
            Standing::Revoked
        } else if !self.trusted {
            Standing::Untrusted
        } else {
            Standing::of(self.not_before, self.not_after, now)
        }
    }

    pub(crate) fn issuer_der(&self) -> &[u8] {
        &self.issuer_der
    }
}

impl Inventory {
    /// Reads every `.pem` file of `folder`.
    ///
    /// # Errors
    /// Where the folder, `ca.pem` or `crl.pem` cannot be read; a folder may lack either file.
    pub fn read(folder: &Path) -> Result<Self, IdentityError> {
        let unreadable = |source| IdentityError::Read {
            path: folder.to_owned(),
            source,
        };
        let mut inventory = Self::default();
        let authorities = inventory.read_authorities(folder)?;
        let revoked = inventory.read_lists(folder)?;
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let named = |name: &str| path.file_name().is_some_and(|found| found == name);
            let is_pem = path.extension().is_some_and(|extension| extension == "pem");
            if is_pem && !named(files::AUTHORITY) && !named(files::REVOCATIONS) {
                paths.push(path);
            }
        }
        paths.sort();
        for path in paths {
            // A key, or something else that is none of our business.
            let Some(der) = first_certificate(&path)? else {
                continue;
            };
            match held(&path, &der) {
                Ok(mut held) => {
                    held.trusted = authorities.contains(&held.issuer_der);
                    held.revoked = revoked.iter().any(|(issuer, serial)| {
                        *issuer == held.issuer_der && serial.magnitude() == held.serial.magnitude()
                    });
                    inventory.certificates.push(held);
                }
                Err(refusal) => inventory.unusable.push(Unusable { path, refusal }),
            }
        }
        inventory
            .certificates
            .sort_by(|a, b| (&a.party, &a.path).cmp(&(&b.party, &b.path)));
        Ok(inventory)
    }

    /// Answers the authorities' names in DER.
    fn read_authorities(&mut self, folder: &Path) -> Result<Vec<Vec<u8>>, IdentityError> {
        let path = folder.join(files::AUTHORITY);
        if !path.exists() {
            return Ok(Vec::new());
        }
        let malformed = || IdentityError::Content {
            path: path.clone(),
            expected: "authority certificate",
        };
        // The key is not needed to look; without it nobody issues here.
        let issues = CertificateAuthority::load(folder).ok();
        let mut names = Vec::new();
        for der in CertificateDer::pem_slice_iter(&files::read(&path)?) {
            let der = der.map_err(|_| malformed())?;
            let parsed = parse(&der).map_err(|_| malformed())?;
            let name = parsed.subject().as_raw().to_vec();
            self.authorities.push(HeldAuthority {
                name: name_of(parsed.subject()),
                serial: Serial::from_der_integer(parsed.raw_serial()),
                not_before: Timestamp::from_seconds(parsed.validity().not_before.timestamp()),
                not_after: Timestamp::from_seconds(parsed.validity().not_after.timestamp()),
                issues: issues.as_ref().is_some_and(|issues| issues.name() == name),
            });
            names.push(name);
        }
        Ok(names)
    }

    /// Answers who revoked what.
    fn read_lists(&mut self, folder: &Path) -> Result<Vec<(Vec<u8>, Serial)>, IdentityError> {
        let path = folder.join(files::REVOCATIONS);
        if !path.exists() {
            return Ok(Vec::new());
        }
        let malformed = || IdentityError::Content {
            path: path.clone(),
            expected: "revocation list",
        };
        let mut revoked = Vec::new();
        for der in CertificateRevocationListDer::pem_slice_iter(&files::read(&path)?) {
            let der = der.map_err(|_| malformed())?;
            let (_, list) = CertificateRevocationList::from_der(&der).map_err(|_| malformed())?;
            let issuer = list.issuer().as_raw().to_vec();
            let before = revoked.len();
            revoked.extend(
                list.iter_revoked_certificates()
                    .map(|entry| (issuer.clone(), Serial::from_der_integer(entry.raw_serial()))),
            );
            let next = list.next_update();
            self.lists.push(HeldList {
                issuer: name_of(list.issuer()),
                this_update: Timestamp::from_seconds(list.last_update().timestamp()),
                next_update: next.map(|next| Timestamp::from_seconds(next.timestamp())),
                revoked: revoked.len() - before,
            });
        }
        Ok(revoked)
    }
}

/// The issuer's name in DER and the serial number of the first certificate in a file.
pub(crate) fn issuer_of(path: &Path) -> Result<(Vec<u8>, Serial), IdentityError> {
    let malformed = || IdentityError::Content {
        path: path.to_owned(),
        expected: "certificate",
    };
    let der = first_certificate(path)?.ok_or_else(malformed)?;
    let parsed = parse(&der).map_err(|_| malformed())?;
    Ok((
        parsed.issuer().as_raw().to_vec(),
        Serial::from_der_integer(parsed.raw_serial()),
    ))
}

fn first_certificate(path: &Path) -> Result<Option<CertificateDer<'static>>, IdentityError> {
    Ok(CertificateDer::from_pem_slice(&files::read(path)?).ok())
}

/// What one certificate says; the folder has not been asked yet.
fn held(path: &Path, der: &CertificateDer<'_>) -> Result<Held, Refusal> {
    let peer = Peer::of(std::slice::from_ref(der))?;
    let parsed = parse(der)?;
    Ok(Held {
        path: path.to_owned(),
        party: peer.party,
        serial: peer.serial,
        not_before: Timestamp::from_seconds(parsed.validity().not_before.timestamp()),
        not_after: peer.not_after,
        hosts: hosts_of(&parsed),
        issuer: name_of(parsed.issuer()),
        revoked: false,
        trusted: false,
        issuer_der: parsed.issuer().as_raw().to_vec(),
    })
}
