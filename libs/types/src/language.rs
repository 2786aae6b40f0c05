//! The four languages of content and of texts shown to people.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A language, by its BCP 47 primary subtag.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Arabic.
    Ar,
    /// English, also the language of every message that is not localized.
    #[default]
    En,
    /// Spanish.
    Es,
    /// French.
    Fr,
}

impl Language {
    /// All of them, in the order of their tags.
    pub const ALL: [Self; 4] = [Self::Ar, Self::En, Self::Es, Self::Fr];

    /// `ar`, `en`, `es` or `fr`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Ar => "ar",
            Self::En => "en",
            Self::Es => "es",
            Self::Fr => "fr",
        }
    }

    /// The best of an `accept-language` value (RFC 9110 §12.5.4): the known language with the
    /// highest weight, the first of equals; English where none is known.
    #[must_use]
    pub fn negotiate(accept_language: &str) -> Self {
        let mut best = (0.0_f32, Self::En);
        for part in accept_language.split(',').take(16) {
            let mut fields = part.split(';');
            let tag = fields.next().unwrap_or_default().trim();
            let weight = fields
                .find_map(|field| field.trim().strip_prefix("q="))
                .map_or(1.0, |q| q.parse().unwrap_or(0.0));
            let primary = tag.split('-').next().unwrap_or_default();
            if let Ok(language) = primary.to_ascii_lowercase().parse()
                && weight > best.0
            {
                best = (weight, language);
            }
        }
        best.1
    }
}

/// The tag names none of the four languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of ar, en, es, fr")]
pub struct UnknownLanguage;

impl FromStr for Language {
    type Err = UnknownLanguage;
    fn from_str(tag: &str) -> Result<Self, UnknownLanguage> {
        Self::ALL
            .into_iter()
            .find(|language| language.tag() == tag)
            .ok_or(UnknownLanguage)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negotiation_takes_the_heaviest_known_language() {
        assert_eq!(Language::negotiate("fr"), Language::Fr);
        assert_eq!(
            Language::negotiate("de, es-MX;q=0.8, fr;q=0.9"),
            Language::Fr
        );
        assert_eq!(Language::negotiate("ar-MA,en;q=0.5"), Language::Ar);
        assert_eq!(Language::negotiate("de"), Language::En);
        assert_eq!(Language::negotiate(";;q=,,q=x"), Language::En);
    }
}
