//! Which of the four languages a text is in.
//!
//! Arabic by its script, the others by frequent little words. That is enough here: the answer selects
//! which phrases may match, and where it is unclear all of them may. What language a text is said to be in
//! a library adds where these words are missing.

use liaison_types::Language;
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization as _;
use whatlang::{Detector, Lang};

use super::text::Text;
use super::word_hash::{ByHash, word_hash};

/// Words looked at.
const SAMPLE: usize = 400;

/// Characters looked at for letters that only one of the languages uses.
const LETTER_SAMPLE: usize = 2_500;

/// What a little word or letter of one language alone counts; one that it shares counts 1.
const OWN: usize = 2;

/// Points needed before a language is believed against the declared one.
const BELIEVED: usize = 3;

/// A set of the four languages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LanguageSet(u8);

impl LanguageSet {
    pub(super) const ALL: Self = Self(0b1111);

    pub(super) fn of(language: Language) -> Self {
        Self(match language {
            Language::Ar => 1,
            Language::En => 2,
            Language::Es => 4,
            Language::Fr => 8,
        })
    }

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// One language's section of the languages file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LanguageData {
    pub(super) frequent: Vec<String>,
    /// Letters that the others do not use.
    #[serde(default)]
    pub(super) letters: String,
    pub(super) negates_next: Vec<String>,
    pub(super) negates_previous: Vec<String>,
}

/// What was found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Detected {
    /// The main language, where there is one.
    pub(super) language: Option<Language>,
    /// The languages whose phrases may match.
    pub(super) readable: LanguageSet,
}

/// Tells languages apart.
#[derive(Debug)]
pub(super) struct LanguageDetector {
    frequent: ByHash<LanguageSet>,
    letters: Vec<(char, Language)>,
}

impl LanguageDetector {
    pub(super) fn new<'a>(data: impl Iterator<Item = (Language, &'a LanguageData)>) -> Self {
        let mut frequent: ByHash<LanguageSet> = ByHash::default();
        let mut letters = Vec::new();
        for (language, data) in data {
            letters.extend(data.letters.chars().map(|letter| (letter, language)));
            for phrase in &data.frequent {
                for word in super::text::fold_words(phrase) {
                    let known = frequent.entry(word_hash(&word)).or_default();
                    *known = known.with(LanguageSet::of(language));
                }
            }
        }
        Self { frequent, letters }
    }

    /// Looks at the text; the declared language decides only where the text does not.
    pub(super) fn detect(
        &self,
        text: &Text,
        original: &str,
        declared: Option<Language>,
    ) -> Detected {
        let mut points = [0_usize; Language::ALL.len()];
        let mut arabic = 0;
        let mut latin = 0;
        for word in text.words().iter().take(SAMPLE) {
            let distinct = word.distinct as usize;
            match text.folded(distinct).chars().next() {
                Some('\u{0620}'..='\u{06FF}') => arabic += 1,
                Some('a'..='z') => latin += 1,
                _ => {}
            }
            let Some(known) = self.frequent.get(&text.hash(distinct)) else {
                continue;
            };
            for (points, language) in points.iter_mut().zip(Language::ALL) {
                if *known == LanguageSet::of(language) {
                    *points += OWN;
                } else if known.intersects(LanguageSet::of(language)) {
                    *points += 1;
                }
            }
        }
        if arabic > latin {
            return Detected {
                language: Some(Language::Ar),
                readable: LanguageSet::ALL,
            };
        }
        for letter in composed(original) {
            if let Some((_, own)) = self.letters.iter().find(|(known, _)| *known == letter) {
                for (points, language) in points.iter_mut().zip(Language::ALL) {
                    *points += if language == *own { OWN } else { 0 };
                }
            }
        }
        let best_latin = Language::ALL
            .into_iter()
            .zip(points)
            .filter(|(language, _)| *language != Language::Ar)
            .max_by_key(|(language, points)| (*points, Some(*language) == declared));
        let (language, best) = match best_latin {
            Some((language, points)) if points >= BELIEVED => (Some(language), points),
            _ => (declared.or_else(|| by_trigrams(original)), 0),
        };
        // Arabic phrases can only match Arabic words, so they are always readable. Among the others
        // the main language and those that are clearly present too; all of them where none is clear.
        let mut readable = LanguageSet::of(Language::Ar);
        for (other, points) in Language::ALL.into_iter().zip(points) {
            if best == 0 || points * 2 >= best {
                readable = readable.with(LanguageSet::of(other));
            }
        }
        Detected { language, readable }
    }
}

/// What a library makes of the beginning, where it is sure: of 60 characters, which often hold no little word, it names
/// more. It names one language only, and none of those that stand beside it, so it cannot choose phrases.
fn by_trigrams(original: &str) -> Option<Language> {
    let known = [
        (Lang::Ara, Language::Ar),
        (Lang::Eng, Language::En),
        (Lang::Spa, Language::Es),
        (Lang::Fra, Language::Fr),
    ];
    let detector = Detector::with_allowlist(known.map(|(lang, _)| lang).to_vec());
    let beginning: String = original.chars().take(LETTER_SAMPLE).collect();
    let found = detector.detect(&beginning)?;
    let (_, language) = known.into_iter().find(|(lang, _)| *lang == found.lang())?;
    found.is_reliable().then_some(language)
}

/// The letters at the beginning that are not ASCII, composed whichever way they came.
fn composed(original: &str) -> Vec<char> {
    let bytes = original.as_bytes();
    if bytes[..bytes.len().min(LETTER_SAMPLE)].is_ascii() {
        return Vec::new();
    }
    let sample = || original.chars().take(LETTER_SAMPLE);
    let mut letters: Vec<char> = sample().filter(|c| !c.is_ascii()).collect();
    if letters.iter().any(|c| ('\u{300}'..='\u{36F}').contains(c)) {
        letters = sample().nfc().filter(|c| !c.is_ascii()).collect();
    }
    letters
}
