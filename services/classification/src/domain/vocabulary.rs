//! The words of the lexicon, to be looked up by the forms of a text.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::filter::Filter;
use super::ngrams::Fnv;
use super::phrase::Symbol;
use super::word_form::Form;

/// The filter before the beginnings has 2 to the power of so many bits: few of the runs that words begin with are
/// a beginning.
const FILTER_BITS: u32 = 16;

/// A map by word. The words are the lexicon's, so nobody outside chooses what collides.
type ByWord<T> = HashMap<Box<str>, T, BuildHasherDefault<WordHasher>>;

#[derive(Clone, Copy, Debug)]
struct WordHasher(Fnv);

impl Default for WordHasher {
    fn default() -> Self {
        Self(Fnv::NEW)
    }
}

impl Hasher for WordHasher {
    fn finish(&self) -> u64 {
        self.0.number()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = self.0.and_all(bytes);
    }
}

/// What a whole word stands for.
#[derive(Clone, Copy, Debug, Default)]
struct Whole {
    /// In any form.
    any: Option<u32>,
    /// Only as the word itself.
    exact: Option<u32>,
}

/// The words.
#[derive(Debug)]
pub(super) struct Vocabulary {
    whole: ByWord<Whole>,
    beginnings: ByWord<u32>,
    filter: Filter,
}

impl Default for Vocabulary {
    fn default() -> Self {
        Self {
            whole: ByWord::default(),
            beginnings: ByWord::default(),
            filter: Filter::new(FILTER_BITS),
        }
    }
}

impl Vocabulary {
    /// Adds a symbol.
    pub(super) fn add(&mut self, symbol: &Symbol, id: u32) {
        match symbol {
            Symbol::Form(word) => {
                self.whole.entry(word.as_str().into()).or_default().any = Some(id);
            }
            Symbol::Exact(word) => {
                self.whole.entry(word.as_str().into()).or_default().exact = Some(id);
            }
            Symbol::Beginning(beginning) => {
                let hash = Fnv::NEW.and_all(beginning.as_bytes());
                self.filter.insert(hash.number());
                self.beginnings.insert(beginning.as_str().into(), id);
            }
        }
    }

    /// Calls `out` with every symbol that a form of a word satisfies.
    pub(super) fn each_symbol(&self, form: &str, kind: Form, mut out: impl FnMut(u32)) {
        if let Some(whole) = self.whole.get(form) {
            let exact = whole.exact.filter(|_| kind == Form::Word);
            whole.any.into_iter().chain(exact).for_each(&mut out);
        }
        let mut run = Fnv::NEW;
        for (at, byte) in form.bytes().enumerate() {
            run = run.and(byte);
            if self.filter.may_hold(run.number())
                && let Some(beginning) = form.get(..=at)
                && let Some(symbol) = self.beginnings.get(beginning)
            {
                out(*symbol);
            }
        }
    }
}
