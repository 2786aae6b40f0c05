//! A text as words: folded, in the forms the lexicon knows, each with its place in the original.
//!
//! Folding: compatibility decomposition, no accents, no Arabic diacritics, hamza or tatweel, lower case.
//! Characters that only steer the display (zero width, bidirectional controls, soft hyphen) vanish, so
//! they cannot split a word that a reader sees whole. Any input is text: nothing here can fail.

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

use super::decision::{Field, Span};
use super::positions::Positions;
use super::word_form::{self, Form};
use super::word_hash::{Fnv, word_hash};

/// Words beyond this many are not read: more than a megabyte of text, far beyond any report.
const MAX_WORDS: usize = 200_000;

/// Bytes of a folded word that are kept. Longer "words" are encodings or noise.
const MAX_FORM: usize = 48;

/// Stands for a number from 1 to 17 written in digits: `<child-age>` in the lexicon.
pub(super) const CHILD_AGE: &str = "\u{1}";

/// One word and its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    start: u32,
    end: u32,
    /// Counts up at the end of each sentence; phrases do not cross it.
    pub(super) sentence: u32,
    /// Which of the different words of the text it is.
    pub(super) distinct: u32,
}

/// A text ready to be searched.
///
/// Half of the words of a report stand in it before: forms are made, and looked up, once for each distinct word.
#[derive(Debug, Default)]
pub(super) struct Text {
    words: Vec<Word>,
    /// All forms of all distinct words.
    forms: String,
    /// Where each form ends in `forms`, and what it is. A word's own form is its first.
    entries: Vec<(u32, Form)>,
    /// For each distinct word where its entries begin; those of the next one follow.
    distinct: Vec<u32>,
    /// For each distinct word its hash.
    hashes: Vec<u64>,
    /// Words of the title; the narrative's follow.
    title_words: usize,
    cut: bool,
}

impl Text {
    /// Reads title and narrative.
    pub(super) fn read(title: Option<&str>, narrative: &str) -> Self {
        let expected = narrative.len().min(1 << 20);
        let mut text = Self {
            words: Vec::with_capacity(expected / 5),
            forms: String::with_capacity(expected),
            entries: Vec::with_capacity(expected / 5),
            distinct: Vec::with_capacity(expected / 10),
            hashes: Vec::with_capacity(expected / 10),
            ..Self::default()
        };
        // Between two words there is something.
        let most = title.map_or(0, |title| title.len() / 2 + 1) + narrative.len() / 2 + 1;
        let mut numbers = Positions::with_room(most.min(MAX_WORDS));
        if let Some(title) = title {
            text.read_field(title, &mut numbers);
        }
        text.title_words = text.words.len();
        if !text.cut {
            text.read_field(narrative, &mut numbers);
        }
        text
    }

    /// The words, title first.
    pub(super) fn words(&self) -> &[Word] {
        &self.words
    }

    /// Whether the text was too long to be read whole.
    pub(super) const fn is_cut(&self) -> bool {
        self.cut
    }

    /// How many different words there are.
    pub(super) const fn distinct(&self) -> usize {
        self.distinct.len()
    }

    /// The forms of a distinct word, the word itself first.
    pub(super) fn forms(&self, distinct: usize) -> impl Iterator<Item = (&str, Form)> {
        let first = self.distinct[distinct] as usize;
        let next = self.distinct.get(distinct + 1);
        let last = next.map_or(self.entries.len(), |next| *next as usize);
        let mut begin = self.begin(first);
        self.entries[first..last].iter().map(move |&(end, kind)| {
            let form = &self.forms[begin..end as usize];
            begin = end as usize;
            (form, kind)
        })
    }

    /// A distinct word, folded.
    pub(super) fn folded(&self, distinct: usize) -> &str {
        let first = self.distinct[distinct] as usize;
        &self.forms[self.begin(first)..self.entries[first].0 as usize]
    }

    /// The hash of a distinct word.
    pub(super) fn hash(&self, distinct: usize) -> u64 {
        self.hashes[distinct]
    }

    fn begin(&self, entry: usize) -> usize {
        entry
            .checked_sub(1)
            .map_or(0, |before| self.entries[before].0 as usize)
    }

    /// The place of a run of words in the original. A run that begins in the title ends there.
    pub(super) fn span(&self, first: u32, last: u32) -> Span {
        let (first, last) = (first as usize, last as usize);
        let (field, last) = if first < self.title_words {
            (Field::Title, last.min(self.title_words - 1))
        } else {
            (Field::Narrative, last)
        };
        Span {
            field,
            start: self.words[first].start,
            end: self.words[last].end,
        }
    }

    fn read_field(&mut self, original: &str, numbers: &mut Positions) {
        let base = self.words.last().map_or(0, |word| word.sentence + 1);
        self.cut = !each_word(original, |folded, hash, start, end, sentence| {
            if self.words.len() >= MAX_WORDS {
                return false;
            }
            let is = |distinct| self.hashes[distinct] == hash;
            let distinct = match numbers.find_or_keep(hash, self.distinct.len(), is) {
                Some(known) if self.folded(known) == folded => offset(known),
                // Of several words of one hash only the first is found again, and the others are looked up each time:
                // whoever makes up thousands of them cannot have each sought among all.
                _ => self.add(folded, hash),
            };
            self.words.push(Word {
                start: offset(start),
                end: offset(end),
                sentence: base + sentence,
                distinct,
            });
            true
        });
    }

    /// Adds a distinct word.
    fn add(&mut self, folded: &str, hash: u64) -> u32 {
        let number = offset(self.distinct.len());
        self.hashes.push(hash);
        self.distinct.push(offset(self.entries.len()));
        let (entries, forms) = (&mut self.entries, &mut self.forms);
        let mut add = |form: &str, kind: Form| {
            forms.push_str(form);
            entries.push((offset(forms.len()), kind));
        };
        word_form::each_form(folded, &mut add);
        if matches!(folded.parse::<u8>(), Ok(1..=17)) {
            add(CHILD_AGE, Form::Stem);
        }
        number
    }
}

/// Calls `out` with each word, folded, its hash, where it begins and ends, and how many sentences ended before it, until
/// `out` says that it is enough. Whether that never was.
fn each_word(original: &str, mut out: impl FnMut(&str, u64, usize, usize, u32) -> bool) -> bool {
    let bytes = original.as_bytes();
    let mut sentence = 0;
    let mut word = String::with_capacity(MAX_FORM + 8);
    let mut start = None;
    let mut end = 0;
    let mut pending_stop = false;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let first = at;
        let class = if byte.is_ascii() {
            at += 1;
            ASCII[usize::from(*byte)]
        } else {
            let Some(c) = original.get(at..).and_then(|rest| rest.chars().next()) else {
                break;
            };
            at += c.len_utf8();
            let class = Class::of(c);
            if class == Class::Letter {
                fold_into(c, &mut word);
            }
            class
        };
        // A full stop ends a sentence only before a space: not in "3.5" or "example.org".
        if pending_stop && class == Class::Space {
            sentence += 1;
        }
        if class != Class::Invisible {
            pending_stop = class == Class::Stop;
        }
        match class {
            Class::Letter => {
                start.get_or_insert(first);
                end = at;
            }
            Class::LetterOfAscii => {
                // Most words stand there as they fold, and need no copy.
                if start.is_none()
                    && let Some((hash, after)) = folded_already(bytes, first)
                {
                    if !out(&original[first..after], hash, first, after, sentence) {
                        return false;
                    }
                    at = after;
                    continue;
                }
                start.get_or_insert(first);
                end = first;
                for byte in &bytes[first..] {
                    if !byte.is_ascii() || ASCII[usize::from(*byte)] != Class::LetterOfAscii {
                        break;
                    }
                    if word.len() < MAX_FORM {
                        word.push(char::from(byte.to_ascii_lowercase()));
                    }
                    end += 1;
                }
                at = end;
            }
            Class::Invisible => {}
            Class::Space | Class::Stop | Class::End | Class::Other => {
                // Marks alone fold to nothing.
                if let Some(start) = start.take()
                    && !word.is_empty()
                {
                    if !out(&word, word_hash(&word), start, end, sentence) {
                        return false;
                    }
                    word.clear();
                }
                if class == Class::End {
                    sentence += 1;
                }
            }
        }
    }
    match start {
        Some(start) if !word.is_empty() => out(&word, word_hash(&word), start, end, sentence),
        _ => true,
    }
}

/// The hash of the word that begins here, and where it ends, if it stands there as it folds.
fn folded_already(bytes: &[u8], first: usize) -> Option<(u64, usize)> {
    let mut hash = Fnv::NEW;
    let mut end = first;
    let next = loop {
        match bytes.get(end) {
            Some(byte) if IS_FOLDED[usize::from(*byte)] => hash = hash.and(*byte),
            next => break next,
        }
        end += 1;
    };
    let is_whole = next
        .is_none_or(|next| next.is_ascii() && ASCII[usize::from(*next)] != Class::LetterOfAscii);
    (is_whole && end - first <= MAX_FORM).then(|| (hash.number(), end))
}

/// Folds the words of a phrase of the lexicon, in order.
pub(super) fn fold_words(phrase: &str) -> Vec<String> {
    // Most words of the lexicon are written as they fold, and there are hundreds of thousands of them.
    let is_folded = |byte: u8| IS_FOLDED[usize::from(byte)];
    if phrase.len() <= MAX_FORM && !phrase.is_empty() && phrase.bytes().all(is_folded) {
        return vec![phrase.to_owned()];
    }
    let mut words = Vec::new();
    each_word(phrase, |folded, _, _, _, _| {
        words.push(folded.to_owned());
        true
    });
    words
}

/// Texts are below 4 GiB: the transport's limit is 4 MiB, and positions saturate beyond.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Also a digit.
    LetterOfAscii,
    Letter,
    Invisible,
    Space,
    Stop,
    End,
    Other,
}

/// The classes of the characters of ASCII, most of most texts.
const ASCII: [Class; 128] = {
    let mut classes = [Class::Other; 128];
    let mut byte = 0;
    while byte < 128 {
        classes[byte as usize] = match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => Class::LetterOfAscii,
            b' ' | b'\t' => Class::Space,
            b'\n' | b'\r' | b'!' | b'?' | b';' => Class::End,
            b'.' => Class::Stop,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
};

/// For each byte whether it is a character that folds to itself: a small letter or a digit of ASCII.
const IS_FOLDED: [bool; 256] = {
    let mut folded = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        folded[byte as usize] = byte.is_ascii_lowercase() || byte.is_ascii_digit();
        byte += 1;
    }
    folded
};

impl Class {
    /// Of a character that is not of ASCII.
    fn of(c: char) -> Self {
        match c {
            '\u{061F}' | '\u{061B}' | '\u{06D4}' => Self::End,
            // The usual letters, without asking the tables of Unicode.
            'À'..='Ö'
            | 'Ø'..='ö'
            | 'ø'..='ÿ'
            | '\u{0621}'..='\u{063A}'
            | '\u{0641}'..='\u{0652}' => Self::Letter,
            '\u{00AD}'
            | '\u{061C}'
            | '\u{0640}'
            | '\u{180E}'
            | '\u{FEFF}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{E0000}'..='\u{E007F}' => Self::Invisible,
            _ if c.is_alphanumeric() || is_combining_mark(c) => Self::Letter,
            _ if c.is_whitespace() => Self::Space,
            _ => Self::Other,
        }
    }
}

/// Appends the folded form of one character that is not ASCII.
fn fold_into(c: char, word: &mut String) {
    // The plain Arabic letters and marks, which have nothing to decompose.
    if ('\u{0627}'..='\u{0652}').contains(&c) {
        if word.len() < MAX_FORM && c <= '\u{064A}' {
            word.push(match c {
                'ى' => 'ي',
                'ة' => 'ه',
                other => other,
            });
        }
        return;
    }
    decompose_compatible(c, |part| {
        if word.len() >= MAX_FORM || is_combining_mark(part) {
            return;
        }
        match part {
            'ß' | 'ẞ' => word.push_str("ss"),
            'œ' | 'Œ' => word.push_str("oe"),
            'æ' | 'Æ' => word.push_str("ae"),
            'ø' | 'Ø' => word.push('o'),
            'ł' | 'Ł' => word.push('l'),
            'ı' => word.push('i'),
            'ٱ' => word.push('ا'),
            'ى' | 'ی' => word.push('ي'),
            'ة' => word.push('ه'),
            '\u{0640}' => {}
            'ک' => word.push('ك'),
            '\u{0660}'..='\u{0669}' => push_digit(u32::from(part) - 0x0660, word),
            '\u{06F0}'..='\u{06F9}' => push_digit(u32::from(part) - 0x06F0, word),
            _ => word.extend(part.to_lowercase().filter(|c| c.is_alphanumeric())),
        }
    });
}

fn push_digit(value: u32, word: &mut String) {
    word.extend(char::from_digit(value, 10));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> Vec<String> {
        fold_words(text)
    }

    #[test]
    fn case_accents_and_arabic_spelling_fold() {
        assert_eq!(folded("L’Héroïne ŒUVRE"), ["l", "heroine", "oeuvre"]);
        assert_eq!(folded("أَسْلِحَة إرهـــابيّ آلى"), ["اسلحه", "ارهابي", "الي"]);
        assert_eq!(folded("١٣ عامًا ۱۴"), ["13", "عاما", "14"]);
        assert_eq!(folded("ﬁre ＨＥＲＯＩＮ"), ["fire", "heroin"]);
        // As letters are shaped when text is copied from a page.
        assert_eq!(folded("ﻃﻔﻠﺔ ﻋﻠﻰ \u{FE77}"), ["طفله", "علي"]);
    }

    #[test]
    fn invisible_characters_do_not_split_words() {
        assert_eq!(
            folded("he\u{200B}ro\u{00AD}in \u{202E}gang\u{202C}"),
            ["heroin", "gang"]
        );
    }

    #[test]
    fn spans_point_into_the_original() {
        let original = "Élève. «Coca\u{200B}ïne»";
        let text = Text::read(Some("Ti"), original);
        let span = text.span(2, 2);
        assert_eq!(
            &original[span.start as usize..span.end as usize],
            "Coca\u{200B}ïne"
        );
        assert_eq!(span.field, Field::Narrative);
        assert_eq!(text.span(0, 0).field, Field::Title);
        assert_ne!(text.words()[1].sentence, text.words()[2].sentence);
    }

    #[test]
    fn a_number_below_eighteen_has_a_form_of_its_own() {
        let has = |text| {
            let text = Text::read(None, text);
            (0..text.distinct()).any(|word| text.forms(word).any(|(form, _)| form == CHILD_AGE))
        };
        assert!(has("13-year-old"));
        assert!(!has("18 year old"));
    }

    #[test]
    fn only_so_many_words_are_read() {
        let text = Text::read(None, &"a ".repeat(MAX_WORDS + 5));
        assert!(text.is_cut());
        assert_eq!(text.words().len(), MAX_WORDS);
    }
}
