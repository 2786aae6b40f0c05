//! The certificate authority for development, tests and suites on one machine.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use liaison_types::{Party, Random, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    PublicKeyData as _, RevokedCertParams, SanType, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use time::OffsetDateTime;

use crate::certificate::{Serial, parse};
use crate::error::IdentityError;
use crate::files::{self, Existing};
use crate::host::Host;
use crate::issued::Issued;
use crate::revocations::{self, Lists};

/// How far back a certificate's validity begins, so that machines whose clocks differ a little
/// accept it at once.
const SKEW: Duration = Duration::from_secs(5 * 60);

/// A certificate authority in a folder: `ca.pem`, `ca-key.pem` (not encrypted, mode 0600) and
/// `crl.pem`.
///
/// `ca.pem` holds the certificates of all authorities that are trusted, and `crl.pem` a revocation
/// list of each: more than one only while an authority is replaced, see
/// [`CertificateAuthority::begin_rotation`]. The one that issues is the one whose key `ca-key.pem`
/// holds.
///
/// What it issues has the shape that other TLS libraries want as well: version 3, ECDSA P-256 with
/// SHA-256, basic constraints `CA:FALSE`, key usage `digitalSignature`, key identifiers of subject
/// and issuer, extended key usage for clients and, for services and whoever has hosts, for servers.
/// Keys come from the operating system whatever `Random` is given: that one is for serial numbers.
pub struct CertificateAuthority {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
    /// All of `ca.pem`, as it was read.
    trusted_pem: String,
    /// The own name, as it stands in certificates and lists as that of the issuer.
    name: Vec<u8>,
    not_after: Timestamp,
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateAuthority")
            .field("folder", &self.folder)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

impl CertificateAuthority {
    /// How long an authority lives unless somebody says otherwise: ten years.
    pub const VALIDITY: Duration = Duration::from_secs(3650 * 86_400);

    /// How long a certificate lives unless somebody says otherwise: 90 days.
    pub const CERTIFICATE_VALIDITY: Duration = Duration::from_secs(90 * 86_400);

    /// Makes an authority with an empty revocation list in `folder`, which is made where it is
    /// missing. Every authority has a name of its own.
    ///
    /// # Errors
    /// [`IdentityError::Exists`] where the folder holds an authority or a part of one; nothing is
    /// changed then. Otherwise where a file cannot be written or `validity` is too long.
    pub fn create(
        folder: &Path,
        validity: Duration,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Self, IdentityError> {
        let authority = Self::generate(folder, validity, now, random)?;
        files::make_folder(folder)?;
        let paths = [files::AUTHORITY, files::AUTHORITY_KEY, files::REVOCATIONS]
            .map(|name| folder.join(name));
        files::refuse_existing(&paths)?;
        let [certificate, key, revocations] = &paths;
        // The certificate comes last: where it is, the authority is whole.
        files::write(key, &authority.key_pem(), Existing::Refuse)?;
        let list = authority.list(Vec::new(), 1, now)?;
        files::write(revocations, &list, Existing::Refuse)?;
        files::write(certificate, &authority.certificate_pem, Existing::Refuse)?;
        Ok(authority)
    }

    /// An authority of `folder` with a key and a name of its own, not yet written anywhere.
    pub(crate) fn generate(
        folder: &Path,
        validity: Duration,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Self, IdentityError> {
        let mut params = CertificateParams::default();
        params.not_before = to_seconds(now - SKEW)?;
        params.not_after = to_seconds(now + validity)?;
        let serial = fresh_serial(random);
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Liaison");
        params.distinguished_name.push(
            DnType::CommonName,
            format!("Liaison development authority {}", &serial.to_string()[..8]),
        );
        params.serial_number = Some(SerialNumber::from_slice(serial.magnitude()));
        // It issues to parties only, never to another authority.
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(IdentityError::Generate)?;
        let certificate = params.self_signed(&key).map_err(IdentityError::Generate)?;
        let malformed = |_| IdentityError::Content {
            path: folder.join(files::AUTHORITY),
            expected: "authority certificate",
        };
        let name = parse(certificate.der()).map_err(malformed)?;
        Ok(Self {
            folder: folder.to_owned(),
            name: name.subject().as_raw().to_vec(),
            certificate_pem: certificate.pem(),
            trusted_pem: certificate.pem(),
            not_after: seconds_of(now + validity),
            issuer: Issuer::new(params, key),
        })
    }

    /// Reads the authority in `folder` that issues.
    ///
    /// # Errors
    /// Where a file is missing or malformed, or no certificate belongs to the key.
    pub fn load(folder: &Path) -> Result<Self, IdentityError> {
        Self::load_with(folder, files::AUTHORITY_KEY)
    }

    /// Reads the authority in `folder` whose key is in the file `key`.
    pub(crate) fn load_with(folder: &Path, key: &str) -> Result<Self, IdentityError> {
        let path = folder.join(files::AUTHORITY);
        let key_path = folder.join(key);
        let malformed = || IdentityError::Content {
            path: path.clone(),
            expected: "authority certificate",
        };
        let trusted_pem = String::from_utf8(files::read(&path)?).map_err(|_| malformed())?;
        let key = String::from_utf8(files::read(&key_path)?)
            .ok()
            .and_then(|pem| KeyPair::from_pem(&pem).ok())
            .ok_or_else(|| IdentityError::Content {
                path: key_path.clone(),
                expected: "private key",
            })?;
        let mut own = None;
        let trusted = files::blocks(&trusted_pem, files::CERTIFICATE);
        if trusted.is_empty() {
            return Err(malformed());
        }
        for pem in trusted {
            let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| malformed())?;
            let parsed = parse(&der).map_err(|_| malformed())?;
            if !parsed.is_ca() {
                return Err(malformed());
            }
            if key.subject_public_key_info() == parsed.public_key().raw {
                let not_after = Timestamp::from_seconds(parsed.validity().not_after.timestamp());
                let name = parsed.subject().as_raw().to_vec();
                own = Some((format!("{pem}\n"), name, not_after, der.into_owned()));
            }
        }
        let Some((certificate_pem, name, not_after, der)) = own else {
            return Err(IdentityError::KeyMismatch {
                certificate: path,
                key: key_path,
            });
        };
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(|_| malformed())?;
        Ok(Self {
            folder: folder.to_owned(),
            issuer,
            certificate_pem,
            trusted_pem,
            name,
            not_after,
        })
    }

    /// Reads the authority in `folder`, or makes one where there is none.
    ///
    /// # Errors
    /// As [`CertificateAuthority::load`] and [`CertificateAuthority::create`].
    pub fn load_or_create(
        folder: &Path,
        validity: Duration,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Self, IdentityError> {
        if folder.join(files::AUTHORITY).exists() {
            Self::load(folder)
        } else {
            Self::create(folder, validity, now, random)
        }
    }

    /// Issues a certificate to `party`: valid from five minutes ago until `now + validity`, or as
    /// long as the authority itself where that ends sooner. `hosts` are written beside the party's
    /// URI for clients that compare host names; a service needs those under which such clients
    /// reach it, and whoever never serves needs none.
    ///
    /// # Errors
    /// Where the authority's own validity has ended.
    pub fn issue(
        &self,
        party: &Party,
        hosts: &[Host],
        validity: Duration,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Issued, IdentityError> {
        self.still_valid(now)?;
        let not_after = seconds_of(now + validity).min(self.not_after);
        let serial = fresh_serial(random);
        let mut params = CertificateParams::default();
        params.not_before = to_seconds(now - SKEW)?;
        params.not_after = to_seconds(not_after)?;
        params.serial_number = Some(SerialNumber::from_slice(serial.magnitude()));
        // Only for people who look at the certificate. At most 50 characters of the 64 allowed.
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Liaison");
        params
            .distinguished_name
            .push(DnType::CommonName, party.to_string());
        params.subject_alt_names = names(party, hosts)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        if matches!(party, Party::Service(_)) || !hosts.is_empty() {
            params
                .extended_key_usages
                .push(ExtendedKeyUsagePurpose::ServerAuth);
        }
        let key = KeyPair::generate().map_err(IdentityError::Generate)?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .map_err(IdentityError::Generate)?;
        Ok(Issued {
            party: party.clone(),
            serial,
            not_after,
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            authority_pem: self.trusted_pem.clone(),
            issuer_pem: self.certificate_pem.clone(),
        })
    }

    /// Adds a certificate that this authority issued to its list in `crl.pem`, from where it never
    /// disappears. One that is listed already stays as it is, and so do the lists of other
    /// authorities. Two processes may do this at once; neither entry is lost.
    ///
    /// # Errors
    /// Where the list cannot be read or written, or the authority's validity has ended.
    pub fn revoke(&self, serial: &Serial, now: Timestamp) -> Result<(), IdentityError> {
        self.still_valid(now)?;
        let lock = files::lock(&self.folder)?;
        let mut lists = Lists::read(&self.folder)?;
        let (mut entries, number) = lists.of(&self.name)?;
        if entries
            .iter()
            .all(|entry| entry.serial_number.as_ref() != serial.magnitude())
        {
            entries.push(revocations::entry(serial, to_seconds(now)?));
            lists.replace(&self.name, self.list(entries, number + 1, now)?)?;
            lists.write()?;
        }
        drop(lock);
        Ok(())
    }

    /// The authority's certificate, for whoever shall trust it.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    pub(crate) fn trusted_pem(&self) -> &str {
        &self.trusted_pem
    }

    pub(crate) fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The name under which it issues, in DER.
    pub(crate) fn name(&self) -> &[u8] {
        &self.name
    }

    /// When the authority's own validity ends.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    fn still_valid(&self, now: Timestamp) -> Result<(), IdentityError> {
        if now < self.not_after {
            Ok(())
        } else {
            Err(IdentityError::AuthorityExpired {
                path: self.folder.join(files::AUTHORITY),
            })
        }
    }

    /// A signed list. It is due for replacement when the authority is: nobody publishes new ones
    /// at intervals here.
    pub(crate) fn list(
        &self,
        revoked_certs: Vec<RevokedCertParams>,
        number: u64,
        now: Timestamp,
    ) -> Result<String, IdentityError> {
        CertificateRevocationListParams {
            this_update: to_seconds(now)?,
            next_update: to_seconds(self.not_after)?,
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        }
        .signed_by(&self.issuer)
        .and_then(|list| list.pem())
        .map_err(IdentityError::Generate)
    }
}

/// The party's URI first, then the hosts.
fn names(party: &Party, hosts: &[Host]) -> Result<Vec<SanType>, IdentityError> {
    let uri = party.uri().try_into().map_err(IdentityError::Generate)?;
    let mut names = vec![SanType::URI(uri)];
    for host in hosts {
        names.push(match host {
            Host::Name(name) => {
                SanType::DnsName(name.as_str().try_into().map_err(IdentityError::Generate)?)
            }
            Host::Address(address) => SanType::IpAddress(*address),
        });
    }
    Ok(names)
}

/// 126 random bits in 16 bytes. The first two bits are fixed so that the number is positive and
/// always of the same length.
fn fresh_serial(random: &dyn Random) -> Serial {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    bytes[0] = bytes[0] & 0x3f | 0x40;
    Serial::from_der_integer(&bytes)
}

/// Certificates know whole seconds.
fn seconds_of(at: Timestamp) -> Timestamp {
    Timestamp::from_seconds(at.to_seconds_and_nanos().0)
}

/// Certificates know years up to 9999.
fn to_seconds(at: Timestamp) -> Result<OffsetDateTime, IdentityError> {
    OffsetDateTime::from_unix_timestamp(at.to_seconds_and_nanos().0)
        .map_err(|_| IdentityError::Validity)
}
