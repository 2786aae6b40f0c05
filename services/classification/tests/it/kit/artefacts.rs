//! Rule sets to try, and the operator who tries them.

use std::path::Path;
use std::sync::Arc;

use liaison_classification::artefacts::commands;
use liaison_classification::artefacts::files::NamedFiles;
use liaison_classification::artefacts::in_use::Loaded;
use liaison_classification::{Classification, ClassificationSettings};
use liaison_runtime::{Ambient, Loader, Service as _, Settings, Task};
use liaison_testkit::database::TestDatabase;
use liaison_testkit::environment::Environment;
use liaison_types::Result;

/// A folder with the rule set of this build under another version, by which 0903 leads to `unit`.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new(version: &str, unit: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        NamedFiles::embedded().write(folder.path()).unwrap();
        let this = Self(folder);
        this.change("rule_set.toml", |text| {
            let line = text
                .lines()
                .find(|line| line.starts_with("version = "))
                .unwrap();
            text.replacen(line, &format!("version = \"{version}\""), 1)
        });
        // These are read often, and declared codes are enough here: one concept is the whole lexicon.
        this.change("weights.toml", |text| {
            let bias = text.split("\n[weight").next();
            bias.unwrap_or_default().to_owned()
        });
        for name in ["model.bin", "report.md", "report.txt", "report.json"] {
            let removed = std::fs::remove_file(this.path().join(name));
            assert!(removed.is_ok() || !this.path().join(name).exists());
        }
        this.change("rule_set.toml", |text| {
            let (before, from) = text.split_once("[[first]]").unwrap();
            let (_, text) = from.split_once("\n[text]").unwrap();
            format!("{before}\n[text]{text}")
        });
        for entry in std::fs::read_dir(this.path().join("lexicon")).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        let concept = "[[concept]]\nid = \"cyber.only\"\nabout = \"x\"\nunit = \"cyber\"\nstrength = \"weak\"\nany = [\"botnet\"]\n";
        std::fs::write(this.path().join("lexicon/cyber.toml"), concept).unwrap();
        this.change("codes.toml", |text| {
            let row = "prefix = \"0903\"\ntitle = \"Acts against computer systems\"\nunit = \"cyber\"\ndesk = \"threat-response\"";
            assert!(text.contains(row));
            text.replacen(row, &format!("prefix = \"0903\"\ntitle = \"x\"\nunit = \"{unit}\""), 1)
        });
        this
    }

    /// The rule set in it.
    pub fn loaded(&self) -> Arc<Loaded> {
        let files = NamedFiles::read(self.path()).unwrap();
        Arc::new(Loaded::new(&files).unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn change(&self, name: &str, change: impl FnOnce(&str) -> String) {
        let path = self.0.path().join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, change(&text)).unwrap();
    }
}

/// The service's command line on a database.
pub struct Operator(Task<ClassificationSettings>);

impl Operator {
    pub fn on(database: &TestDatabase, environment: &Environment) -> Self {
        let loader = Loader::new(Classification::DEFAULTS);
        let settings: Settings<ClassificationSettings> = loader
            .set("database.url", database.settings().url.clone())
            .load()
            .unwrap();
        let ambient = Ambient {
            clock: environment.clock(),
            random: environment.random(),
            ..Ambient::default()
        };
        Self(Task { settings, ambient })
    }

    /// `rule-sets` with these words.
    pub async fn does(&self, words: &[&str]) -> Result<u8> {
        let words = std::iter::once("rule-sets").chain(words.iter().copied());
        let asked = commands::command().try_get_matches_from(words).unwrap();
        commands::run(&self.0, &asked).await
    }

    pub async fn add(&self, folder: &Folder) -> Result<u8> {
        self.does(&["add", folder.path().to_str().unwrap(), "--operator", "ann"])
            .await
    }

    pub async fn activate(&self, version: &str) -> Result<u8> {
        let words = [
            "activate",
            version,
            "--operator",
            "ann",
            "--reason",
            "it is better",
        ];
        self.does(&words).await
    }

    pub async fn shadow(&self, version: &str) -> Result<u8> {
        self.does(&["shadow", version, "--operator", "ann"]).await
    }

    pub async fn roll_back(&self) -> Result<u8> {
        self.does(&[
            "roll-back",
            "--operator",
            "ann",
            "--reason",
            "it was a mistake",
        ])
        .await
    }
}
