//! `[keys]`: what the service signs with, and what it seals with.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Problems;

/// Where a service's own keys are. They are read again while the service runs, like its certificates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySettings {
    /// The Ed25519 key, PKCS#8 in PEM, that signs the chain of custody and the checkpoints of the audit.
    pub signing: PathBuf,
    /// The folder of the key-encryption keys, `1.key`, `2.key` and so on: the highest seals, all open.
    pub sealing: PathBuf,
}

impl KeySettings {
    /// The keys of the service `name` in the folder `keys`, as `liaison keys init` lays them out.
    #[must_use]
    pub fn in_folder(keys: &Path, name: &str) -> Self {
        let own = keys.join(name);
        Self {
            signing: own.join("signing.pem"),
            sealing: own.join("sealing"),
        }
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        for (key, path, fix) in [
            ("signing", &self.signing, "write the path of the PEM file"),
            ("sealing", &self.sealing, "write the path of the folder"),
        ] {
            problems.check(
                !path.as_os_str().is_empty(),
                &format!("keys.{key}"),
                "is empty",
                fix,
            );
        }
    }
}
