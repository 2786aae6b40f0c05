//! A text as n-grams: runs of words, and runs of characters within a word, each as a number.
//!
//! The words are the folded ones of [`Text`]. An n-gram's number is the 64-bit FNV-1a hash of its UTF-8
//! after one byte that tells the two kinds apart. Words of a run are joined by a space. Characters are
//! taken from the word with a space before and after; a word shorter than the run counts once, whole.
//! `training/learn.py` makes the same of the same words with scikit-learn's `word` and `char_wb` analyzers,
//! and a test holds both to it.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use super::filter::Filter;
use super::text::Text;

/// Before the words of a run.
const WORDS: u8 = 1;
/// Before the characters of a run.
const CHARACTERS: u8 = 2;

/// Which lengths of runs are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lengths {
    /// Words, from one to this many.
    pub(super) words: usize,
    /// Characters, from this many …
    pub(super) shortest: usize,
    /// … to this many.
    pub(super) longest: usize,
}

/// FNV-1a, 64 bits: <http://www.isthe.com/chongo/tech/comp/fnv/>.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fnv(u64);

impl Fnv {
    /// Of nothing yet.
    pub(super) const NEW: Self = Self(0xcbf2_9ce4_8422_2325);

    const fn of(kind: u8) -> Self {
        Self::NEW.and(kind)
    }

    /// The hash.
    pub(super) const fn number(self) -> u64 {
        self.0
    }

    pub(super) const fn and(self, byte: u8) -> Self {
        Self((self.0 ^ byte as u64).wrapping_mul(0x0000_0100_0000_01b3))
    }

    pub(super) fn and_all(self, bytes: &[u8]) -> Self {
        bytes.iter().fold(self, |hash, byte| hash.and(*byte))
    }
}

/// Numbers that are hashes already are their own hash.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AlreadyHashed(u64);

/// A map by the hash of a word of the rule set. Two of its words with one hash are refused where that matters; a word
/// that somebody makes up to have the hash of another is read as that one, which he could have written.
pub(super) type ByHash<T> = HashMap<u64, T, BuildHasherDefault<AlreadyHashed>>;

/// The hash of a word.
pub(super) fn word(word: &str) -> u64 {
    Fnv::NEW.and_all(word.as_bytes()).0
}

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = Fnv(self.0).and_all(bytes).0;
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// The filter before the n-grams that are known has 2 to the power of so many bits: most of a text's are not.
const FILTER_BITS: u32 = 18;

/// The n-grams that are known.
///
/// A table with open addressing, small enough to stay near the processor: a text asks thousands of times, each time
/// elsewhere. Of an n-gram it keeps where its number leads and the high half of it.
#[derive(Debug)]
pub(super) struct Known<T> {
    /// The high half of the number, never 0, and what is known. An empty slot has 0.
    slots: Box<[(u32, T)]>,
    filter: Filter,
}

impl<T: Copy + Default> Known<T> {
    /// These, each with what is known of it.
    pub(super) fn new(ngrams: &[(u64, T)]) -> Self {
        // At most two thirds full, so that a search ends soon.
        let slots = (ngrams.len() * 3 / 2 + 1).next_power_of_two();
        let mut known = Self {
            slots: vec![(0, T::default()); slots].into(),
            filter: Filter::new(FILTER_BITS),
        };
        for (ngram, value) in ngrams {
            known.filter.insert(*ngram);
            let slot = known.slot(*ngram);
            known.slots[slot] = (high(*ngram), *value);
        }
        known
    }

    #[inline]
    fn get(&self, ngram: u64) -> Option<T> {
        if !self.filter.may_hold(ngram) {
            return None;
        }
        let (tag, value) = self.slots[self.slot(ngram)];
        (tag != 0).then_some(value)
    }

    /// Where an n-gram is, or would be.
    #[expect(clippy::cast_possible_truncation, reason = "the low bits are wanted")]
    #[inline]
    fn slot(&self, ngram: u64) -> usize {
        let last = self.slots.len() - 1;
        let mut at = ngram as usize & last;
        while ![0, high(ngram)].contains(&self.slots[at].0) {
            at = (at + 1) & last;
        }
        at
    }
}

/// The high half of a number, and 1 for 0.
const fn high(ngram: u64) -> u32 {
    let high = (ngram >> 32) as u32;
    if high == 0 { 1 } else { high }
}

/// Calls `out` with each known run of words that are not masked, as often as it stands there, and the first and last
/// of its words. What is masked is read over as if it were not there.
pub(super) fn each_known_run<T: Copy + Default>(
    text: &Text,
    masked: &[bool],
    lengths: Lengths,
    known: &Known<T>,
    mut out: impl FnMut(T, u32, u32),
) {
    let alone: Vec<(Fnv, Option<T>)> = (0..text.distinct())
        .map(|word| {
            let hash = Fnv::of(WORDS).and_all(text.folded(word).as_bytes());
            (hash, known.get(hash.0))
        })
        .collect();
    let mut begun: VecDeque<(u32, Fnv)> = VecDeque::with_capacity(lengths.words);
    for (number, distinct) in unmasked(text, masked) {
        let (hash, ngram) = alone[distinct];
        if let Some(ngram) = ngram {
            out(ngram, number, number);
        }
        if begun.len() == lengths.words {
            begun.pop_front();
        }
        for (first, run) in &mut begun {
            *run = run.and(b' ').and_all(text.folded(distinct).as_bytes());
            if let Some(ngram) = known.get(run.0) {
                out(ngram, *first, number);
            }
        }
        begun.push_back((number, hash));
    }
}

/// The words that are not masked: their numbers and which of the distinct words they are.
pub(super) fn unmasked<'t>(
    text: &'t Text,
    masked: &'t [bool],
) -> impl Iterator<Item = (u32, usize)> {
    let words = (0_u32..).zip(text.words()).zip(masked);
    words
        .filter(|(_, masked)| !**masked)
        .map(|((number, word), _)| (number, word.distinct as usize))
}

/// Finds the known runs of characters within words.
#[derive(Debug)]
pub(super) struct Within<'k, T> {
    lengths: Lengths,
    known: &'k Known<T>,
    padded: Vec<u8>,
    /// Where each character begins, and the end.
    ends: Vec<usize>,
}

impl<'k, T: Copy + Default> Within<'k, T> {
    pub(super) const fn new(lengths: Lengths, known: &'k Known<T>) -> Self {
        Self {
            lengths,
            known,
            padded: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Calls `out` with each known run of a folded word.
    pub(super) fn each(&mut self, word: &str, mut out: impl FnMut(T)) {
        let known = self.known;
        self.each_run(word, |run| {
            if let Some(ngram) = known.get(run) {
                out(ngram);
            }
        });
    }

    fn each_run(&mut self, word: &str, mut out: impl FnMut(u64)) {
        self.padded.clear();
        self.padded.push(b' ');
        self.padded.extend_from_slice(word.as_bytes());
        self.padded.push(b' ');
        self.ends.clear();
        let begins = |byte: &u8| !(0x80..0xC0).contains(byte);
        let begun = (0..).zip(&self.padded).filter(|(_, byte)| begins(byte));
        self.ends.extend(begun.map(|(at, _)| at));
        self.ends.push(self.padded.len());
        let Lengths {
            shortest, longest, ..
        } = self.lengths;
        let run = |hash: Fnv, from: usize, to: usize| {
            hash.and_all(&self.padded[self.ends[from]..self.ends[to]])
        };
        let characters = self.ends.len() - 1;
        if characters <= shortest {
            out(run(Fnv::of(CHARACTERS), 0, characters).0);
            return;
        }
        for from in 0..=characters - shortest {
            let mut hash = run(Fnv::of(CHARACTERS), from, from + shortest);
            out(hash.0);
            for to in from + shortest + 1..=(from + longest).min(characters) {
                hash = run(hash, to - 1, to);
                out(hash.0);
            }
        }
    }
}

/// The number of an n-gram of words, for whoever names one.
#[cfg(test)]
pub(super) fn words(run: &str) -> u64 {
    Fnv::of(WORDS).and_all(run.as_bytes()).0
}

/// The number of an n-gram of characters, for whoever names one.
#[cfg(test)]
pub(super) fn characters(run: &str) -> u64 {
    Fnv::of(CHARACTERS).and_all(run.as_bytes()).0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const LENGTHS: Lengths = Lengths {
        words: 2,
        shortest: 4,
        longest: 5,
    };

    fn all(
        text: &str,
        masked: &[bool],
        named: &[(u64, &'static str)],
    ) -> Vec<(&'static str, u32, u32)> {
        let known = Known::new(named);
        let mut found = Vec::new();
        let text = Text::read(None, text);
        each_known_run(&text, masked, LENGTHS, &known, |name, first, last| {
            found.push((name, first, last));
        });
        let mut within = Within::new(LENGTHS, &known);
        for (number, word) in unmasked(&text, masked) {
            within.each(text.folded(word), |name| {
                found.push((name, number, number));
            });
        }
        found
    }

    fn runs(word: &str) -> Vec<String> {
        // Found by trying every run there is.
        let padded = format!(" {word} ");
        let chars: Vec<char> = padded.chars().collect();
        let mut names: BTreeMap<u64, String> = BTreeMap::new();
        for from in 0..chars.len() {
            for to in from + 1..=chars.len() {
                let run: String = chars[from..to].iter().collect();
                names.insert(characters(&run), run);
            }
        }
        let mut found = Vec::new();
        let known: Known<()> = Known::new(&[]);
        Within::new(LENGTHS, &known).each_run(word, |run| found.push(names[&run].clone()));
        found
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        // From the reference test vectors, less the offset basis that our kind byte follows.
        assert_eq!(Fnv::NEW.and_all(b"foobar").0, 0x8594_4171_f739_67e8);
    }

    #[test]
    fn characters_run_within_their_word_as_char_wb_takes_them() {
        assert_eq!(
            runs("drugs"),
            [" dru", " drug", "drug", "drugs", "rugs", "rugs ", "ugs "]
        );
        assert_eq!(runs("in"), [" in "]);
        assert_eq!(runs("a"), [" a "]);
        assert_eq!(runs("the"), [" the", " the ", "the "]);
        assert_eq!(runs("طفل"), [" طفل", " طفل ", "طفل "]);
    }

    #[test]
    fn words_run_in_pairs_and_say_where() {
        let known = [
            (words("drug"), "drug"),
            (words("drug ring"), "drug ring"),
            (words("ring drug"), "ring drug"),
            (characters(" rin"), "rin"),
        ];
        assert_eq!(
            all("A drug ring", &[false; 3], &known),
            [("drug", 1, 1), ("drug ring", 1, 2), ("rin", 2, 2)]
        );
        assert_eq!(
            all("ring, ring", &[false; 2], &known),
            [("rin", 0, 0), ("rin", 1, 1)]
        );
        assert_eq!(
            all("drug test ring", &[false, true, false], &known),
            [("drug", 0, 0), ("drug ring", 0, 2), ("rin", 2, 2)]
        );
    }
}
