//! Where a process finds its certificate and whom it trusts.

use std::path::{Path, PathBuf};

use liaison_types::Party;
use serde::{Deserialize, Deserializer, Serialize};

use crate::expiry::WarnBefore;
use crate::files;

/// The files of an identity, all PEM.
///
/// None of the values is secret: they are paths, and durations.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentitySettings {
    /// The own certificate, followed by intermediate certificates where there are any.
    pub certificate: PathBuf,
    /// The private key of the certificate: PKCS #8, SEC 1 or PKCS #1.
    pub key: PathBuf,
    /// The certificates of the authorities whose parties are trusted. More than one only while an
    /// authority is replaced.
    pub authority: PathBuf,
    /// Revocation lists, one for every authority (and intermediate) in use; a certificate whose
    /// issuer has no list here is refused. None, or the empty path: nothing is revoked.
    #[serde(default, deserialize_with = "none_if_empty")]
    pub revocations: Option<PathBuf>,
    /// How long before the own certificate, a trusted authority or a revocation list ends to warn.
    #[serde(default)]
    pub warn_before: WarnBefore,
}

impl IdentitySettings {
    /// The files of `party` in a folder that [`CertificateAuthority`](crate::CertificateAuthority)
    /// or [`Issued::write`](crate::Issued::write) filled. The revocation list is included where
    /// the folder holds one.
    #[must_use]
    pub fn in_folder(folder: &Path, party: &Party) -> Self {
        let revocations = folder.join(files::REVOCATIONS);
        Self {
            certificate: folder.join(files::certificate_of(party)),
            key: folder.join(files::key_of(party)),
            authority: folder.join(files::AUTHORITY),
            revocations: revocations.exists().then_some(revocations),
            warn_before: WarnBefore::default(),
        }
    }
}

fn none_if_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let path = Option::<PathBuf>::deserialize(deserializer)?;
    Ok(path.filter(|path| !path.as_os_str().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_is_none_and_unknown_keys_are_refused() {
        let read = |json: &str| serde_json::from_str::<IdentitySettings>(json);
        let base = r#""certificate": "c", "key": "k", "authority": "a""#;
        assert_eq!(read(&format!("{{{base}}}")).unwrap().revocations, None);
        let empty = read(&format!(r#"{{{base}, "revocations": ""}}"#)).unwrap();
        assert_eq!(empty.revocations, None);
        let given = read(&format!(r#"{{{base}, "revocations": "r"}}"#)).unwrap();
        assert_eq!(given.revocations, Some("r".into()));
        assert!(read(&format!(r#"{{{base}, "revocation": "r"}}"#)).is_err());
        assert!(read(r#"{"certificate": "c"}"#).is_err());
        let warned = read(&format!(r#"{{{base}, "warn_before": "1d"}}"#)).unwrap();
        assert_eq!(warned.warn_before.to_string(), "1d");
        assert!(read(&format!(r#"{{{base}, "warn_before": "later"}}"#)).is_err());
    }

    #[test]
    fn names_in_a_folder_follow_the_party() {
        let settings =
            IdentitySettings::in_folder(Path::new("d"), &"bureau/NB-FR".parse().unwrap());
        assert_eq!(settings.certificate, Path::new("d/bureau-NB-FR.pem"));
        assert_eq!(settings.key, Path::new("d/bureau-NB-FR-key.pem"));
        assert_eq!(settings.authority, Path::new("d/ca.pem"));
        assert_eq!(settings.revocations, None);
    }
}
