//! A text as n-grams: runs of words, and runs of characters within a word, each as a number.
//!
//! The words are the folded ones of [`Text`]. An n-gram's number is the 64-bit FNV-1a hash of its UTF-8
//! after one byte that tells the two kinds apart. Words of a run are joined by a space. Characters are
//! taken from the word with a space before and after; a word shorter than the run counts once, whole.
//! `training/learn.py` makes the same of the same words with scikit-learn's `word` and `char_wb` analyzers,
//! and a test holds both to it.

use std::collections::{BTreeMap, HashMap, VecDeque};
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

/// A map by n-gram. What is in it is the model's.
type ByNgram<T> = HashMap<u64, T, BuildHasherDefault<AlreadyHashed>>;

/// The filter before the n-grams that are known has 2 to the power of so many bits: most of a text's are not.
const FILTER_BITS: u32 = 20;

/// The n-grams that are known.
#[derive(Debug)]
pub(super) struct Known<T> {
    by_ngram: ByNgram<T>,
    filter: Filter,
}

impl<T: Copy> Known<T> {
    /// None yet, with room for so many.
    pub(super) fn with_capacity(ngrams: usize) -> Self {
        Self {
            by_ngram: ByNgram::with_capacity_and_hasher(ngrams, BuildHasherDefault::default()),
            filter: Filter::new(FILTER_BITS),
        }
    }

    /// Adds one.
    pub(super) fn insert(&mut self, ngram: u64, known: T) {
        self.filter.insert(ngram);
        self.by_ngram.insert(ngram, known);
    }

    fn get(&self, ngram: u64) -> Option<T> {
        if !self.filter.may_hold(ngram) {
            return None;
        }
        self.by_ngram.get(&ngram).copied()
    }
}

/// Calls `out` with each known n-gram of the words of the text that are not masked, as often as it stands
/// there, and the first and last of its words. What is masked is read over as if it were not there.
pub(super) fn each_known<T: Copy>(
    text: &Text,
    masked: &[bool],
    lengths: Lengths,
    known: &Known<T>,
    mut out: impl FnMut(T, u32, u32),
) {
    // Most words of a text stand in it more than once: their characters are looked up once.
    // In order of their numbers and not by hash: who sends a text may choose words whose hashes collide.
    let mut within: BTreeMap<u64, (u32, u32)> = BTreeMap::new();
    let mut found: Vec<T> = Vec::new();
    let mut padded = String::new();
    let mut begun: VecDeque<(u32, Fnv)> = VecDeque::new();
    for (number, word) in unmasked(text, masked) {
        let alone = Fnv::of(WORDS).and_all(word.as_bytes());
        if begun.len() == lengths.words {
            begun.pop_front();
        }
        for (_, run) in &mut begun {
            *run = run.and(b' ').and_all(word.as_bytes());
        }
        begun.push_back((number, alone));
        for (first, run) in &begun {
            if let Some(ngram) = known.get(run.0) {
                out(ngram, *first, number);
            }
        }
        let (from, to) = *within.entry(alone.0).or_insert_with(|| {
            let from = found.len();
            padded.clear();
            padded.extend([" ", word, " "]);
            each_run(&padded, lengths, |run| {
                if let Some(ngram) = known.get(run) {
                    found.push(ngram);
                }
            });
            (offset(from), offset(found.len()))
        });
        for ngram in &found[from as usize..to as usize] {
            out(*ngram, number, number);
        }
    }
}

/// The words that are not masked, with their numbers.
pub(super) fn unmasked<'t>(
    text: &'t Text,
    masked: &'t [bool],
) -> impl Iterator<Item = (u32, &'t str)> {
    let words = (0_u32..).zip(text.folded()).zip(masked);
    words.filter(|(_, masked)| !**masked).map(|(word, _)| word)
}

/// The runs of characters of one padded word.
fn each_run(padded: &str, lengths: Lengths, mut out: impl FnMut(u64)) {
    let bytes = padded.as_bytes();
    let hash = |from: usize, to: usize| Fnv::of(CHARACTERS).and_all(&bytes[from..to]).0;
    for length in lengths.shortest..=lengths.longest {
        let mut ends = padded.char_indices().map(|(at, c)| at + c.len_utf8());
        let Some(mut end) = ends.nth(length - 1) else {
            out(hash(0, bytes.len()));
            return;
        };
        out(hash(0, end));
        if end == bytes.len() {
            // Longer runs would be the same again.
            return;
        }
        for (start, c) in padded.char_indices() {
            let Some(next) = ends.next() else { break };
            end = next;
            out(hash(start + c.len_utf8(), end));
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

/// Found n-grams of one text are at most some millions.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
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
        let mut known = Known::with_capacity(named.len());
        for (ngram, name) in named {
            known.insert(*ngram, *name);
        }
        let mut found = Vec::new();
        let text = Text::read(None, text);
        each_known(&text, masked, LENGTHS, &known, |name, first, last| {
            found.push((name, first, last));
        });
        found
    }

    fn runs(word: &str) -> Vec<String> {
        // Found by trying every run there is.
        let padded = format!(" {word} ");
        let chars: Vec<char> = padded.chars().collect();
        let mut names: ByNgram<String> = ByNgram::default();
        for from in 0..chars.len() {
            for to in from + 1..=chars.len() {
                let run: String = chars[from..to].iter().collect();
                names.insert(characters(&run), run);
            }
        }
        let mut found = Vec::new();
        each_run(&padded, LENGTHS, |run| found.push(names[&run].clone()));
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
