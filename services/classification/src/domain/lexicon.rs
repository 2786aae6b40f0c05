//! The concepts' phrases compiled into one matcher.
//!
//! Every distinct word of the lexicon is a symbol; one pass over the forms of the text's distinct words finds all
//! symbols. A phrase is thought of where the text has a word of its rarest step, and then searched for word by word
//! from its first, where the text has words for all of its steps.
//! Time is linear in the text: what a position can cost is bounded by the lexicon.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::language::LanguageSet;
use super::phrase::{self, Alternative, GAP, PhraseError, Step, Symbol};
use super::phrases::{Compiled, CompiledStep, PhraseId, Phrases, Present, Steps, SymbolId};
use super::text::Text;
use super::vocabulary::Vocabulary;
use super::word_hash::Fnv;

/// Findings of one concept beyond this many are not counted.
pub(super) const MAX_COUNT: usize = 64;

/// A phrase found: words `first..=last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) target: u16,
    pub(super) first: u32,
    pub(super) last: u32,
}

/// Why a lexicon cannot be compiled.
#[derive(Debug, thiserror::Error)]
pub(super) enum LexiconError {
    #[error("two of its words have one hash")]
    Hash,
    #[error("there are too many concepts or phrases")]
    TooLarge,
}

/// Collects phrases and compiles them.
#[derive(Debug, Default)]
pub(super) struct LexiconBuilder {
    symbols: HashMap<Symbol, SymbolId, BuildHasherDefault<Fnv>>,
    /// The same by how they are written, where that is one word: most words stand in many phrases.
    written: HashMap<String, SymbolId, BuildHasherDefault<Fnv>>,
    phrases: Vec<Compiled>,
}

impl LexiconBuilder {
    /// Adds a phrase that stands for `target` in texts of these languages.
    pub(super) fn add(
        &mut self,
        target: u16,
        languages: LanguageSet,
        phrase: &str,
    ) -> Result<(), PhraseError> {
        let phrases = phrase::parse(phrase, |alternative| self.read(alternative))?;
        for steps in phrases {
            let steps = steps.into_iter().map(|Step { mut any_of, gap }| {
                any_of.sort_unstable();
                any_of.dedup();
                CompiledStep { any_of, gap }
            });
            self.phrases.push(Compiled {
                target,
                languages,
                steps: steps.collect(),
            });
        }
        Ok(())
    }

    /// One alternative of a phrase. `None` where it is not in the notation.
    fn read(&mut self, alternative: &str) -> Option<Alternative<SymbolId>> {
        if let Some(id) = self.written.get(alternative) {
            return Some(Alternative::Word(*id));
        }
        let symbols = phrase::symbols(alternative)?.into_iter();
        let ids: Vec<SymbolId> = symbols.map(|symbol| self.id(symbol)).collect();
        Some(match ids[..] {
            [id] => {
                self.written.insert(alternative.to_owned(), id);
                Alternative::Word(id)
            }
            _ => Alternative::Words(ids),
        })
    }

    /// Symbols beyond those that can be numbered are refused when all are known.
    fn id(&mut self, symbol: Symbol) -> SymbolId {
        let next = SymbolId::try_from(self.symbols.len()).unwrap_or(SymbolId::MAX);
        *self.symbols.entry(symbol).or_insert(next)
    }

    /// Builds the matcher.
    pub(super) fn build(self, targets: usize) -> Result<Lexicon, LexiconError> {
        if SymbolId::try_from(self.symbols.len()).is_err() {
            return Err(LexiconError::TooLarge);
        }
        let symbols = self.symbols.iter().map(|(symbol, id)| (symbol, *id));
        Ok(Lexicon {
            vocabulary: Vocabulary::new(symbols)?,
            phrases: Phrases::new(&self.phrases, self.symbols.len())?,
            targets,
        })
    }
}

/// The compiled matcher.
#[derive(Debug)]
pub(super) struct Lexicon {
    vocabulary: Vocabulary,
    phrases: Phrases,
    targets: usize,
}

impl Lexicon {
    /// Everything found in the text in phrases of these languages, by first word. The same words may
    /// stand for several targets, and a shorter phrase inside a longer one is found as well.
    pub(super) fn search(&self, text: &Text, languages: LanguageSet) -> Vec<Found> {
        let symbols = Symbols::find(&self.vocabulary, text);
        let possible = self.possible(&symbols, languages);
        let starting = |distinct: usize| {
            let symbols = symbols.of(distinct).iter();
            symbols.flat_map(|symbol| possible.starting(*symbol))
        };
        let begins = (0..text.distinct()).map(|distinct| starting(distinct).next().is_some());
        let begins: Vec<bool> = begins.collect();
        let mut counts = vec![0_usize; self.targets];
        let mut found = Vec::new();
        for (first, word) in text.words().iter().enumerate() {
            let distinct = word.distinct as usize;
            // With most words no phrase begins.
            if !begins[distinct] {
                continue;
            }
            let candidates = starting(distinct);
            let nearby = symbols.behind(text, first);
            let begin = found.len();
            for candidate in candidates {
                if !candidate.goes_on(nearby) {
                    continue;
                }
                let target = self.phrases.target(candidate.phrase);
                let count = &mut counts[usize::from(target)];
                if *count >= MAX_COUNT {
                    continue;
                }
                let mut steps = self.phrases.steps(candidate.phrase);
                steps.next();
                let Some(last) = complete(text, &symbols, steps, first) else {
                    continue;
                };
                let hit = Found {
                    target,
                    first: number(first),
                    last: number(last),
                };
                // Two phrases of one concept that begin together are one finding.
                let mut begun = found[begin..].iter_mut();
                match begun.find(|old: &&mut Found| old.target == hit.target) {
                    Some(old) => old.last = old.last.max(hit.last),
                    None => {
                        *count += 1;
                        found.push(hit);
                    }
                }
            }
        }
        found
    }

    /// How many phrases and distinct words it knows.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.phrases.count(), self.phrases.symbols())
    }
}

/// Symbols as one bit of 64 each: where two sets share no bit they share no symbol.
type Bits = u64;

fn bit(symbol: SymbolId) -> Bits {
    1 << (symbol % 64)
}

/// What stands behind a word: the bits of the next word's symbols, and those of all that a gap reaches.
#[derive(Clone, Copy, Debug, Default)]
struct Nearby {
    next: Bits,
    within_gap: Bits,
}

/// A phrase that may begin at a word.
#[derive(Clone, Copy, Debug, Default)]
struct Candidate {
    phrase: PhraseId,
    gap: bool,
    /// Of its second step; none where there is no second step.
    second: Bits,
}

impl Candidate {
    /// Whether the second step can be there.
    const fn goes_on(self, nearby: Nearby) -> bool {
        let bits = if self.gap {
            nearby.within_gap
        } else {
            nearby.next
        };
        self.second == 0 || self.second & bits != 0
    }
}

/// The phrases that can be in a text at all: of its languages, and each of their steps has a word somewhere.
struct Possible {
    present: Present,
    starts: BySymbol,
}

impl Possible {
    /// Those that may begin with a symbol of the text.
    fn starting(&self, symbol: SymbolId) -> &[Candidate] {
        self.starts.of(self.present.rank(symbol))
    }
}

impl Lexicon {
    fn possible(&self, symbols: &Symbols, languages: LanguageSet) -> Possible {
        let present = Present::new(self.phrases.symbols(), &symbols.symbols);
        // With the symbol of its first step that each begins with.
        let mut starts: Vec<(SymbolId, Candidate)> = Vec::new();
        self.phrases.each_possible(&present, languages, |phrase| {
            let mut steps = self.phrases.steps(phrase);
            let first = steps.next().map_or(&[][..], |(_, any_of)| any_of);
            let (gap, second) = steps.next().unwrap_or_default();
            let second = second.iter().filter(|it| present.has(**it));
            let candidate = Candidate {
                phrase,
                gap: gap > 0,
                second: second.fold(0, |bits, symbol| bits | bit(*symbol)),
            };
            let first = first.iter().filter(|it| present.has(**it));
            starts.extend(first.map(|symbol| (*symbol, candidate)));
        });
        let starts = BySymbol::new(&starts, &present);
        Possible { present, starts }
    }
}

/// Phrases by a symbol of their first step, by its rank.
struct BySymbol {
    /// For each symbol where its phrases end. They begin where those of the symbol before end.
    ends: Vec<u32>,
    phrases: Vec<Candidate>,
}

impl BySymbol {
    fn new(starts: &[(SymbolId, Candidate)], present: &Present) -> Self {
        let mut ends = vec![0_u32; present.count() + 1];
        for (symbol, _) in starts {
            ends[present.rank(*symbol) + 1] += 1;
        }
        let mut end = 0;
        for here in &mut ends {
            end += *here;
            *here = end;
        }
        // Where those of a symbol begin, and, when all of them are in their places, end.
        let mut phrases = vec![Candidate::default(); starts.len()];
        for (symbol, candidate) in starts {
            let at = &mut ends[present.rank(*symbol)];
            phrases[*at as usize] = *candidate;
            *at += 1;
        }
        Self { ends, phrases }
    }

    fn of(&self, rank: usize) -> &[Candidate] {
        let begin = rank.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.phrases[begin as usize..self.ends[rank] as usize]
    }
}

/// Words are at most 200,000, and what is found in them is bounded by the lexicon.
fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The last word of a phrase whose earlier steps ended at `at`, nearest words first.
fn complete(text: &Text, symbols: &Symbols, mut steps: Steps<'_>, at: usize) -> Option<usize> {
    let Some((gap, any_of)) = steps.next() else {
        return Some(at);
    };
    let words = text.words();
    let sentence = words[at].sentence;
    let next = (at + 1..words.len()).take(1 + usize::from(gap));
    next.take_while(|next| words[*next].sentence == sentence)
        .filter(|next| {
            let of_word = symbols.of(words[*next].distinct as usize);
            of_word.iter().any(|symbol| any_of.contains(symbol))
        })
        .find_map(|next| complete(text, symbols, steps, next))
}

/// The symbols of each distinct word, in one list with offsets.
struct Symbols {
    offsets: Vec<u32>,
    symbols: Vec<SymbolId>,
    bits: Vec<Bits>,
}

impl Symbols {
    fn find(vocabulary: &Vocabulary, text: &Text) -> Self {
        let mut symbols: Vec<SymbolId> = Vec::with_capacity(text.distinct());
        let mut offsets = Vec::with_capacity(text.distinct() + 1);
        let mut bits = vec![0; text.distinct()];
        offsets.push(0);
        vocabulary.each_symbol(text, |distinct, symbol| {
            // The words between have none.
            offsets.resize(distinct + 1, number(symbols.len()));
            if !symbols[offsets[distinct] as usize..].contains(&symbol) {
                symbols.push(symbol);
                bits[distinct] |= bit(symbol);
            }
        });
        offsets.resize(text.distinct() + 1, number(symbols.len()));
        Self {
            offsets,
            symbols,
            bits,
        }
    }

    /// What stands behind a word of the text.
    fn behind(&self, text: &Text, word: usize) -> Nearby {
        let behind = text.words()[word + 1..].iter().take(1 + usize::from(GAP));
        let mut bits = behind.map(|word| self.bits[word.distinct as usize]);
        let next = bits.next().unwrap_or_default();
        Nearby {
            next,
            within_gap: bits.fold(next, |all, bits| all | bits),
        }
    }

    fn of(&self, distinct: usize) -> &[SymbolId] {
        &self.symbols[self.offsets[distinct] as usize..self.offsets[distinct + 1] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(phrases: &[&str], text: &str) -> Vec<(u16, u32, u32)> {
        let mut builder = LexiconBuilder::default();
        for (target, phrase) in phrases.iter().enumerate() {
            let target = u16::try_from(target).unwrap();
            builder.add(target, LanguageSet::ALL, phrase).unwrap();
        }
        let lexicon = builder.build(phrases.len()).unwrap();
        lexicon
            .search(&Text::read(None, text), LanguageSet::ALL)
            .into_iter()
            .map(|found| (found.target, found.first, found.last))
            .collect()
    }

    #[test]
    fn words_match_whole_and_beginnings_open() {
        let phrases = ["drug", "terroris*"];
        assert_eq!(search(&phrases, "Drugs."), [(0, 0, 0)]);
        assert_eq!(search(&phrases, "drugstore hydrug"), []);
        assert_eq!(search(&phrases, "antiterrorism terrorists"), [(1, 1, 1)]);
    }

    #[test]
    fn phrases_stay_in_their_sentence_and_gaps_are_bounded() {
        let phrases = ["sold ... girl"];
        assert_eq!(
            search(&phrases, "He sold two very young girls."),
            [(0, 1, 5)]
        );
        assert_eq!(search(&phrases, "He sold a car. A girl watched."), []);
        assert_eq!(
            search(&phrases, "sold one two three four five six seven girl"),
            []
        );
    }

    #[test]
    fn one_form_only_is_not_satisfied_by_a_stem() {
        assert_eq!(search(&["=bloods"], "blood Bloods"), [(0, 1, 1)]);
        assert_eq!(search(&["=خادم"], "خادمة والخادم"), [(0, 1, 1)]);
    }

    #[test]
    fn a_repeated_word_is_counted_up_to_a_bound() {
        let found = search(&["drug"], &"drug ".repeat(1000));
        assert_eq!(found.len(), MAX_COUNT);
    }

    #[test]
    fn arabic_words_match_with_their_clitics() {
        let phrases = ["تهريب المخدرات"];
        assert_eq!(search(&phrases, "ضُبط بتهريبِ مخدّرات"), [(0, 1, 2)]);
    }
}
