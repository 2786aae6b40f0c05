//! A service's own keys: what it signs with, and what it seals with.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use liaison_custody::{PublicKey, SigningKey};
use liaison_store::sealed::{KeyRing, Vault};
use liaison_types::{Error, ErrorKind, Random, Reason, Result};

use crate::lifecycle::Lifecycle;
use crate::settings::KeySettings;

/// How often the key files are looked at.
const CHECK: Duration = Duration::from_secs(10);

/// A key file is no larger than this.
const MAX_BYTES: u64 = 16 << 10;

/// The signing key that is in force. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Signer(Arc<ArcSwap<SigningKey>>);

impl Signer {
    /// Signs with `key` until it is replaced.
    #[must_use]
    pub fn new(key: SigningKey) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(key)))
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> Arc<SigningKey> {
        self.0.load_full()
    }
}

/// The keys of a running service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Keys {
    signer: Signer,
    ring: Arc<KeyRing>,
    random: Arc<dyn Random>,
    signing: Arc<SigningFile>,
}

/// The file of the signing key, and what was last read of it.
struct SigningFile {
    path: PathBuf,
    read: Mutex<String>,
}

impl std::fmt::Debug for SigningFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SigningFile").field(&self.path).finish()
    }
}

impl Keys {
    /// Reads both. Blocks on the file system.
    ///
    /// # Errors
    /// SETTING_INVALID, naming the file and what to do about it.
    pub fn read(settings: &KeySettings, random: Arc<dyn Random>) -> Result<Self> {
        let pem = signing_text(&settings.signing)?;
        let signer = Signer::new(signing_key(&settings.signing, &pem)?);
        Ok(Self {
            signer,
            ring: Arc::new(KeyRing::read(&settings.sealing)?),
            random,
            signing: Arc::new(SigningFile {
                path: settings.signing.clone(),
                read: Mutex::new(pem),
            }),
        })
    }

    /// Signs the chain of custody and the checkpoints of the audit; follows the file.
    #[must_use]
    pub fn signer(&self) -> Signer {
        self.signer.clone()
    }

    /// Seals and opens; follows the folder.
    #[must_use]
    pub fn vault(&self) -> Vault {
        Vault::new(Arc::clone(&self.ring), Arc::clone(&self.random))
    }

    /// Reads the files again. What cannot be used leaves what was used before in use.
    ///
    /// # Errors
    /// As [`Keys::read`]. Of the two the one that can be used is, whatever is wrong with the other.
    pub fn reload(&self) -> Result<bool> {
        let signing = self.reload_signing();
        let sealing = self.ring.reload().map_err(Error::from);
        Ok(signing? | sealing?)
    }

    fn reload_signing(&self) -> Result<bool> {
        let pem = signing_text(&self.signing.path)?;
        let mut read = self
            .signing
            .read
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if *read == pem {
            return Ok(false);
        }
        let key = signing_key(&self.signing.path, &pem)?;
        self.signer.0.store(Arc::new(key));
        *read = pem;
        Ok(true)
    }

    /// Reads the files again now and then, until the service stops.
    pub(crate) fn watch(&self, lifecycle: &Lifecycle) {
        let (keys, soft) = (self.clone(), lifecycle.soft());
        lifecycle.spawn("keys", async move {
            let mut ticks = tokio::time::interval(CHECK);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = ticks.tick() => keys.reload_and_tell().await,
                    () = soft.cancelled() => return Ok(()),
                }
            }
        });
    }

    /// Reads the files again, and logs what came of it.
    pub(crate) async fn reload_and_tell(&self) {
        let keys = self.clone();
        match tokio::task::spawn_blocking(move || keys.reload()).await {
            Ok(Ok(true)) => tracing::info!(
                signing = %self.signer.key().id(),
                sealing = self.ring.active(),
                "keys were reloaded"
            ),
            // The runtime is going away, or nothing changed.
            Ok(Ok(false)) | Err(_) => {}
            Ok(Err(error)) => tracing::error!(
                error = error.chain(),
                "keys cannot be reloaded; the previous ones stay in use"
            ),
        }
    }
}

/// Makes the keys that are missing: the signing key, and the first key-encryption key. Answers whether
/// any was. Blocks on the file system.
///
/// # Errors
/// Names what cannot be written.
pub fn create_missing(settings: &KeySettings, random: &dyn Random) -> Result<bool> {
    let mut made = false;
    if !settings.signing.exists() {
        let key = SigningKey::generate(random);
        let pem = key.to_pkcs8_pem().map_err(Error::internal)?;
        write_new(&settings.signing, pem.as_bytes())
            .map_err(|error| cannot(&settings.signing, "written", error))?;
        made = true;
    }
    let empty = match fs::read_dir(&settings.sealing) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => return Err(cannot(&settings.sealing, "read", error)),
    };
    if empty {
        KeyRing::generate(&settings.sealing, random)?;
        made = true;
    }
    Ok(made)
}

/// The public half of the signing key. Blocks on the file system.
///
/// # Errors
/// As [`Keys::read`].
pub fn public_key(settings: &KeySettings) -> Result<PublicKey> {
    let key = signing_key(&settings.signing, &signing_text(&settings.signing)?)?;
    Ok(key.public_key())
}

fn signing_text(path: &Path) -> Result<String> {
    let read = || {
        let file = File::open(path)?;
        io::read_to_string(io::Read::take(file, MAX_BYTES))
    };
    read().map_err(|error| cannot(path, "read", error))
}

fn signing_key(path: &Path, pem: &str) -> Result<SigningKey> {
    SigningKey::from_pkcs8_pem(pem).map_err(|error| {
        setting(format!(
            "{} holds no signing key: {error}; `liaison keys init` makes one",
            path.display()
        ))
    })
}

/// For the owner's eyes only, and there entirely or not at all.
fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut next = path.as_os_str().to_owned();
    next.push(".next");
    let next = PathBuf::from(next);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&next)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&next, path)?;
    File::open(folder)?.sync_all()
}

fn cannot(path: &Path, what: &str, error: io::Error) -> Error {
    setting(format!(
        "{} cannot be {what}: {}; `liaison keys init` makes the keys of a service",
        path.display(),
        error.kind()
    ))
    .source(error)
}

fn setting(message: String) -> Error {
    Error::new(ErrorKind::FailedPrecondition, Reason::SettingInvalid).message(message)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use liaison_types::{Reason, SystemRandom};
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    /// What a Kubernetes node makes of a Secret: every file a link into `..data`, itself a link to a folder
    /// that is replaced as a whole.
    struct Mounted {
        folder: TempDir,
        generation: u32,
    }

    impl Mounted {
        fn new(files: &[(&str, &str)]) -> Self {
            let mut mounted = Self {
                folder: tempfile::tempdir().unwrap(),
                generation: 0,
            };
            mounted.change(files);
            mounted
        }

        fn path(&self) -> &Path {
            self.folder.path()
        }

        /// The Secret holds these files from now on. The link is exchanged in one step.
        fn change(&mut self, files: &[(&str, &str)]) {
            self.generation += 1;
            let name = format!("..2026_11_22_08_00_00.{}", self.generation);
            let data = self.path().join(&name);
            fs::create_dir(&data).unwrap();
            for (file, content) in files {
                fs::write(data.join(file), content).unwrap();
            }
            symlink(&name, self.path().join("..data_tmp")).unwrap();
            fs::rename(self.path().join("..data_tmp"), self.path().join("..data")).unwrap();
            for (file, _) in files {
                let link = self.path().join(file);
                if !link.is_symlink() {
                    symlink(Path::new("..data").join(file), link).unwrap();
                }
            }
        }
    }

    fn pem() -> String {
        let key = SigningKey::generate(&SystemRandom);
        key.to_pkcs8_pem().unwrap().to_string()
    }

    #[test]
    fn mounted_secrets_are_read_and_followed() {
        let (one, two) = ("1".repeat(64), "2".repeat(64));
        let mut signing = Mounted::new(&[("signing.pem", &pem())]);
        let mut sealing = Mounted::new(&[("1.key", &one)]);
        let settings = KeySettings {
            signing: signing.path().join("signing.pem"),
            sealing: sealing.path().to_owned(),
        };
        let keys = Keys::read(&settings, Arc::new(SystemRandom)).unwrap();
        let (vault, first) = (keys.vault(), keys.signer().key().id());
        assert_eq!(vault.ring().versions(), [1]);
        assert!(!keys.reload().unwrap(), "nothing changed");

        sealing.change(&[("1.key", &one), ("2.key", &two)]);
        signing.change(&[("signing.pem", &pem())]);
        assert!(keys.reload().unwrap());
        assert_eq!(vault.ring().versions(), [1, 2]);
        assert_ne!(keys.signer().key().id(), first);

        // One Secret for both would be refused, and what was in use stays in use.
        sealing.change(&[("1.key", &one), ("2.key", &two), ("signing.pem", &pem())]);
        let refused = keys.reload().unwrap_err();
        assert_eq!(refused.reason(), Reason::SettingInvalid);
        assert!(
            refused
                .to_string()
                .contains("signing.pem is not named like a key")
        );
        assert_eq!(vault.ring().versions(), [1, 2]);
    }
}
