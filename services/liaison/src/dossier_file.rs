//! Dossier files: one dossier as YAML or JSON, in the fields of `liaison.intake.v1.Dossier`.

use std::path::Path;

use liaison_proto::intake::Dossier;
use serde_json::Value;

use crate::proto_json;

/// What keeps a file from being read as a dossier.
#[derive(Debug, thiserror::Error)]
pub enum DossierFileError {
    /// The file cannot be read.
    #[error("{path}: cannot be read")]
    Read {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The content is no YAML or JSON, or no dossier.
    #[error("{path}: {message}")]
    Content {
        /// The file.
        path: String,
        /// Where and what.
        message: String,
    },
}

/// Reads the dossier in `path`.
///
/// # Errors
/// Where the file cannot be read or holds no dossier; whether the dossier is admissible is the
/// intake service's to say.
pub fn read(path: &Path) -> Result<Dossier, DossierFileError> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| DossierFileError::Read {
        path: shown.clone(),
        source,
    })?;
    parse(&text).map_err(|message| DossierFileError::Content {
        path: shown,
        message,
    })
}

/// Reads a dossier from YAML; JSON is YAML too.
///
/// # Errors
/// A text that names the place and what is wrong there.
pub fn parse(text: &str) -> Result<Dossier, String> {
    let value: Value = serde_norway::from_str(text).map_err(|error| error.to_string())?;
    proto_json::from_json("liaison.intake.v1.Dossier", value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_can_be_read() {
        for sample in crate::samples::ALL {
            let dossier =
                parse(sample.text).unwrap_or_else(|error| panic!("{}: {error}", sample.name));
            assert!(!dossier.title.is_empty(), "{}", sample.name);
        }
    }

    #[test]
    fn json_is_read_too_and_mistakes_are_placed() {
        assert_eq!(parse(r#"{"title": "x"}"#).unwrap().title, "x");
        let error = parse("kind: LETTER").unwrap_err();
        assert!(error.starts_with("kind: not a known value"), "{error}");
        assert!(parse("- a\n- b").is_err());
    }
}
