//! One container, whether a manifest or a compose file describes it, and the settings it gives to its service.

use std::collections::BTreeMap;

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
