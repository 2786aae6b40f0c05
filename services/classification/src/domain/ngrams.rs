//! A text as n-grams: runs of words, and runs of characters within a word, each as a number.
//!
//! The words are the folded ones of [`Text`]. All arithmetic is modulo 2⁶⁴.
//!
//! The number of a run of words begins as [`WORDS`]; for each word its FNV-1a hash is added by exclusive or, and the
//! result multiplied by [`MIXER`]. Characters are taken from the word with a space before and after; a word shorter than
//! the run counts once, whole. A run of them is a polynomial of its code points at [`BASE`], the first one the coefficient
//! of the highest power: with all polynomials that a word begins as, each run within it costs one multiplication.
//! A word in one language is the same as a run of one, but begins as [`word_of`] says. [`CHARACTERS`] is added by exclusive or, the result multiplied by [`MIXER`], and its high half added to the low one by
//! exclusive or.
//!
//! `training/learn.py` makes the same of the same words with scikit-learn's `word` and `char_wb` analyzers and
//! `training/artefact.py` the same numbers; a test holds both to it.

use liaison_types::Language;

use super::filter::Filter;
use super::text::Text;

/// What a run of words begins as.
const WORDS: u64 = 1;
/// Tells runs of characters from those of words.
const CHARACTERS: u64 = 2;

/// What a word in one language begins as.
const fn word_of(language: Language) -> u64 {
    match language {
        Language::Ar => 3,
        Language::En => 4,
        Language::Es => 5,
        Language::Fr => 6,
    }
}
/// 2⁶⁴ over the golden ratio, odd: <https://en.wikipedia.org/wiki/Hash_function#Fibonacci_hashing>.
const MIXER: u64 = 0x9e37_79b9_7f4a_7c15;
/// A multiplier that spreads well, by Steele and Vigna: <https://doi.org/10.1002/spe.3030>.
const BASE: u64 = 0xd134_2543_de82_ef95;
/// Runs of characters have at most this many.
pub(super) const LONGEST: usize = 8;

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

/// A number for the words of a run: each word's hash is taken in turn.
#[derive(Clone, Copy, Debug)]
struct WordRun(u64);

impl WordRun {
    const NEW: Self = Self(WORDS);

    const fn and(self, word: u64) -> Self {
        Self((self.0 ^ word).wrapping_mul(MIXER))
    }
}

/// The number of a word of this hash in one language.
pub(super) const fn word_in(language: Language, word: u64) -> u64 {
    WordRun(word_of(language)).and(word).0
}

/// The number of a run of characters that makes this polynomial.
const fn of_characters(polynomial: u64) -> u64 {
    let mixed = (polynomial ^ CHARACTERS).wrapping_mul(MIXER);
    mixed ^ (mixed >> 32)
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
    pub(super) fn get(&self, ngram: u64) -> Option<T> {
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
    let alone: Vec<(WordRun, Option<T>)> = (0..text.distinct())
        .map(|word| {
            let run = WordRun::NEW.and(text.hash(word));
            (run, known.get(run.0))
        })
        .collect();
    let mut begun: Vec<(u32, WordRun)> = Vec::with_capacity(lengths.words);
    for (number, distinct) in unmasked(text, masked) {
        let (run, ngram) = alone[distinct];
        if let Some(ngram) = ngram {
            out(ngram, number, number);
        }
        if begun.len() == lengths.words {
            begun.remove(0);
        }
        for (first, run) in &mut begun {
            *run = run.and(text.hash(distinct));
            if let Some(ngram) = known.get(run.0) {
                out(ngram, *first, number);
            }
        }
        begun.push((number, run));
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
    /// The powers of the base.
    powers: [u64; LONGEST + 1],
    /// The polynomials that the word begins as, from that of nothing on.
    beginnings: Vec<u64>,
}

impl<'k, T: Copy + Default> Within<'k, T> {
    /// Lengths are at most [`LONGEST`].
    pub(super) fn new(lengths: Lengths, known: &'k Known<T>) -> Self {
        let mut powers = [1; LONGEST + 1];
        for at in 1..powers.len() {
            powers[at] = BASE.wrapping_mul(powers[at - 1]);
        }
        Self {
            lengths,
            known,
            powers,
            beginnings: Vec::new(),
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
        let beginnings = &mut self.beginnings;
        beginnings.clear();
        let mut polynomial = 0_u64;
        beginnings.push(polynomial);
        for character in [' '].into_iter().chain(word.chars()).chain([' ']) {
            polynomial = polynomial.wrapping_mul(BASE).wrapping_add(character.into());
            beginnings.push(polynomial);
        }
        let characters = beginnings.len() - 1;
        let Lengths {
            shortest, longest, ..
        } = self.lengths;
        if characters <= shortest {
            out(of_characters(polynomial));
            return;
        }
        for length in shortest..=longest.min(characters) {
            let power = self.powers[length];
            for (before, all) in beginnings.iter().zip(&beginnings[length..]) {
                out(of_characters(all.wrapping_sub(before.wrapping_mul(power))));
            }
        }
    }
}

/// The number of an n-gram of words, for whoever names one.
#[cfg(test)]
pub(super) fn words(run: &str) -> u64 {
    let words = run.split(' ').map(super::word_hash::word_hash);
    words.fold(WordRun::NEW, WordRun::and).0
}

/// The number of an n-gram of characters, for whoever names one.
#[cfg(test)]
pub(super) fn characters(run: &str) -> u64 {
    of_characters(run.chars().fold(0, |polynomial: u64, character| {
        polynomial.wrapping_mul(BASE).wrapping_add(character.into())
    }))
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
    fn characters_run_within_their_word_as_char_wb_takes_them() {
        assert_eq!(
            runs("drugs"),
            [" dru", "drug", "rugs", "ugs ", " drug", "drugs", "rugs "]
        );
        assert_eq!(runs("in"), [" in "]);
        assert_eq!(runs("a"), [" a "]);
        assert_eq!(runs("the"), [" the", "the ", " the "]);
        assert_eq!(runs("طفل"), [" طفل", "طفل ", " طفل "]);
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
