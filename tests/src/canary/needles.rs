//! Finding planted words.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// How much is shown around what is found.
const AROUND: usize = 120;
/// A form with fewer bytes would be found where nobody planted it.
const SHORTEST: usize = 8;

/// Words in every form in which they could lie somewhere: as UTF-8 and UTF-16 of both byte orders, in
/// hexadecimal, in base64 wherever in its groups the word begins, and escaped as JSON, Rust and URLs
/// escape. Letters count as the same in upper and lower case.
#[derive(Debug)]
pub struct Needles {
    search: AhoCorasick,
    forms: Vec<(String, &'static str)>,
}

impl Needles {
    /// The search for `words`.
    ///
    /// # Panics
    /// Where a word is too short to be told from chance.
    pub fn of(words: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut seen = BTreeSet::new();
        let (mut needles, mut forms) = (Vec::new(), Vec::new());
        for word in words {
            let word = word.as_ref();
            // ASCII letters are folded by the search.
            for spelt in [word.to_lowercase(), word.to_uppercase()] {
                for (bytes, form) in encodings(&spelt) {
                    assert!(bytes.len() >= SHORTEST, "{word} is too short");
                    if seen.insert(bytes.to_ascii_lowercase()) {
                        needles.push(bytes);
                        forms.push((word.to_owned(), form));
                    }
                }
            }
        }
        let search = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .build(&needles)
            .expect("few and short words");
        Self { search, forms }
    }

    /// Where in `bytes` the first of them stands, for people; nothing where none does.
    #[must_use]
    pub fn find(&self, bytes: &[u8]) -> Option<String> {
        let found = self.search.find(bytes)?;
        let (word, form) = &self.forms[found.pattern().as_usize()];
        let from = found.start().saturating_sub(AROUND);
        let to = bytes.len().min(found.end() + AROUND);
        let around = String::from_utf8_lossy(&bytes[from..to]);
        Some(format!("{word} as {form} in … {around:?} …"))
    }
}

fn encodings(word: &str) -> Vec<(Vec<u8>, &'static str)> {
    let utf8 = word.as_bytes();
    let utf16 = |bytes: fn(u16) -> [u8; 2]| word.encode_utf16().flat_map(bytes).collect();
    let mut all = vec![
        (utf8.to_vec(), "UTF-8"),
        (utf16(u16::to_le_bytes), "UTF-16LE"),
        (utf16(u16::to_be_bytes), "UTF-16BE"),
        (hex::encode(utf8).into_bytes(), "hexadecimal"),
    ];
    for shift in 0..3 {
        let mut shifted = vec![0; shift];
        shifted.extend(utf8);
        // What depends on the bytes before and after the word is left out.
        let (from, to) = ((shift * 8).div_ceil(6), shifted.len() * 8 / 6);
        for text in [
            STANDARD_NO_PAD.encode(&shifted),
            URL_SAFE_NO_PAD.encode(&shifted),
        ] {
            all.push((text.as_bytes()[from..to].to_vec(), "base64"));
        }
    }
    if !word.is_ascii() {
        let escaped = |escape: fn(char) -> String| {
            let each = word.chars().map(|c| match c.is_ascii() {
                true => c.to_string(),
                false => escape(c),
            });
            each.collect::<String>().into_bytes()
        };
        let json = |c: char| {
            let mut units = [0; 2];
            let units = c.encode_utf16(&mut units).iter();
            units.fold(String::new(), |mut text, unit| {
                let _ = write!(text, "\\u{unit:04x}");
                text
            })
        };
        let url = |c: char| {
            let mut bytes = [0; 4];
            let bytes = c.encode_utf8(&mut bytes).bytes();
            bytes.fold(String::new(), |mut text, byte| {
                let _ = write!(text, "%{byte:02x}");
                text
            })
        };
        all.push((escaped(json), "JSON escapes"));
        all.push((escaped(|c| c.escape_unicode().to_string()), "Rust escapes"));
        all.push((escaped(url), "URL escapes"));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_every_form() {
        for word in ["zaunkoenig", "roitelètbleu", "صعوقنبرباز"] {
            let needles = Needles::of([word]);
            let sentence = format!("Gestern war {word}7 hier.");
            let utf16: Vec<u8> = sentence.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let mut forms = vec![
                sentence.clone().into_bytes(),
                sentence.to_uppercase().into_bytes(),
                utf16,
                sentence.encode_utf16().flat_map(u16::to_be_bytes).collect(),
                hex::encode(&sentence).into_bytes(),
                hex::encode_upper(&sentence).into_bytes(),
            ];
            for shift in 0..3 {
                let text = format!("{}{sentence}", " ".repeat(shift));
                forms.push(STANDARD_NO_PAD.encode(&text).into_bytes());
                forms.push(URL_SAFE_NO_PAD.encode(&text).into_bytes());
            }
            for form in forms {
                let shown = String::from_utf8_lossy(&form).into_owned();
                assert!(needles.find(&form).is_some(), "{word} in {shown}");
            }
            let escaped: String = word
                .chars()
                .map(|c| match c.is_ascii() {
                    true => c.to_string(),
                    false => format!("\\u{:04X}", u32::from(c)),
                })
                .collect();
            assert!(needles.find(escaped.as_bytes()).is_some(), "{escaped}");
            let others = "Gestern war niemand hier, am 7. auch nicht.".repeat(99);
            assert_eq!(needles.find(others.as_bytes()), None);
        }
    }
}
