//! What a decision looks at, and nothing else: one small integer for each attribute of the vocabulary.
//!
//! Facts hold no names of parties and no words of anybody, so that they can be kept in the audit beside
//! the decision they led to, and decided again later, by the same rule set or by a candidate.

use std::fmt;

use liaison_types::{Handling, Markings};

use crate::attribute::{Attribute, COUNT, Consent, LENGTHS, Question, VERSION};

/// The facts of one question.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Facts {
    values: [u8; COUNT],
}

/// Why bytes are no facts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecodeFactsError {
    /// There is no first byte.
    #[error("there are no bytes")]
    Empty,
    /// The first byte names a vocabulary that this build does not know.
    #[error("version {0} of the vocabulary is unknown; this build reads up to version {VERSION}")]
    Version(u8),
    /// The version of the vocabulary has another number of attributes.
    #[error("there are {found} attributes where this version of the vocabulary has {expected}")]
    Length {
        /// As many are given.
        found: usize,
        /// As many there must be.
        expected: usize,
    },
    /// The vocabulary has no such value.
    #[error("{attribute} has no value number {value}")]
    Value {
        /// The attribute.
        attribute: Attribute,
        /// The place given.
        value: u8,
    },
}

/// A name that the vocabulary does not have.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UnknownFact {
    /// There is no such attribute.
    #[error("there is no attribute {0:?}")]
    Attribute(String),
    /// The attribute has no such value.
    #[error("{attribute} has no value {value:?}; it has {}", attribute.values().join(", "))]
    Value {
        /// The attribute.
        attribute: Attribute,
        /// The name given.
        value: String,
    },
}

impl Facts {
    /// Nothing is stated but what is asked.
    #[must_use]
    pub const fn new(question: Question) -> Self {
        Self { values: [0; COUNT] }.question(question)
    }

    /// The same with `value`, a place among the attribute's values.
    pub(crate) const fn set(mut self, attribute: Attribute, value: u8) -> Self {
        self.values[attribute as usize] = value;
        self
    }

    /// The place of an attribute's value among its values.
    #[must_use]
    pub const fn get(&self, attribute: Attribute) -> u8 {
        self.values[attribute as usize]
    }

    /// What is asked.
    #[must_use]
    pub fn asked(&self) -> Question {
        Question::ALL[usize::from(self.get(Attribute::Question))]
    }

    /// What the owner said when asked.
    pub(crate) fn consented(&self) -> Consent {
        Consent::ALL[usize::from(self.get(Attribute::Consent))]
    }

    /// The same with the markings. Exclusions are not among them: whether one hits is a fact about
    /// whoever receives.
    #[must_use]
    pub fn marked(self, markings: &Markings) -> Self {
        let has = |code| markings.handling.contains(&code);
        self.confidentiality(markings.confidentiality)
            .handling_h0(has(Handling::H0))
            .handling_h1(has(Handling::H1))
            .handling_h2(has(Handling::H2))
            .handling_h3(has(Handling::H3))
            .tlp(markings.tlp)
            .pap(markings.pap)
    }

    /// The same with a value by its public name.
    ///
    /// # Errors
    /// Where the vocabulary has no such attribute or the attribute no such value.
    pub fn named(self, attribute: &str, value: &str) -> Result<Self, UnknownFact> {
        let Ok(attribute) = attribute.parse::<Attribute>() else {
            return Err(UnknownFact::Attribute(attribute.to_owned()));
        };
        let Some(place) = attribute.value(value) else {
            let value = value.to_owned();
            return Err(UnknownFact::Value { attribute, value });
        };
        Ok(self.set(attribute, place))
    }

    /// Every attribute and its value by their public names, for people.
    pub fn pairs(&self) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        Attribute::ALL.iter().map(|attribute| {
            let value = attribute.values()[usize::from(self.get(*attribute))];
            (attribute.as_str(), value)
        })
    }

    /// Bytes to keep: the version of the vocabulary, then one byte for each attribute.
    #[must_use]
    pub fn encode(&self) -> [u8; 1 + COUNT] {
        let mut bytes = [VERSION; 1 + COUNT];
        bytes[1..].copy_from_slice(&self.values);
        bytes
    }

    /// Facts that were kept, by this version of the vocabulary or an earlier one. What an earlier one
    /// did not have counts as not stated.
    ///
    /// # Errors
    /// See [`DecodeFactsError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeFactsError> {
        Self::decode_of(bytes, &LENGTHS)
    }

    /// `lengths` are the numbers of attributes of the versions known.
    fn decode_of(bytes: &[u8], lengths: &[usize]) -> Result<Self, DecodeFactsError> {
        let (&version, values) = bytes.split_first().ok_or(DecodeFactsError::Empty)?;
        let expected = usize::from(version)
            .checked_sub(1)
            .and_then(|index| lengths.get(index))
            .copied()
            .ok_or(DecodeFactsError::Version(version))?;
        if values.len() != expected {
            let found = values.len();
            return Err(DecodeFactsError::Length { found, expected });
        }
        let mut facts = Self { values: [0; COUNT] };
        for (&attribute, &value) in Attribute::ALL.iter().zip(values) {
            if usize::from(value) >= attribute.values().len() {
                return Err(DecodeFactsError::Value { attribute, value });
            }
            facts = facts.set(attribute, value);
        }
        Ok(facts)
    }
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.pairs()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::PartyClass;
    use liaison_types::Tlp;

    #[test]
    fn an_older_vocabulary_fills_what_it_did_not_have() {
        let lengths = [2, COUNT];
        let kept = [1, Question::Share as u8, PartyClass::Unit as u8];
        let facts = Facts::decode_of(&kept, &lengths);
        assert_eq!(
            facts,
            Ok(Facts::new(Question::Share).actor(PartyClass::Unit))
        );
    }

    #[test]
    fn bytes_that_are_no_facts_are_refused() {
        let bytes = Facts::new(Question::Route).tlp(Tlp::Red).encode();
        assert_eq!(Facts::decode(&[]), Err(DecodeFactsError::Empty));
        for version in [0, VERSION + 1, 255] {
            let mut wrong = bytes;
            wrong[0] = version;
            assert_eq!(
                Facts::decode(&wrong),
                Err(DecodeFactsError::Version(version))
            );
        }
        let (found, expected) = (COUNT - 1, COUNT);
        assert_eq!(
            Facts::decode(&bytes[..COUNT]),
            Err(DecodeFactsError::Length { found, expected })
        );
        let mut wrong = bytes;
        wrong[1 + Attribute::Tlp as usize] = 5;
        let error = Facts::decode(&wrong).unwrap_err();
        assert_eq!(error.to_string(), "tlp has no value number 5");
    }

    #[test]
    fn people_read_and_write_them_by_name() {
        let facts = Facts::new(Question::Share).tlp(Tlp::AmberStrict);
        assert!(facts.pairs().any(|pair| pair == ("tlp", "AMBER+STRICT")));
        assert_eq!(facts.pairs().count(), COUNT);
        assert_eq!(
            Facts::new(Question::Share).named("tlp", "AMBER+STRICT"),
            Ok(facts)
        );
        let error = facts.named("tlp", "WHITE").unwrap_err().to_string();
        assert_eq!(
            error,
            "tlp has no value \"WHITE\"; it has CLEAR, GREEN, AMBER, AMBER+STRICT, RED"
        );
        assert!(facts.named("colour", "RED").is_err());
    }
}
