//! The notation in which the lexicon writes phrases.
//!
//! Words, separated by spaces, in their plain form; number, gender, accents and Arabic clitics do not
//! matter. `word*` is any word that begins so, `=word` the word in this form only. `(one|two|a few)` is any
//! of them. `...` is up to six words in between, in the same sentence. `<child-age>` is a number from 1
//! to 17.

use super::text::{CHILD_AGE, fold_words};
use super::word_form;

/// Words that `...` may stand for.
pub(super) const GAP: u8 = 6;

/// Words of a phrase, and gaps between them: how long it takes to follow one through a text goes by both.
pub(super) const MAX_STEPS: usize = 24;
pub(super) const MAX_GAPS: usize = 4;
/// Phrases that one with choices of several words may stand for.
pub(super) const MAX_PHRASES: usize = 256;

/// Why something cannot be a phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PhraseError {
    /// It is not in the notation: nothing to look for, a gap at an end, an unclosed group.
    Notation,
    /// It has more words or gaps, or stands for more phrases, than are followed.
    Long,
}

/// What a word of a phrase asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Symbol {
    /// A word that has this form.
    Form(String),
    /// This word, not one with the same stem.
    Exact(String),
    /// A word with a form that begins so.
    Beginning(String),
}

/// One step of a phrase: any of the symbols, at most `gap` words after the step before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step<S> {
    pub(super) any_of: Vec<S>,
    pub(super) gap: u8,
}

/// What one alternative asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Alternative<S> {
    Word(S),
    /// Several, one after the other.
    Words(Vec<S>),
}

/// Reads one phrase; `read` reads each alternative of it. Alternatives of several words make several phrases of it.
pub(super) fn parse<S: Clone>(
    phrase: &str,
    mut read: impl FnMut(&str) -> Option<Alternative<S>>,
) -> Result<Vec<Vec<Step<S>>>, PhraseError> {
    let mut done: Vec<Vec<Step<S>>> = vec![Vec::with_capacity(2)];
    let mut gap = 0;
    let mut rest = phrase.trim();
    while !rest.is_empty() {
        let item_end = if rest.starts_with('(') {
            rest.find(')').ok_or(PhraseError::Notation)? + 1
        } else {
            // Words are short: what looks for a character in long texts takes longer to begin.
            let space = rest.bytes().position(|byte| byte == b' ');
            space.unwrap_or(rest.len())
        };
        let (item, after) = rest.split_at(item_end);
        if !after.is_empty() && !after.starts_with(' ') {
            return Err(PhraseError::Notation);
        }
        rest = after.trim_start();
        if item == "..." {
            if gap != 0 || done[0].is_empty() || rest.is_empty() {
                return Err(PhraseError::Notation);
            }
            gap = GAP;
            continue;
        }
        let group = item
            .strip_prefix('(')
            .and_then(|item| item.strip_suffix(')'));
        let mut single = Vec::with_capacity(1);
        let mut several = Vec::new();
        let mut add = |alternative: &str| {
            match read(alternative)? {
                Alternative::Word(symbol) => single.push(symbol),
                Alternative::Words(symbols) => several.push(symbols),
            }
            Some(())
        };
        match group {
            None => add(item),
            Some(group) => group.split('|').try_for_each(add),
        }
        .ok_or(PhraseError::Notation)?;
        // Most steps are one word or a choice of words, and need no copy of what is there.
        if several.is_empty() {
            if let Some((last, others)) = done.split_last_mut() {
                let step = Step {
                    any_of: single,
                    gap,
                };
                for before in others {
                    before.push(step.clone());
                }
                last.push(step);
            }
        } else {
            if done.len() * (several.len() + usize::from(!single.is_empty())) > MAX_PHRASES {
                return Err(PhraseError::Long);
            }
            done = with_each(&done, &single, &several, gap);
        }
        gap = 0;
    }
    if done[0].is_empty() {
        return Err(PhraseError::Notation);
    }
    let gaps = |steps: &[Step<S>]| steps.iter().filter(|step| step.gap > 0).count();
    let long = |steps: &Vec<Step<S>>| steps.len() > MAX_STEPS || gaps(steps) > MAX_GAPS;
    if done.iter().any(long) {
        return Err(PhraseError::Long);
    }
    Ok(done)
}

/// What is there, followed by each alternative: those of one word as one step, the others word by word.
fn with_each<S: Clone>(
    done: &[Vec<Step<S>>],
    single: &[S],
    several: &[Vec<S>],
    gap: u8,
) -> Vec<Vec<Step<S>>> {
    let mut next = Vec::new();
    for before in done {
        if !single.is_empty() {
            let mut with = before.clone();
            with.push(Step {
                any_of: single.to_vec(),
                gap,
            });
            next.push(with);
        }
        for symbols in several {
            let mut with = before.clone();
            for (at, symbol) in symbols.iter().enumerate() {
                let gap = if at == 0 { gap } else { 0 };
                with.push(Step {
                    any_of: vec![symbol.clone()],
                    gap,
                });
            }
            next.push(with);
        }
    }
    next
}

/// The symbols of one alternative: usually one, more where it has several words. `None` where the notation is broken.
pub(super) fn symbols(alternative: &str) -> Option<Vec<Symbol>> {
    let mut all = Vec::new();
    for written in alternative.split_whitespace() {
        if written == "<child-age>" {
            all.push(Symbol::Form(CHILD_AGE.to_owned()));
            continue;
        }
        let (rest, exact) = match written.strip_prefix('=') {
            Some(rest) => (rest, true),
            None => (written, false),
        };
        let (stem, beginning) = match rest.strip_suffix('*') {
            Some(stem) => (stem, true),
            None => (rest, false),
        };
        if stem.contains(['*', '=', '<', '>', '(', ')', '|']) || (exact && beginning) {
            return None;
        }
        let words = fold_words(stem);
        let last = words.len().checked_sub(1)?;
        for (at, word) in words.iter().enumerate() {
            all.push(if beginning && at == last {
                Symbol::Beginning(word_form::lexicon_beginning(word).to_owned())
            } else if exact {
                Symbol::Exact(word.clone())
            } else {
                Symbol::Form(word_form::lexicon_form(word).to_owned())
            });
        }
    }
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(phrase: &str) -> Result<Vec<Vec<Step<Symbol>>>, PhraseError> {
        super::parse(phrase, |alternative| {
            let mut symbols = symbols(alternative)?;
            Some(if symbols.len() == 1 {
                Alternative::Word(symbols.remove(0))
            } else {
                Alternative::Words(symbols)
            })
        })
    }

    fn form(text: &str) -> Symbol {
        Symbol::Form(text.to_owned())
    }

    #[test]
    fn groups_gaps_and_beginnings_are_read() {
        let phrases = parse("(drug|drugs) traffick* ... <child-age>").unwrap();
        assert_eq!(phrases.len(), 1);
        assert_eq!(phrases[0].len(), 3);
        assert_eq!(phrases[0][0].any_of.len(), 2);
        assert_eq!(phrases[0][1].any_of, [Symbol::Beginning("traffick".into())]);
        assert_eq!(phrases[0][2].gap, GAP);
    }

    #[test]
    fn alternatives_of_several_words_make_several_phrases() {
        let phrases = parse("vol de (données|bases de données)").unwrap();
        assert_eq!(phrases.len(), 2);
        assert_eq!(phrases[1].len(), 5);
        assert_eq!(phrases[1][4].any_of, [form("donne")]);
    }

    #[test]
    fn one_form_only_can_be_asked_for() {
        let phrases = parse("=bloods").unwrap();
        assert_eq!(phrases[0][0].any_of, [Symbol::Exact("bloods".into())]);
        assert_eq!(parse("=blood*"), Err(PhraseError::Notation));
    }

    #[test]
    fn broken_notation_is_refused() {
        for phrase in [
            "",
            "   ",
            "... drugs",
            "drugs ...",
            "(drug",
            "dr*ug",
            "()",
            "a|b)",
            "(a)b",
        ] {
            assert_eq!(parse(phrase), Err(PhraseError::Notation), "{phrase}");
        }
    }

    #[test]
    fn what_would_take_too_long_to_follow_is_refused() {
        let gaps = |count: usize| "a ... ".repeat(count) + "b";
        let choices = |count: usize| "(a b|c d|e) ".repeat(count);
        for (right, wrong) in [
            ("a ".repeat(MAX_STEPS), "a ".repeat(MAX_STEPS + 1)),
            (gaps(MAX_GAPS), gaps(MAX_GAPS + 1)),
            (choices(5), choices(6)),
            ("(a b|c d) ".repeat(8), "(a b|c d) ".repeat(9)),
        ] {
            assert!(parse(&right).is_ok(), "{right}");
            assert_eq!(parse(&wrong), Err(PhraseError::Long), "{wrong}");
        }
        assert_eq!(parse(&choices(1000)), Err(PhraseError::Long));
    }
}
