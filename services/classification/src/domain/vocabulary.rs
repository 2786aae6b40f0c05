//! The words of the lexicon, to be looked up by the forms of a text.

use super::filter::Filter;
use super::known::Known;
use super::lexicon::LexiconError;
use super::phrase::Symbol;
use super::phrases::SymbolId;
use super::text::Text;
use super::word_form::Form;
use super::word_hash::{Fnv, word_hash};

/// The filter before the beginnings has 2 to the power of so many bits: few of the runs that words begin with are
/// a beginning.
const BEGINNING_BITS: u32 = 16;
/// The same before the whole words: few of the words of a text are the lexicon's.
const WHOLE_BITS: u32 = 18;

/// What a word of the lexicon stands for.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// In any form.
    any: Option<SymbolId>,
    /// Only as the word itself.
    exact: Option<SymbolId>,
    /// As what a word begins with.
    beginning: Option<SymbolId>,
}

/// The words.
#[derive(Debug)]
pub(super) struct Vocabulary {
    words: Known<Entry>,
    may_be_whole: Filter,
    may_begin: Filter,
    /// By its first byte how many bytes the shortest beginning has.
    shortest: [usize; 256],
}

/// What is asked of the vocabulary.
#[derive(Clone, Copy, Debug)]
enum Asked {
    /// What a word begins as.
    Beginning,
    /// A whole form.
    Whole(Form),
}

impl Vocabulary {
    /// These words.
    pub(super) fn new<'s>(
        symbols: impl ExactSizeIterator<Item = (&'s Symbol, SymbolId)>,
    ) -> Result<Self, LexiconError> {
        let mut new = Self {
            words: Known::with_room(symbols.len()),
            may_be_whole: Filter::new(WHOLE_BITS),
            may_begin: Filter::new(BEGINNING_BITS),
            shortest: [usize::MAX; 256],
        };
        for (symbol, id) in symbols {
            if !new.add(symbol, id) {
                return Err(LexiconError::Hash);
            }
        }
        Ok(new)
    }

    /// Adds a symbol. Whether there was none for the same word.
    #[must_use]
    fn add(&mut self, symbol: &Symbol, id: SymbolId) -> bool {
        let (Symbol::Form(word) | Symbol::Exact(word) | Symbol::Beginning(word)) = symbol;
        let hash = word_hash(word);
        let entry = self.words.entry(hash);
        let place = match symbol {
            Symbol::Form(_) => &mut entry.any,
            Symbol::Exact(_) => &mut entry.exact,
            Symbol::Beginning(_) => &mut entry.beginning,
        };
        if let Symbol::Beginning(_) = symbol {
            let shortest = &mut self.shortest[first(word)];
            *shortest = word.len().min(*shortest);
            self.may_begin.insert(hash);
        } else {
            self.may_be_whole.insert(hash);
        }
        place.replace(id).is_none()
    }

    /// Calls `out` with each distinct word of a text and every symbol that a form of it satisfies, word by word.
    pub(super) fn each_symbol(&self, text: &Text, mut out: impl FnMut(usize, SymbolId)) {
        let mut asked: Vec<(u64, (u32, Asked))> = Vec::with_capacity(2 * text.distinct());
        for (distinct, word) in (0..).zip(0..text.distinct()) {
            for (form, kind) in text.forms(word) {
                let hash = if kind == Form::Word {
                    self.each_beginning(form, |hash| {
                        asked.push((hash, (distinct, Asked::Beginning)));
                    })
                } else {
                    // What a stem begins with, the word that it is the beginning of begins with too.
                    word_hash(form)
                };
                if self.may_be_whole.may_hold(hash) {
                    asked.push((hash, (distinct, Asked::Whole(kind))));
                }
            }
        }
        self.words.each_found(&asked, |place, (distinct, asked)| {
            let entry = self.words.at(place);
            let symbols = match asked {
                Asked::Beginning => [entry.beginning, None],
                Asked::Whole(Form::Word) => [entry.any, entry.exact],
                Asked::Whole(Form::Stem) => [entry.any, None],
            };
            for symbol in symbols.into_iter().flatten() {
                out(distinct as usize, symbol);
            }
        });
    }

    /// Calls `out` with the hash of each run that a word begins as and that may be a beginning. The hash of the word.
    fn each_beginning(&self, word: &str, mut out: impl FnMut(u64)) -> u64 {
        let bytes = word.as_bytes();
        let shortest = self.shortest[first(word)];
        let (short, rest) = bytes.split_at(bytes.len().min(shortest.saturating_sub(1)));
        let mut run = short.iter().fold(Fnv::NEW, |run, byte| run.and(*byte));
        for byte in rest {
            run = run.and(*byte);
            // What is no whole character is no beginning either: they are made of those.
            if self.may_begin.may_hold(run.number()) {
                out(run.number());
            }
        }
        run.number()
    }
}

/// The first byte of a word; 0 where it has none.
fn first(word: &str) -> usize {
    word.bytes().next().unwrap_or_default().into()
}
