//! The texts, and which units they belong to.

use std::path::PathBuf;

use e2e::{dossier, program};
use liaison_proto::common::Language;
use liaison_proto::intake::Dossier;
use serde::Deserialize;

/// The environment variable that names the file.
const FILE: &str = "E2E_CASES";

/// The label of a crime that is none of the units' business.
const NONE: &str = "none";

/// A text with its labels.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Case {
    /// Its name in the file.
    pub(crate) id: String,
    lang: String,
    title: String,
    text: String,
    labels: Vec<String>,
    #[serde(default)]
    optional_labels: Vec<String>,
}

impl Case {
    /// Whether it belongs to a unit, and not only perhaps.
    pub(crate) fn belongs_somewhere(&self) -> bool {
        self.labels.iter().any(|label| label != NONE)
    }

    /// Whether `unit` may lead it.
    pub(crate) fn belongs_to(&self, unit: &str) -> bool {
        self.labels
            .iter()
            .chain(&self.optional_labels)
            .any(|label| label == unit)
    }

    /// The dossier that declares nothing: the text decides.
    pub(crate) fn dossier(&self) -> Dossier {
        let language = match self.lang.as_str() {
            "fr" => Language::Fr,
            "es" => Language::Es,
            "ar" => Language::Ar,
            _ => Language::En,
        };
        let title: String = clean(&self.title.replace(['\n', '\t'], " "))
            .chars()
            .take(200)
            .collect();
        let narrative: String = clean(&self.text).chars().take(200_000).collect();
        let mut dossier = dossier::provision_only(title.trim(), &narrative, language);
        dossier.bureau_reference = self.id.chars().take(64).collect();
        dossier
    }
}

/// Without the characters that a dossier must not have.
fn clean(text: &str) -> String {
    let invisible = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().filter(|c| !invisible(*c)).collect()
}

/// All cases.
#[derive(Debug)]
pub(crate) struct Cases {
    pub(crate) all: Vec<Case>,
    file: Option<PathBuf>,
}

impl Cases {
    /// The real ones where they are, else our own.
    pub(crate) fn read() -> Self {
        let beside = program::repository().join("../shared/data/cases.jsonl");
        let file = std::env::var_os(FILE).map_or(beside, PathBuf::from);
        match std::fs::read_to_string(&file) {
            Ok(text) => {
                let all = text
                    .lines()
                    .map(|line| serde_json::from_str(line).unwrap())
                    .collect();
                Self {
                    all,
                    file: Some(file),
                }
            }
            Err(_) if std::env::var_os(FILE).is_none() => Self {
                all: samples(),
                file: None,
            },
            Err(error) => panic!("{}: {error}", file.display()),
        }
    }

    /// Whether these are real texts.
    pub(crate) const fn are_real(&self) -> bool {
        self.file.is_some()
    }

    /// Which these are.
    pub(crate) fn told(&self) -> String {
        match &self.file {
            Some(file) => format!("{} texts of {}", self.all.len(), file.display()),
            None => format!(
                "no file of real texts here (set {FILE} to name one): {} samples of our own",
                self.all.len()
            ),
        }
    }
}

/// What is read of a sample.
#[derive(Deserialize)]
struct Sample {
    title: String,
    narrative: String,
    language: String,
}

/// The samples, with the unit that their README names.
fn samples() -> Vec<Case> {
    let units = [
        ("01-forced-labour", "children-trafficking"),
        ("02-abus-en-ligne", "children-trafficking"),
        ("03-rescate-hospital", "cyber"),
        ("04-phishing-ring", "cyber"),
        ("05-contenedores", "narcotics-organized-crime"),
        ("06-armes-a-feu", "narcotics-organized-crime"),
        ("07-terrorist-financing", "terrorism"),
        ("08-planned-attack", "terrorism"),
        ("09-migrant-smuggling", "children-trafficking"),
        ("12-stolen-painting", NONE),
    ];
    units
        .into_iter()
        .map(|(name, unit)| {
            let path = program::repository()
                .join("tests/samples")
                .join(format!("{name}.yaml"));
            let sample: Sample =
                serde_norway::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
            Case {
                id: name.to_owned(),
                lang: sample.language.to_lowercase(),
                title: sample.title,
                text: sample.narrative,
                labels: vec![unit.to_owned()],
                optional_labels: Vec::new(),
            }
        })
        .collect()
}

#[test]
fn our_own_texts_are_read() {
    let samples = samples();
    assert!(
        samples
            .iter()
            .all(|sample| !sample.dossier().narrative.is_empty())
    );
    let languages: std::collections::BTreeSet<&str> =
        samples.iter().map(|sample| sample.lang.as_str()).collect();
    assert_eq!(
        languages.into_iter().collect::<Vec<_>>(),
        ["ar", "en", "es", "fr"]
    );
}
