//! The phrases of the lexicon, and which of them a text can hold at all by the words that it has.
//!
//! Each phrase hangs on one of its steps: the one whose words stand in the fewest other phrases. What stands in many,
//! "of" or "two", stands in most texts too, and would bring up all of its phrases each time. Phrases that hang on one
//! word stand together, each in one piece: memory is read from front to back.

use super::language::LanguageSet;
use super::lexicon::LexiconError;

/// A word of the lexicon by its number.
pub(super) type SymbolId = u16;

/// Where a phrase begins in the code.
pub(super) type PhraseId = u32;

/// A phrase as it is put together.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) target: u16,
    pub(super) languages: LanguageSet,
    /// At least one.
    pub(super) steps: Vec<CompiledStep>,
}

/// One step: any of the symbols, sorted, at most `gap` words after the step before.
#[derive(Debug)]
pub(super) struct CompiledStep {
    pub(super) any_of: Vec<SymbolId>,
    pub(super) gap: u8,
}

/// The phrases.
#[derive(Debug, Default)]
pub(super) struct Phrases {
    /// For each symbol where its phrases are in `hanging`; those of the next one follow.
    of: Vec<u32>,
    hanging: Vec<Hanging>,
    /// For each phrase its target, how many steps it has, and for each of these the gap, how many symbols it has, and the
    /// symbols.
    code: Vec<u16>,
    count: usize,
}

/// A phrase at one of the symbols that it hangs on.
#[derive(Clone, Copy, Debug, Default)]
struct Hanging {
    phrase: PhraseId,
    /// As of the phrase.
    languages: LanguageSet,
    /// The number of the step that it hangs on; [`SURE`] where nothing else need be asked.
    step: u8,
    /// Without this one the phrase is not in a text either: of the other steps that have no choice, the rarest; the
    /// symbol itself where there is none.
    also: SymbolId,
}

/// Where the symbol that a phrase hangs on is present, and the one that it is not there without, all of it is.
const SURE: u8 = u8::MAX;

/// Numbers before the steps of a phrase.
const BEFORE_STEPS: usize = 2;

impl Phrases {
    /// These, of so many symbols.
    pub(super) fn new(phrases: &[Compiled], symbols: usize) -> Result<Self, LexiconError> {
        let mut uses = vec![0_usize; symbols];
        for step in phrases.iter().flat_map(|phrase| &phrase.steps) {
            for symbol in &step.any_of {
                uses[usize::from(*symbol)] += 1;
            }
        }
        let rarity = |step: &CompiledStep| -> usize {
            let symbols = step.any_of.iter();
            symbols.map(|symbol| uses[usize::from(*symbol)]).sum()
        };
        let mut by_symbol = vec![Vec::new(); symbols];
        for (at, phrase) in phrases.iter().enumerate() {
            let rarest = phrase.steps.iter().enumerate();
            let rarest = rarest.min_by_key(|(_, step)| rarity(step));
            let (step, rarest) = rarest.map_or((0, &[][..]), |(at, step)| (at, &step.any_of));
            let step = u8::try_from(step).ok().filter(|step| *step != SURE);
            let step = step.ok_or(LexiconError::TooLarge)?;
            let without_choice = phrase
                .steps
                .iter()
                .filter_map(|step| match step.any_of[..] {
                    [symbol] if rarest != [symbol] => Some(symbol),
                    _ => None,
                });
            let also = without_choice.min_by_key(|symbol| uses[usize::from(*symbol)]);
            for symbol in rarest {
                let also = also.unwrap_or(*symbol);
                let sure = |step: &CompiledStep| step.any_of == [*symbol] || step.any_of == [also];
                let step = if phrase.steps.iter().all(sure) {
                    SURE
                } else {
                    step
                };
                by_symbol[usize::from(*symbol)].push((at, step, also));
            }
        }
        let mut all = Self {
            count: phrases.len(),
            ..Self::default()
        };
        let mut written: Vec<Option<PhraseId>> = vec![None; phrases.len()];
        for hanging in by_symbol {
            all.of.push(position(all.hanging.len())?);
            for (at, step, also) in hanging {
                let phrase = match written[at] {
                    Some(id) => id,
                    None => all.write(&phrases[at])?,
                };
                written[at] = Some(phrase);
                all.hanging.push(Hanging {
                    phrase,
                    languages: phrases[at].languages,
                    step,
                    also,
                });
            }
        }
        Ok(all)
    }

    fn write(&mut self, phrase: &Compiled) -> Result<PhraseId, LexiconError> {
        let short = |number: usize| u16::try_from(number).map_err(|_| LexiconError::TooLarge);
        let id = position(self.code.len())?;
        let steps = short(phrase.steps.len())?;
        self.code.extend([phrase.target, steps]);
        for step in &phrase.steps {
            self.code
                .extend([step.gap.into(), short(step.any_of.len())?]);
            self.code.extend_from_slice(&step.any_of);
        }
        Ok(id)
    }

    /// How many there are.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// How many symbols there are.
    pub(super) const fn symbols(&self) -> usize {
        self.of.len()
    }

    /// What a phrase stands for.
    pub(super) fn target(&self, id: PhraseId) -> u16 {
        self.code[id as usize]
    }

    /// The steps of a phrase.
    pub(super) fn steps(&self, id: PhraseId) -> Steps<'_> {
        let code = &self.code[id as usize..];
        Steps {
            left: code[BEFORE_STEPS - 1],
            code: &code[BEFORE_STEPS..],
        }
    }

    /// Calls `out` once with each phrase in one of these languages of which each step has a word that is present.
    pub(super) fn each_possible(
        &self,
        present: &Present,
        languages: LanguageSet,
        mut out: impl FnMut(PhraseId),
    ) {
        // In steps that each ask memory for all at once: to read on by what was found would be to wait each time.
        let ranges: Vec<(SymbolId, usize, usize)> = present
            .all()
            .map(|symbol| {
                let next = self.of.get(usize::from(symbol) + 1);
                let end = next.map_or(self.hanging.len(), |next| *next as usize);
                (symbol, self.of[usize::from(symbol)] as usize, end)
            })
            .collect();
        let most = ranges.iter().map(|(_, begin, end)| end - begin).sum();
        let mut hanging = vec![(0, Hanging::default()); most];
        let mut kept = 0;
        for (symbol, begin, end) in ranges {
            for each in &self.hanging[begin..end] {
                hanging[kept] = (symbol, *each);
                // Counted without a choice, which would be guessed wrongly half of the times.
                let keep = present.has(each.also) & each.languages.intersects(languages);
                kept += usize::from(keep);
            }
        }
        hanging.truncate(kept);
        let steps: Vec<Steps<'_>> = hanging
            .iter()
            .map(|(_, hanging)| self.steps(hanging.phrase))
            .collect();
        for ((symbol, hanging), steps) in hanging.into_iter().zip(steps) {
            let possible = hanging.step == SURE
                || steps.enumerate().all(|(step, (_, any_of))| {
                    let first = any_of.iter().find(|symbol| present.has(**symbol));
                    // Of several symbols that it hangs on the first one that is present calls.
                    first.is_some_and(|first| step != usize::from(hanging.step) || *first == symbol)
                });
            if possible {
                out(hanging.phrase);
            }
        }
    }
}

/// The steps of a phrase: for each its gap and its symbols.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps<'p> {
    left: u16,
    code: &'p [u16],
}

impl<'p> Iterator for Steps<'p> {
    type Item = (u16, &'p [SymbolId]);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let (head, rest) = self.code.split_first_chunk::<2>()?;
        let [gap, length] = *head;
        let (symbols, rest) = rest.split_at_checked(length.into())?;
        self.code = rest;
        Some((gap, symbols))
    }
}

fn position(at: usize) -> Result<u32, LexiconError> {
    u32::try_from(at).map_err(|_| LexiconError::TooLarge)
}

/// Which symbols stand somewhere in a text, a bit for each.
#[derive(Debug)]
pub(super) struct Present {
    bits: Vec<u64>,
    /// For each number of bits how many symbols are present before it.
    before: Vec<u32>,
    count: u32,
}

impl Present {
    /// These of so many.
    pub(super) fn new(symbols: usize, present: &[SymbolId]) -> Self {
        let mut bits = vec![0_u64; symbols.div_ceil(64)];
        for symbol in present {
            bits[usize::from(symbol / 64)] |= 1 << (symbol % 64);
        }
        let mut count = 0;
        let before = bits.iter().map(|bits| {
            let before = count;
            count += bits.count_ones();
            before
        });
        let before = before.collect();
        Self {
            bits,
            before,
            count,
        }
    }

    pub(super) fn has(&self, symbol: SymbolId) -> bool {
        self.bits[usize::from(symbol / 64)] & (1 << (symbol % 64)) != 0
    }

    /// How many there are.
    pub(super) const fn count(&self) -> usize {
        self.count as usize
    }

    /// How many are present before this one.
    pub(super) fn rank(&self, symbol: SymbolId) -> usize {
        let word = usize::from(symbol / 64);
        let below = self.bits[word] & ((1 << (symbol % 64)) - 1);
        (self.before[word] + below.count_ones()) as usize
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "bits of a number are counted below 64"
    )]
    fn all(&self) -> impl Iterator<Item = SymbolId> {
        // The numbers second: after the last bits there may be no next number.
        let mut words = self.bits.iter().zip((0..).step_by(64));
        let (mut base, mut left): (SymbolId, u64) = (0, 0);
        std::iter::from_fn(move || {
            while left == 0 {
                let (bits, next) = words.next()?;
                (base, left) = (next, *bits);
            }
            let symbol = base + left.trailing_zeros() as SymbolId;
            left &= left - 1;
            Some(symbol)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn present(symbols: &[SymbolId]) -> Present {
        Present::new(200, symbols)
    }

    fn phrase(target: u16, steps: &[&[SymbolId]]) -> Compiled {
        let step = |any_of: &&[SymbolId]| CompiledStep {
            any_of: any_of.to_vec(),
            gap: 6,
        };
        Compiled {
            target,
            languages: LanguageSet::ALL,
            steps: steps.iter().map(step).collect(),
        }
    }

    #[test]
    fn every_bit_is_found_again() {
        let present = present(&[0, 63, 64, 127, 199, 64]);
        let all: Vec<SymbolId> = present.all().collect();
        assert_eq!(all, [0, 63, 64, 127, 199]);
        let ranks: Vec<usize> = all.iter().map(|symbol| present.rank(*symbol)).collect();
        assert_eq!((ranks, present.count()), (vec![0, 1, 2, 3, 4], 5));
    }

    #[test]
    fn a_phrase_is_possible_where_each_step_has_a_word() {
        let mut other = phrase(3, &[&[1]]);
        other.languages = LanguageSet::default();
        let all = [
            phrase(0, &[&[1], &[2, 3], &[1]]),
            phrase(1, &[&[1]]),
            phrase(2, &[&[1], &[150, 151]]),
            other,
        ];
        let phrases = Phrases::new(&all, 200).unwrap();
        let possible = |symbols: &[SymbolId]| {
            let mut found = Vec::new();
            phrases.each_possible(&present(symbols), LanguageSet::ALL, |id| {
                found.push(phrases.target(id));
            });
            found.sort_unstable();
            found
        };
        assert_eq!(possible(&[1]), [1]);
        assert_eq!(possible(&[1, 3]), [0, 1]);
        assert_eq!(possible(&[2, 3, 150]), [0; 0]);
        assert_eq!(possible(&[1, 150, 151]), [1, 2]);
        assert_eq!(possible(&[1, 151]), [1, 2]);
        assert_eq!((phrases.count(), phrases.symbols()), (4, 200));
    }

    #[test]
    fn steps_are_read_as_they_were_written() {
        let phrases = Phrases::new(&[phrase(7, &[&[1], &[2, 3]])], 4).unwrap();
        let steps: Vec<_> = phrases.steps(0).collect();
        assert_eq!(steps, [(6, &[1][..]), (6, &[2, 3])]);
    }
}
