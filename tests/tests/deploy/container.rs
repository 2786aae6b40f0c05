//! One container, whether a manifest or a compose file describes it, and the settings it gives to its service.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use liaison_custody::SigningKey;
use liaison_runtime::{KeySettings, Keys};
use liaison_types::SystemRandom;

use super::code::{Code, Effective};

/// A container that runs one of our programs.
#[derive(Debug)]
pub struct Container {
    /// What a failed assertion calls it.
    pub place: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    pub variables: BTreeMap<String, String>,
    /// Path of each mount, and the names of the files in it where they are known.
    pub mounts: BTreeMap<String, Option<Vec<String>>>,
}

impl Container {
    /// The settings that the service has in this container. Every variable must be a key it knows, every file must
    /// be mounted.
    pub fn settings(&self, code: &Code) -> Effective {
        let folder = tempfile::tempdir().unwrap();
        let mut variables = Vec::new();
        for (name, value) in &self.variables {
            let mut value = value.clone();
            if name.ends_with("_FILE") {
                // The loader reads these: a stand-in with the form of what the Secret holds.
                self.assert_mounted(&value);
                let stand_in = folder.path().join(name);
                let role = value.rsplit('/').next().unwrap();
                std::fs::write(
                    &stand_in,
                    format!("postgres://{role}:secret@postgres:5432/{}", code.name),
                )
                .unwrap();
                value = stand_in.to_str().unwrap().to_owned();
            }
            variables.push((name.clone(), value));
        }
        let settings =
            (code.load)(&variables).unwrap_or_else(|problems| panic!("{}: {problems}", self.place));
        let calls: Vec<_> = settings
            .peers
            .iter()
            .map(|(name, _)| name.clone())
            .collect();
        for name in self
            .variables
            .keys()
            .filter_map(|name| name.strip_prefix("LIAISON__PEERS__"))
        {
            // The loader takes any peer; only those that the service asks for mean something.
            assert!(
                code.calls().contains(&name.to_lowercase()),
                "{}: {} never calls {name}",
                self.place,
                code.name
            );
        }
        for name in code.calls() {
            assert!(
                calls.contains(&name),
                "{}: no address for {name}",
                self.place
            );
        }
        settings
    }

    /// The files of the identity are where the container has them.
    pub fn assert_identity(&self, settings: &Effective) {
        for path in &settings.identity {
            self.assert_mounted(path.to_str().unwrap());
        }
    }

    /// So are its keys: the file it signs with, and a folder of nothing but those it seals with.
    pub fn assert_keys(&self, settings: &Effective) {
        self.assert_mounted(settings.keys.signing.to_str().unwrap());
        let folder = settings.keys.sealing.to_str().unwrap();
        self.assert_mounted(&format!("{folder}/1.key"));
    }

    /// And they are read as a node lays out what it mounts.
    pub fn assert_keys_are_read(&self, settings: &Effective) {
        let node = tempfile::tempdir().unwrap();
        let here = |path: &Path| node.path().join(path.strip_prefix("/").unwrap());
        for (mount, files) in &self.mounts {
            let files = files.as_deref().unwrap_or_default();
            mount_secret(&here(Path::new(mount)), files);
        }
        let keys = KeySettings {
            signing: here(&settings.keys.signing),
            sealing: here(&settings.keys.sealing),
        };
        let read = Keys::read(&keys, Arc::new(SystemRandom))
            .unwrap_or_else(|error| panic!("{}: {error}", self.place));
        assert_eq!(read.vault().ring().versions(), [1, 2], "{}", self.place);
    }

    fn assert_mounted(&self, path: &str) {
        let mounted = self.mounts.iter().any(|(mount, files)| {
            path.strip_prefix(mount.as_str())
                .and_then(|rest| rest.strip_prefix('/'))
                .is_some_and(|file| {
                    files
                        .as_ref()
                        .is_none_or(|files| files.iter().any(|known| known == file))
                })
        });
        assert!(
            mounted,
            "{}: nothing is mounted at {path}; mounts: {:?}",
            self.place, self.mounts
        );
    }
}

/// What the kubelet makes of a Secret: each file a link into `..data`, itself a link to a folder that is replaced as a
/// whole.
fn mount_secret(mount: &Path, files: &[String]) {
    let data = mount.join("..2026_11_22_08_00_00.1");
    std::fs::create_dir_all(&data).unwrap();
    std::os::unix::fs::symlink(data.file_name().unwrap(), mount.join("..data")).unwrap();
    for file in files {
        let content = match file.strip_suffix(".key") {
            Some(version) if version.parse::<u32>().is_ok() => {
                format!("{version:0>64}\n")
            }
            _ => SigningKey::generate(&SystemRandom)
                .to_pkcs8_pem()
                .unwrap()
                .to_string(),
        };
        std::fs::write(data.join(file), content).unwrap();
        std::os::unix::fs::symlink(Path::new("..data").join(file), mount.join(file)).unwrap();
    }
}
