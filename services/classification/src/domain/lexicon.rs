//! The concepts' phrases compiled into one matcher.
//!
//! Every distinct word of the lexicon is a symbol; one pass over the text's forms finds all symbols, and
//! phrases are then checked word by word from their first symbol, where the text has all their words at all.
//! Time is linear in the text: what a position can cost is bounded by the lexicon.

use std::collections::BTreeMap;

use super::language::LanguageSet;
use super::phrase::{self, Step, Symbol};
use super::text::Text;
use super::vocabulary::Vocabulary;

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
    #[error("the phrase is not in the notation of the lexicon")]
    Phrase,
    #[error("there are too many concepts or phrases")]
    TooLarge,
}

#[derive(Debug)]
struct Compiled {
    target: u16,
    languages: LanguageSet,
    steps: Vec<CompiledStep>,
}

#[derive(Debug)]
struct CompiledStep {
    /// Sorted.
    any_of: Box<[u32]>,
    gap: u8,
}

/// Phrases by each symbol of their first step, with the symbols of their second: most phrases of a frequent
/// word fail at the second step, and to see that, memory is read from front to back.
#[derive(Debug, Default)]
struct Starting {
    /// For each symbol where its entries are.
    of: Vec<(u32, u32)>,
    entries: Vec<Start>,
    second: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Start {
    phrase: u32,
    languages: LanguageSet,
    /// Where in `second`; nowhere for a phrase of one step.
    from: u32,
    to: u32,
}

impl Starting {
    /// Adds the phrases of the next symbol.
    fn add(&mut self, ids: &[u32], phrases: &[Compiled]) -> Result<(), LexiconError> {
        let offset = |at: usize| u32::try_from(at).map_err(|_| LexiconError::TooLarge);
        let begin = offset(self.entries.len())?;
        for id in ids {
            let phrase = &phrases[*id as usize];
            let from = offset(self.second.len())?;
            if let Some(step) = phrase.steps.get(1) {
                self.second.extend(&step.any_of);
            }
            self.entries.push(Start {
                phrase: *id,
                languages: phrase.languages,
                from,
                to: offset(self.second.len())?,
            });
        }
        self.of.push((begin, offset(self.entries.len())?));
        Ok(())
    }
}

/// Collects phrases and compiles them.
#[derive(Debug, Default)]
pub(super) struct LexiconBuilder {
    symbols: BTreeMap<Symbol, u32>,
    phrases: Vec<Compiled>,
}

impl LexiconBuilder {
    /// Adds a phrase that stands for `target` in texts of these languages.
    pub(super) fn add(
        &mut self,
        target: u16,
        languages: LanguageSet,
        phrase: &str,
    ) -> Result<(), LexiconError> {
        for steps in phrase::parse(phrase).ok_or(LexiconError::Phrase)? {
            let steps = steps
                .into_iter()
                .map(|step| self.compile(step))
                .collect::<Result<_, _>>()?;
            self.phrases.push(Compiled {
                target,
                languages,
                steps,
            });
        }
        Ok(())
    }

    fn compile(&mut self, step: Step) -> Result<CompiledStep, LexiconError> {
        let mut any_of = Vec::with_capacity(step.any_of.len());
        for symbol in step.any_of {
            let next = u32::try_from(self.symbols.len()).map_err(|_| LexiconError::TooLarge)?;
            any_of.push(*self.symbols.entry(symbol).or_insert(next));
        }
        any_of.sort_unstable();
        any_of.dedup();
        Ok(CompiledStep {
            any_of: any_of.into(),
            gap: step.gap,
        })
    }

    /// Builds the matcher.
    pub(super) fn build(self, targets: usize) -> Result<Lexicon, LexiconError> {
        let mut vocabulary = Vocabulary::default();
        for (symbol, id) in &self.symbols {
            vocabulary.add(symbol, *id);
        }
        let mut by_symbol = vec![Vec::new(); self.symbols.len()];
        for (id, phrase) in self.phrases.iter().enumerate() {
            let id = u32::try_from(id).map_err(|_| LexiconError::TooLarge)?;
            for symbol in &phrase.steps[0].any_of {
                by_symbol[*symbol as usize].push(id);
            }
        }
        let mut starting = Starting::default();
        for ids in &by_symbol {
            starting.add(ids, &self.phrases)?;
        }
        Ok(Lexicon {
            vocabulary,
            phrases: self.phrases,
            starting,
            targets,
        })
    }
}

/// The compiled matcher.
#[derive(Debug)]
pub(super) struct Lexicon {
    vocabulary: Vocabulary,
    phrases: Vec<Compiled>,
    starting: Starting,
    targets: usize,
}

impl Lexicon {
    /// Everything found in the text in phrases of these languages, by first word. The same words may
    /// stand for several targets, and a shorter phrase inside a longer one is found as well.
    pub(super) fn search(&self, text: &Text, languages: LanguageSet) -> Vec<Found> {
        let symbols = SymbolsByWord::find(&self.vocabulary, text);
        let mut possible = Possible::new(self, languages, symbols.present(self.starting.of.len()));
        let mut counts = vec![0_usize; self.targets];
        let mut found = Vec::new();
        for first in 0..text.words().len() {
            let begin = found.len();
            for symbol in symbols.of(first) {
                for id in possible.starting(*symbol) {
                    let phrase = &self.phrases[*id as usize];
                    let count = &mut counts[usize::from(phrase.target)];
                    if *count >= MAX_COUNT {
                        continue;
                    }
                    if let Some(last) = complete(text, &symbols, &phrase.steps[1..], first) {
                        let (first, last) = (word_number(first), word_number(last));
                        let hit = Found {
                            target: phrase.target,
                            first,
                            last,
                        };
                        // Two phrases of one concept that begin together are one finding.
                        match found[begin..]
                            .iter_mut()
                            .find(|old: &&mut Found| old.target == hit.target)
                        {
                            Some(old) => old.last = old.last.max(last),
                            None => {
                                *count += 1;
                                found.push(hit);
                            }
                        }
                    }
                }
            }
        }
        found
    }

    /// How many phrases and distinct words it knows.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.phrases.len(), self.starting.of.len())
    }
}

/// The phrases that can be in a text at all: of its languages, and each of their words stands somewhere.
/// Found out for a symbol when it is first met.
struct Possible<'l> {
    lexicon: &'l Lexicon,
    languages: LanguageSet,
    present: Vec<bool>,
    /// For each symbol where in `phrases` its phrases are.
    known: Vec<Option<(u32, u32)>>,
    phrases: Vec<u32>,
}

impl<'l> Possible<'l> {
    fn new(lexicon: &'l Lexicon, languages: LanguageSet, present: Vec<bool>) -> Self {
        Self {
            lexicon,
            languages,
            known: vec![None; present.len()],
            present,
            phrases: Vec::new(),
        }
    }

    /// The phrases that begin with a symbol.
    fn starting(&mut self, symbol: u32) -> &[u32] {
        let (from, to) = match self.known[symbol as usize] {
            Some(known) => known,
            None => self.find_out(symbol),
        };
        &self.phrases[from as usize..to as usize]
    }

    fn find_out(&mut self, symbol: u32) -> (u32, u32) {
        let from = word_number(self.phrases.len());
        let Starting {
            of,
            entries,
            second,
        } = &self.lexicon.starting;
        let (begin, end) = of[symbol as usize];
        let present = |symbol: &u32| self.present[*symbol as usize];
        for entry in &entries[begin as usize..end as usize] {
            let next = &second[entry.from as usize..entry.to as usize];
            if !entry.languages.intersects(self.languages)
                || !(next.is_empty() || next.iter().any(present))
            {
                continue;
            }
            let steps = &self.lexicon.phrases[entry.phrase as usize].steps;
            let mut later = steps.iter().skip(2);
            if later.all(|step| step.any_of.iter().any(present)) {
                self.phrases.push(entry.phrase);
            }
        }
        let known = (from, word_number(self.phrases.len()));
        self.known[symbol as usize] = Some(known);
        known
    }
}

/// Words are at most 200,000.
fn word_number(word: usize) -> u32 {
    u32::try_from(word).unwrap_or(u32::MAX)
}

/// The last word of a phrase whose earlier steps ended at `at`, nearest words first.
fn complete(
    text: &Text,
    symbols: &SymbolsByWord,
    steps: &[CompiledStep],
    at: usize,
) -> Option<usize> {
    let Some((step, rest)) = steps.split_first() else {
        return Some(at);
    };
    let sentence = text.words()[at].sentence;
    (at + 1..=at + 1 + usize::from(step.gap))
        .take_while(|next| {
            text.words()
                .get(*next)
                .is_some_and(|word| word.sentence == sentence)
        })
        .filter(|next| {
            symbols
                .of(*next)
                .iter()
                .any(|symbol| step.any_of.binary_search(symbol).is_ok())
        })
        .find_map(|next| complete(text, symbols, rest, next))
}

/// The symbols of each word, in one list with offsets.
struct SymbolsByWord {
    offsets: Vec<u32>,
    symbols: Vec<u32>,
}

impl SymbolsByWord {
    fn find(vocabulary: &Vocabulary, text: &Text) -> Self {
        let words = text.words().len();
        let mut offsets = Vec::with_capacity(words + 1);
        offsets.push(0);
        let mut symbols: Vec<u32> = Vec::new();
        for (word, form, kind) in text.each_form() {
            while offsets.len() <= word as usize {
                offsets.push(word_number(symbols.len()));
            }
            let begin = offsets[word as usize] as usize;
            vocabulary.each_symbol(form, kind, |symbol| {
                if !symbols[begin..].contains(&symbol) {
                    symbols.push(symbol);
                }
            });
        }
        while offsets.len() <= words {
            offsets.push(word_number(symbols.len()));
        }
        Self { offsets, symbols }
    }

    /// Which symbols stand somewhere.
    fn present(&self, symbols: usize) -> Vec<bool> {
        let mut present = vec![false; symbols];
        for symbol in &self.symbols {
            present[*symbol as usize] = true;
        }
        present
    }

    fn of(&self, word: usize) -> &[u32] {
        &self.symbols[self.offsets[word] as usize..self.offsets[word + 1] as usize]
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
