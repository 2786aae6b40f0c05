//! The words of the lexicon, to be looked up by the forms of a text.

use super::filter::Filter;
use super::phrase::Symbol;
use super::phrases::SymbolId;
use super::word_form::Form;
use super::word_hash::{ByHash, Fnv, word_hash};

/// The filter before the beginnings has 2 to the power of so many bits: few of the runs that words begin with are
/// a beginning.
const BEGINNING_BITS: u32 = 16;
/// The same before the whole words: few of the words of a text are the lexicon's.
const WHOLE_BITS: u32 = 18;

/// What a whole word stands for.
#[derive(Clone, Copy, Debug, Default)]
struct Whole {
    /// In any form.
    any: Option<SymbolId>,
    /// Only as the word itself.
    exact: Option<SymbolId>,
}

/// The words.
#[derive(Debug)]
pub(super) struct Vocabulary {
    whole: ByHash<Whole>,
    may_be_whole: Filter,
    beginnings: ByHash<SymbolId>,
    may_begin: Filter,
}

impl Default for Vocabulary {
    fn default() -> Self {
        Self {
            whole: ByHash::default(),
            may_be_whole: Filter::new(WHOLE_BITS),
            beginnings: ByHash::default(),
            may_begin: Filter::new(BEGINNING_BITS),
        }
    }
}

impl Vocabulary {
    /// Adds a symbol. Whether there was none for the same word.
    #[must_use]
    pub(super) fn add(&mut self, symbol: &Symbol, id: SymbolId) -> bool {
        let (Symbol::Form(word) | Symbol::Exact(word) | Symbol::Beginning(word)) = symbol;
        let hash = word_hash(word);
        if let Symbol::Beginning(_) = symbol {
            self.may_begin.insert(hash);
            return self.beginnings.insert(hash, id).is_none();
        }
        self.may_be_whole.insert(hash);
        let whole = self.whole.entry(hash).or_default();
        let place = if let Symbol::Exact(_) = symbol {
            &mut whole.exact
        } else {
            &mut whole.any
        };
        place.replace(id).is_none()
    }

    /// Calls `out` with every symbol that a form of a word satisfies.
    pub(super) fn each_symbol(&self, form: &str, kind: Form, mut out: impl FnMut(SymbolId)) {
        let hash = if kind == Form::Word {
            self.each_beginning(form, &mut out)
        } else {
            // What a stem begins with, the word that it is the beginning of begins with too.
            word_hash(form)
        };
        if self.may_be_whole.may_hold(hash)
            && let Some(whole) = self.whole.get(&hash)
        {
            let exact = whole.exact.filter(|_| kind == Form::Word);
            whole.any.into_iter().chain(exact).for_each(&mut out);
        }
    }

    /// Calls `out` with every symbol that a word begins as. The hash of the word.
    fn each_beginning(&self, word: &str, mut out: impl FnMut(SymbolId)) -> u64 {
        let mut run = Fnv::NEW;
        for (end, byte) in (1..).zip(word.bytes()) {
            run = run.and(byte);
            let hash = run.number();
            if word.is_char_boundary(end)
                && self.may_begin.may_hold(hash)
                && let Some(symbol) = self.beginnings.get(&hash)
            {
                out(*symbol);
            }
        }
        run.number()
    }
}
