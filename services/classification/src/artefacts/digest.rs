//! Digests: of what a rule set is made of, of what was decided on, and of what was decided.

use std::fmt;

use liaison_types::{Error, Language, Result};
use sha2::{Digest as _, Sha256};

use crate::convert::CaseInput;
use crate::domain::Decision;

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest whose bytes these are.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The digest of what the machine decides on.
    ///
    /// It is over the ASCII text `liaison.classification.input.v1` and a line feed; the number of offences;
    /// of each its code, the number of its tags, these, and its national provision; title, narrative and
    /// declared language. Numbers have 4 bytes, big-endian. A text is its number of bytes and these bytes;
    /// what may be absent is a byte 0 where it is, and else a byte 1 and the text. No two inputs have the same
    /// encoding.
    #[must_use]
    pub fn of_input(input: &CaseInput) -> Self {
        let mut encoding = Encoding::new(b"liaison.classification.input.v1\n");
        encoding.number(input.offences.len());
        for offence in &input.offences {
            encoding.optional(offence.iccs.as_ref().map(ToString::to_string).as_deref());
            encoding.number(offence.tags.len());
            for tag in &offence.tags {
                encoding.bytes(tag.to_string().as_bytes());
            }
            encoding.optional(offence.national_provision.as_deref());
        }
        encoding.bytes(input.title.as_bytes());
        encoding.bytes(input.narrative.as_bytes());
        encoding.optional(input.language.map(Language::tag));
        encoding.finish()
    }

    /// The digest of what the machine decided, before policy and people had their say: over the ASCII text
    /// `liaison.classification.decision.v1`, a line feed, and the decision as JSON in one line, its fields in the
    /// order of [`Decision`].
    ///
    /// # Errors
    /// INTERNAL where the decision cannot be written, which no decision causes.
    pub fn of_decision(decision: &Decision) -> Result<Self> {
        let mut encoding = Encoding::new(b"liaison.classification.decision.v1\n");
        let json = serde_json::to_vec(decision).map_err(Error::internal)?;
        encoding.0.update(json);
        Ok(encoding.finish())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a digest is made of, piece by piece.
pub(super) struct Encoding(Sha256);

impl Encoding {
    /// Begins with what tells one kind of encoding from the others.
    pub(super) fn new(kind: &[u8]) -> Self {
        let mut sha = Sha256::new();
        sha.update(kind);
        Self(sha)
    }

    /// Nothing here has as many parts or bytes as do not fit: messages are far smaller.
    pub(super) fn number(&mut self, number: usize) {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        self.0.update(number.to_be_bytes());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.0.update(bytes);
    }

    fn optional(&mut self, text: Option<&str>) {
        match text {
            None => self.0.update([0]),
            Some(text) => {
                self.0.update([1]);
                self.bytes(text.as_bytes());
            }
        }
    }

    pub(super) fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DeclaredOffence, Input, RuleSet, decide};
    use liaison_types::Tag;

    fn input() -> CaseInput {
        CaseInput {
            offences: vec![DeclaredOffence {
                iccs: Some("0903".parse().unwrap()),
                tags: vec![Tag::Cyber],
                national_provision: None,
            }],
            title: "a".into(),
            narrative: "b".into(),
            language: None,
        }
    }

    #[test]
    fn whatever_is_read_is_in_the_digest() {
        let same = Digest::of_input(&input());
        assert_eq!(same, Digest::of_input(&input()));
        let changed: Vec<CaseInput> = vec![
            CaseInput {
                title: "ab".into(),
                narrative: String::new(),
                ..input()
            },
            CaseInput {
                narrative: "c".into(),
                ..input()
            },
            CaseInput {
                language: Some(Language::En),
                ..input()
            },
            CaseInput {
                offences: Vec::new(),
                ..input()
            },
            CaseInput {
                offences: vec![DeclaredOffence {
                    national_provision: Some(String::new()),
                    ..input().offences[0].clone()
                }],
                ..input()
            },
            CaseInput {
                offences: vec![DeclaredOffence {
                    tags: Vec::new(),
                    ..input().offences[0].clone()
                }],
                ..input()
            },
        ];
        let mut all: Vec<String> = changed
            .iter()
            .map(|input| Digest::of_input(input).to_string())
            .collect();
        all.push(same.to_string());
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 7);
        assert!(all.iter().all(|digest| digest.len() == 64));
    }

    #[test]
    fn decisions_repeat_to_the_byte() {
        let rules = RuleSet::embedded().unwrap();
        let of = |text: &str| {
            let input = Input {
                narrative: text,
                ..Input::default()
            };
            Digest::of_decision(&decide(&rules, &input)).unwrap()
        };
        assert_eq!(of("Cocaine was found."), of("Cocaine was found."));
        assert_ne!(of("Cocaine was found."), of("Cocaine has been found."));
    }
}
