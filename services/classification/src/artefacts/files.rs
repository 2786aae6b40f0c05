//! The files of a rule set: read from a folder, taken from this build, or out of the database; all of them
//! become a rule set in one place.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::{fs, io};

use liaison_types::{Error, ErrorKind, Reason};

use super::digest::{Digest, Encoding};
use crate::domain::{RuleSet, RuleSetError, RuleSetFiles};

const RULE_SET: &str = "rule_set.toml";
const CODES: &str = "codes.toml";
const LANGUAGES: &str = "languages.toml";
const WEIGHTS: &str = "weights.toml";
/// Without these there is no rule set.
const NEEDED: [&str; 4] = [RULE_SET, CODES, LANGUAGES, WEIGHTS];
/// What belongs to it where it is there: tables of national provisions, the text model, and what was measured when it
/// was trained.
const OPTIONAL: [&str; 3] = [PROVISIONS, MODEL, REPORT];
const PROVISIONS: &str = "provisions.toml";
const MODEL: &str = "model.bin";
const REPORT: &str = "report.toml";
const LEXICON: &str = "lexicon/";
/// The largest file: several times that of any model.
const MAX_FILE: u64 = 16 << 20;
/// The most files: several times those of any lexicon.
const MAX_FILES: usize = 256;
/// The longest version.
const MAX_VERSION: usize = 64;

/// Why files are no rule set.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A file or folder cannot be read or written.
    #[error("{} cannot be read or written", path.display())]
    Access {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file that is needed is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A file that has to be a text is none.
    #[error("{0} is no text in UTF-8")]
    NoText(String),
    /// A file is larger than any can be, or there are too many.
    #[error("{0} is too large")]
    TooLarge(String),
    /// A file has a name that none of a rule set has.
    #[error("{0} is not the name of a file of a rule set")]
    Name(String),
    /// The version cannot be named on a command line.
    #[error(
        "the version {0:?} is not made of 1 to 64 of the characters a-z, A-Z, 0-9, '.', '_' and '-'"
    )]
    Version(String),
    /// The contents are no rule set.
    #[error(transparent)]
    RuleSet(#[from] RuleSetError),
}

impl From<FilesError> for Error {
    /// For whoever gave the files: with the whole of what is wrong.
    fn from(error: FilesError) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(error.to_string().trim_end());
            cause = error.source();
        }
        Self::new(ErrorKind::FailedPrecondition, Reason::SettingInvalid)
            .message(message)
            .source(error)
    }
}

/// The files of one rule set by their names, `/` between folder and file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedFiles(BTreeMap<String, Vec<u8>>);

impl NamedFiles {
    /// These files, whose names are those of files of a rule set.
    ///
    /// # Errors
    /// [`FilesError::Name`] where one is not.
    pub fn new(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, FilesError> {
        let files: BTreeMap<String, Vec<u8>> = files.into_iter().collect();
        match files.keys().find(|name| !is_known(name)) {
            None => Ok(Self(files)),
            Some(name) => Err(FilesError::Name(name.clone())),
        }
    }

    /// The files this program was built with.
    #[must_use]
    pub fn embedded() -> Self {
        let RuleSetFiles {
            rule_set,
            codes,
            provisions,
            languages,
            weights,
            model,
            lexicon,
        } = RuleSetFiles::embedded();
        let named = [
            (RULE_SET, rule_set),
            (CODES, codes),
            (PROVISIONS, provisions),
            (LANGUAGES, languages),
            (WEIGHTS, weights),
            (REPORT, RuleSetFiles::embedded_report()),
        ];
        let named = named.map(|(name, text)| (name.to_owned(), text.into()));
        let lexicon = lexicon
            .into_iter()
            .map(|(name, text)| (format!("{LEXICON}{name}"), text.into()));
        let model = (!model.is_empty()).then(|| (MODEL.to_owned(), model.to_vec()));
        Self(named.into_iter().chain(model).chain(lexicon).collect())
    }

    /// Reads a folder of the form of `data/`. What does not belong to a rule set, such as a README, is passed
    /// over.
    ///
    /// # Errors
    /// Where something that is needed is missing, too large, or cannot be read.
    pub fn read(folder: &Path) -> Result<Self, FilesError> {
        let mut files = BTreeMap::new();
        for name in NEEDED {
            let bytes = read_file(&folder.join(name), name)?;
            files.insert(name.to_owned(), bytes.ok_or(FilesError::Missing(name))?);
        }
        for name in OPTIONAL {
            if let Some(bytes) = read_file(&folder.join(name), name)? {
                files.insert(name.to_owned(), bytes);
            }
        }
        let lexicon = folder.join(LEXICON);
        let at = |source| FilesError::Access {
            path: lexicon.clone(),
            source,
        };
        for entry in fs::read_dir(&lexicon).map_err(at)? {
            let path = entry.map_err(at)?.path();
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("{LEXICON}{file}");
            if !is_known(&name) {
                continue;
            }
            if files.len() >= MAX_FILES {
                return Err(FilesError::TooLarge(LEXICON.to_owned()));
            }
            if let Some(bytes) = read_file(&path, &name)? {
                files.insert(name, bytes);
            }
        }
        Ok(Self(files))
    }

    /// Writes the files into a folder that is empty or not there yet.
    ///
    /// # Errors
    /// Where the folder holds something, or cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), FilesError> {
        let at = |source| FilesError::Access {
            path: folder.to_owned(),
            source,
        };
        fs::create_dir_all(folder.join(LEXICON)).map_err(at)?;
        for (name, bytes) in &self.0 {
            let path = folder.join(name);
            // Nothing is overwritten: what lies there may be the only copy of somebody's work.
            let written = fs::File::create_new(&path)
                .and_then(|mut file| io::Write::write_all(&mut file, bytes));
            written.map_err(|source| FilesError::Access { path, source })?;
        }
        Ok(())
    }

    /// The files, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// Reads, checks and compiles them. The one place where named files become a rule set, so that one and the
    /// same set comes out whether it was built in, lies in a folder or in the database: the files of the lexicon
    /// are taken in the order of their names.
    ///
    /// # Errors
    /// Names the file, concept or phrase that is wrong.
    pub fn rule_set(&self) -> Result<RuleSet, FilesError> {
        let lexicon = self
            .0
            .iter()
            .filter_map(|(name, bytes)| Some((name.strip_prefix(LEXICON)?, bytes)))
            .map(|(name, bytes)| Ok((name, text(name, bytes)?)))
            .collect::<Result<_, FilesError>>()?;
        let rules = RuleSet::new(&RuleSetFiles {
            rule_set: self.needed(RULE_SET)?,
            codes: self.needed(CODES)?,
            provisions: match self.0.get(PROVISIONS) {
                Some(bytes) => text(PROVISIONS, bytes)?,
                None => "",
            },
            languages: self.needed(LANGUAGES)?,
            weights: self.needed(WEIGHTS)?,
            model: self.0.get(MODEL).map_or(&[], Vec::as_slice),
            lexicon,
        })?;
        let version = rules.version();
        let named = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if version.is_empty() || version.len() > MAX_VERSION || !version.bytes().all(named) {
            return Err(FilesError::Version(version.to_owned()));
        }
        Ok(rules)
    }

    /// SHA-256 over the ASCII text `liaison.classification.rule-set.v1` and a line feed, the number of files, and of
    /// each, in the order of their names, the name and the content, each after its number of bytes. Numbers have
    /// 4 bytes, big-endian.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut encoding = Encoding::new(b"liaison.classification.rule-set.v1\n");
        encoding.number(self.0.len());
        for (name, bytes) in &self.0 {
            encoding.bytes(name.as_bytes());
            encoding.bytes(bytes);
        }
        encoding.finish()
    }

    /// What was measured of it: its report, else what the one who fitted its weights wrote above them; empty
    /// where there is neither.
    #[must_use]
    pub fn figures(&self) -> String {
        if let Some(report) = self.0.get(REPORT) {
            return String::from_utf8_lossy(report).trim_end().to_owned();
        }
        let weights = self.needed(WEIGHTS).unwrap_or_default();
        let head = weights.lines().map_while(|line| line.strip_prefix('#'));
        let lines: Vec<&str> = head.map(str::trim).collect();
        lines.join("\n")
    }

    fn needed(&self, name: &'static str) -> Result<&str, FilesError> {
        text(name, self.0.get(name).ok_or(FilesError::Missing(name))?)
    }
}

fn text<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, FilesError> {
    std::str::from_utf8(bytes).map_err(|_| FilesError::NoText(name.to_owned()))
}

/// Whether a file of a rule set may have this name. None leads out of the folder.
fn is_known(name: &str) -> bool {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    NEEDED.contains(&name)
        || OPTIONAL.contains(&name)
        || name
            .strip_prefix(LEXICON)
            .and_then(|file| file.strip_suffix(".toml"))
            .is_some_and(|stem| !stem.is_empty() && stem.bytes().all(part))
}

/// The content of a file; nothing where it is not there.
fn read_file(path: &Path, name: &str) -> Result<Option<Vec<u8>>, FilesError> {
    let at = |source| FilesError::Access {
        path: path.to_owned(),
        source,
    };
    match fs::metadata(path) {
        Ok(about) if about.len() > MAX_FILE => Err(FilesError::TooLarge(name.to_owned())),
        Ok(_) => fs::read(path).map(Some).map_err(at),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_what_was_built_in_and_comes_back_from_where_it_was_written() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
        let embedded = NamedFiles::embedded();
        let read = NamedFiles::read(&data).unwrap();
        for (name, bytes) in embedded.iter() {
            assert_eq!(read.0.get(name).map(Vec::as_slice), Some(bytes), "{name}");
        }
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("new");
        embedded.write(&to).unwrap();
        let again = NamedFiles::read(&to).unwrap();
        assert_eq!(again.digest(), embedded.digest());
        assert_eq!(
            again.rule_set().unwrap().version(),
            RuleSet::embedded().unwrap().version()
        );
        assert!(
            matches!(embedded.write(&to), Err(FilesError::Access { .. })),
            "nothing is overwritten"
        );
        let figures = embedded.figures();
        assert!(
            !figures.is_empty() && !figures.starts_with('#'),
            "{figures}"
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let files = |name: &str, change: &dyn Fn(&str) -> Option<String>| {
            let mut files = NamedFiles::embedded();
            let text = String::from_utf8(files.0[name].clone()).unwrap();
            match change(&text) {
                Some(text) => files.0.insert(name.to_owned(), text.into_bytes()),
                None => files.0.remove(name),
            };
            Error::from(files.rule_set().unwrap_err()).to_string()
        };
        assert_eq!(files(CODES, &|_| None), "codes.toml is missing");
        let form = files("lexicon/cyber.toml", &|text| {
            Some(format!("{text}\n[[concept]]\nid = 7\n"))
        });
        assert!(
            form.starts_with("cyber.toml is not in the form of its kind: "),
            "{form}"
        );
        let phrase = files("lexicon/cyber.toml", &|text| {
            Some(format!(
                "{text}\n[[concept]]\nid = \"cyber.x\"\nabout = \"x\"\nunit = \"cyber\"\nstrength = \"weak\"\nen = [\"a (b\"]\n"
            ))
        });
        assert!(
            phrase.contains("cyber.x") && phrase.contains("a (b"),
            "{phrase}"
        );
        let version = files(RULE_SET, &|text| {
            Some(text.replacen("version = \"", "version = \"a/", 1))
        });
        assert!(version.contains("a/"), "{version}");
    }

    #[test]
    fn the_digest_tells_names_from_contents() {
        let of = |files: &[(&str, &str)]| {
            let files = files
                .iter()
                .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
            NamedFiles::new(files).unwrap().digest()
        };
        let digests = [
            of(&[("lexicon/a.toml", "b")]),
            of(&[("lexicon/a.toml", "")]),
            of(&[("lexicon/ab.toml", "")]),
            of(&[("lexicon/a.toml", "b"), ("lexicon/c.toml", "")]),
        ];
        for (at, one) in digests.iter().enumerate() {
            assert!(digests[..at].iter().all(|other| other != one));
        }
        for name in [
            "../a.toml",
            "lexicon/../a.toml",
            "lexicon/.toml",
            "lexicon/a",
            "x.toml",
            "lexicon//a.toml",
        ] {
            let files = [(name.to_owned(), Vec::new())];
            assert!(
                matches!(NamedFiles::new(files), Err(FilesError::Name(_))),
                "{name}"
            );
        }
    }
}
