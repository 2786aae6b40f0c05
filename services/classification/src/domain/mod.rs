//! The pure decision: which unit leads, which support, and why.
//!
//! [`decide`] is a function of a [`RuleSet`] and an [`Input`] and of nothing else: same rule set, same
//! input, same [`Decision`], byte for byte. It reads no clock, no file and no network.
//!
//! 1. **Declared offences** (`codes`): ICCS code and tags by a table, longest prefix first; where no code is given, the
//!    national provision by tables of laws (`provisions`).
//! 2. **The text** (`text`, `lexicon`, `evidence`, `score`): concepts in four languages, counted once
//!    each however often they are repeated, weighed by a linear model whose weights are data; and the
//!    wording (`ngrams`, `wording`), which adds what is learned of how such things are put.
//! 3. **People**: whatever is uncertain or contradictory is a [`Outcome::Review`] with a proposal.
//!
//! Reasons name rules, codes and concepts with weights and byte offsets; they never hold words of the
//! text, so they may be stored, logged and sent where the text may not go.

#[cfg(test)]
mod bad_input;
mod codes;
mod decide;
mod decision;
#[cfg(test)]
mod declared;
mod evidence;
mod filter;
#[cfg(test)]
mod fixtures;
mod input;
mod known;
mod language;
#[cfg(test)]
mod learned;
mod lexicon;
mod ngrams;
mod phrase;
mod phrases;
mod positions;
mod provisions;
mod rule_set;
mod rule_set_build;
mod rule_set_files;
mod score;
#[cfg(test)]
mod tests;
mod text;
mod vocabulary;
mod weights;
mod word_form;
mod word_hash;
mod wording;

pub use decide::decide;
pub use decision::{
    Basis, ConceptFound, Decimal, Decision, Field, OffenceSuggestion, Outcome, Reason, Span,
    UnitProbability, UrgencyHint,
};
pub use evidence::Feature;
pub use input::{DeclaredOffence, Input};
pub use rule_set::{CodeRow, ConceptInfo, RuleSet, RuleSetError, UnitInfo};
pub use rule_set_files::RuleSetFiles;
pub use wording::ModelError;
