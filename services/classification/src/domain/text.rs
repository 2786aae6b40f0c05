//! A text as words: folded, in the forms the lexicon knows, each with its place in the original.
//!
//! Folding: compatibility decomposition, no accents, no Arabic diacritics, hamza or tatweel, lower case.
//! Characters that only steer the display (zero width, bidirectional controls, soft hyphen) vanish, so
//! they cannot split a word that a reader sees whole. Any input is text: nothing here can fail.

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

use super::decision::{Field, Span};
use super::word_form::{self, Form};

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
}

/// A text ready to be searched.
#[derive(Debug, Default)]
pub(super) struct Text {
    words: Vec<Word>,
    /// All forms of all words, a space before each.
    forms: String,
    /// Where each form begins in `forms` (at its space), which word it belongs to and what it is.
    entries: Vec<(u32, u32, Form)>,
    /// Words of the title; the narrative's follow.
    title_words: usize,
    cut: bool,
}

impl Text {
    /// Reads title and narrative.
    pub(super) fn read(title: Option<&str>, narrative: &str) -> Self {
        let mut text = Self {
            forms: String::with_capacity(narrative.len().min(1 << 20) * 3 / 2),
            ..Self::default()
        };
        if let Some(title) = title {
            text.read_field(title);
        }
        text.title_words = text.words.len();
        text.read_field(narrative);
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

    /// Every form of every word: the word's number, the form and what it is.
    pub(super) fn each_form(&self) -> impl Iterator<Item = (u32, &str, Form)> {
        let ends = self
            .entries
            .iter()
            .skip(1)
            .map(|(start, ..)| *start as usize);
        let ends = ends.chain([self.forms.len()]);
        self.entries
            .iter()
            .zip(ends)
            .map(|(&(start, word, kind), end)| (word, &self.forms[start as usize + 1..end], kind))
    }

    /// The folded words with their numbers, without their other forms.
    pub(super) fn folded(&self) -> impl Iterator<Item = &str> {
        let mut last = u32::MAX;
        self.entries.iter().filter_map(move |&(start, word, _)| {
            let first = word != last;
            last = word;
            first.then(|| {
                let rest = &self.forms[start as usize + 1..];
                rest.split(' ').next().unwrap_or_default()
            })
        })
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

    fn read_field(&mut self, original: &str) {
        let mut sentence = self.words.last().map_or(0, |word| word.sentence + 1);
        let mut word = String::with_capacity(MAX_FORM + 8);
        let mut start = None;
        let mut end = 0;
        let mut pending_stop = false;
        for (at, c) in original.char_indices() {
            let class = Class::of(c);
            // A full stop ends a sentence only before a space: not in "3.5" or "example.org".
            if pending_stop && class == Class::Space {
                sentence += 1;
            }
            if class != Class::Invisible {
                pending_stop = class == Class::Stop;
            }
            match class {
                Class::Letter => {
                    if start.is_none() {
                        start = Some(at);
                    }
                    end = at + c.len_utf8();
                    fold_into(c, &mut word);
                }
                Class::Invisible => {}
                Class::Space | Class::Stop | Class::End | Class::Other => {
                    if let Some(start) = start.take() {
                        self.push(&mut word, start, end, sentence);
                        if self.words.len() >= MAX_WORDS {
                            self.cut = true;
                            return;
                        }
                    }
                    if class == Class::End {
                        sentence += 1;
                    }
                }
            }
        }
        if let Some(start) = start {
            self.push(&mut word, start, end, sentence);
        }
    }

    fn push(&mut self, folded: &mut String, start: usize, end: usize, sentence: u32) {
        let word = offset(self.words.len());
        // Marks alone fold to nothing.
        if !folded.is_empty() {
            self.words.push(Word {
                start: offset(start),
                end: offset(end),
                sentence,
            });
            let (entries, forms) = (&mut self.entries, &mut self.forms);
            let mut add = |form: &str, kind: Form| {
                entries.push((offset(forms.len()), word, kind));
                forms.push(' ');
                forms.push_str(form);
            };
            word_form::each_form(folded, &mut add);
            if matches!(folded.parse::<u8>(), Ok(1..=17)) {
                add(CHILD_AGE, Form::Stem);
            }
        }
        folded.clear();
    }
}

/// Folds the words of a phrase of the lexicon, in order.
pub(super) fn fold_words(phrase: &str) -> Vec<String> {
    let text = Text::read(None, phrase);
    text.folded().map(str::to_owned).collect()
}

/// Texts are below 4 GiB: the transport's limit is 4 MiB, and positions saturate beyond.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Invisible,
    Space,
    Stop,
    End,
    Other,
}

impl Class {
    fn of(c: char) -> Self {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' => Self::Letter,
            ' ' | '\t' => Self::Space,
            '\n' | '\r' | '!' | '?' | ';' | '\u{061F}' | '\u{061B}' | '\u{06D4}' => Self::End,
            '.' => Self::Stop,
            _ if c.is_ascii() => Self::Other,
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

/// Appends the folded form of one character.
fn fold_into(c: char, word: &mut String) {
    if c.is_ascii() {
        if word.len() < MAX_FORM {
            word.push(c.to_ascii_lowercase());
        }
        return;
    }
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
            'ی' => word.push('ي'),
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
            text.each_form().any(|(_, form, _)| form == CHILD_AGE)
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
