//! A text as n-grams: runs of words, and runs of characters within a word, each as a number.
//!
//! The words are the folded ones of [`Text`]. All arithmetic is modulo 2⁶⁴.
//!
//! The number of a run of words begins as [`WORDS`]; for each word its FNV-1a hash is added by exclusive or, and the
//! result multiplied by [`MIXER`]. Characters are taken from the word with a space before and after; a word shorter than
//! the run counts once, whole. A run of them is a polynomial of its code points at [`BASE`], the first one the coefficient
//! of the highest power: with all polynomials that a word begins as, each run within it costs one multiplication.
//! [`CHARACTERS`] is added to it by exclusive or, the result multiplied by [`MIXER`], and its high half added to the low
//! one by exclusive or. The number of a word in one language is that of a run of one, but begins as [`word_of`] says.
//!
//! `training/learn.py` makes the same of the same words with scikit-learn's `word` and `char_wb` analyzers and
//! `training/artefact.py` the same numbers; a test holds both to it.

use liaison_types::Language;

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

/// 2⁶⁴ over the golden ratio, odd. With [`BASE`] part of the form of a model: another one makes every n-gram of it unknown.
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

/// The number of a run of one word of this hash.
pub(super) const fn word_alone(word: u64) -> u64 {
    WordRun(WORDS).and(word).0
}

/// Calls `out` with the number of each run of two words or more that are not masked, as often as it stands there, and
/// the first and last of its words. What is masked is read over as if it were not there.
pub(super) fn each_longer_run(
    text: &Text,
    masked: &[bool],
    lengths: Lengths,
    mut out: impl FnMut(u64, u32, u32),
) {
    let words: Vec<(u32, u64)> = unmasked(text, masked)
        .map(|(number, distinct)| (number, text.hash(distinct)))
        .collect();
    for (at, (first, word)) in words.iter().enumerate() {
        let mut run = WordRun::NEW.and(*word);
        let end = words.len().min(at + lengths.words);
        for (last, word) in &words[at + 1..end] {
            run = run.and(*word);
            out(run.0, *first, *last);
        }
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

/// Makes the runs of characters within words.
#[derive(Debug)]
pub(super) struct Within {
    lengths: Lengths,
    /// The powers of the base.
    powers: [u64; LONGEST + 1],
    /// The polynomials that the word begins as, from that of nothing on.
    beginnings: Vec<u64>,
}

impl Within {
    /// Lengths are at most [`LONGEST`].
    pub(super) fn new(lengths: Lengths) -> Self {
        let mut powers = [1; LONGEST + 1];
        for at in 1..powers.len() {
            powers[at] = BASE.wrapping_mul(powers[at - 1]);
        }
        Self {
            lengths,
            powers,
            beginnings: Vec::new(),
        }
    }

    /// Calls `out` with the number of each run of a folded word.
    pub(super) fn each_run(&mut self, word: &str, mut out: impl FnMut(u64)) {
        let beginnings = &mut self.beginnings;
        beginnings.clear();
        let mut polynomial = 0_u64;
        let mut add = |character: char| {
            beginnings.push(polynomial);
            polynomial = polynomial.wrapping_mul(BASE).wrapping_add(character.into());
        };
        add(' ');
        if word.is_ascii() {
            word.bytes().for_each(|byte| add(byte.into()));
        } else {
            word.chars().for_each(&mut add);
        }
        add(' ');
        beginnings.push(polynomial);
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
        let names: BTreeMap<u64, &str> = named.iter().copied().collect();
        let mut found = Vec::new();
        let text = Text::read(None, text);
        let mut within = Within::new(LENGTHS);
        for (number, word) in unmasked(&text, masked) {
            found.push((word_alone(text.hash(word)), number, number));
            within.each_run(text.folded(word), |run| found.push((run, number, number)));
        }
        each_longer_run(&text, masked, LENGTHS, |run, first, last| {
            found.push((run, first, last));
        });
        let named = found
            .into_iter()
            .filter_map(|(run, first, last)| Some((*names.get(&run)?, first, last)));
        named.collect()
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
        Within::new(LENGTHS).each_run(word, |run| found.push(names[&run].clone()));
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
    fn words_run_as_far_as_the_lengths_say() {
        let runs = |words| {
            let lengths = Lengths { words, ..LENGTHS };
            let text = Text::read(None, "one two three");
            let mut runs = Vec::new();
            each_longer_run(&text, &[false; 3], lengths, |run, first, last| {
                runs.push((run, first, last));
            });
            runs
        };
        let [pair, next, all] = ["one two", "two three", "one two three"].map(words);
        assert_eq!(runs(1), []);
        assert_eq!(runs(2), [(pair, 0, 1), (next, 1, 2)]);
        assert_eq!(runs(3), [(pair, 0, 1), (all, 0, 2), (next, 1, 2)]);
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
            [("drug", 1, 1), ("rin", 2, 2), ("drug ring", 1, 2)]
        );
        assert_eq!(
            all("ring, ring", &[false; 2], &known),
            [("rin", 0, 0), ("rin", 1, 1)]
        );
        assert_eq!(
            all("drug test ring", &[false, true, false], &known),
            [("drug", 0, 0), ("rin", 2, 2), ("drug ring", 0, 2)]
        );
    }
}
