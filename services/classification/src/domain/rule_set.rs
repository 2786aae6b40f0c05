//! A rule set: data read, checked and compiled once, then only read.

use liaison_types::{DeskCode, IccsCode, Tag, UnitCode};

use super::language::LanguageDetector;
use super::lexicon::Lexicon;
use super::phrase::{MAX_GAPS, MAX_PHRASES, MAX_STEPS};
use super::provisions::Provisions;
use super::rule_set_build;
use super::rule_set_files::{RuleSetFiles, TagRuleData, TextData};
use super::wording::{Model, ModelError};

/// Why files are no rule set. Names the place, so that whoever wrote them can mend it.
#[derive(Debug, thiserror::Error)]
pub enum RuleSetError {
    /// A file does not have the form it must have.
    #[error("{file} is not in the form of its kind")]
    Form {
        /// Which file.
        file: String,
        /// What and where.
        #[source]
        source: toml::de::Error,
    },
    /// Something is named that does not exist.
    #[error("{place}: there is no {name:?}")]
    Unknown {
        /// Who names it.
        place: String,
        /// What is named.
        name: String,
    },
    /// Two concepts have the same id.
    #[error("{0}: there are two of this id")]
    Duplicate(String),
    /// A phrase is not in the notation of the lexicon.
    #[error("{concept}: {phrase:?} is not in the notation of the lexicon")]
    Phrase {
        /// The concept.
        concept: String,
        /// The phrase.
        phrase: String,
    },
    /// A phrase would take too long to be looked for.
    #[error(
        "{concept}: {phrase:?} has more than {MAX_STEPS} words or {MAX_GAPS} gaps, or stands for more than {MAX_PHRASES} phrases; write several"
    )]
    LongPhrase {
        /// The concept.
        concept: String,
        /// The phrase.
        phrase: String,
    },
    /// The model of the wording cannot be read.
    #[error("model.bin cannot be read")]
    Model(#[source] ModelError),
    /// A value is outside what it may be.
    #[error("{0}: outside what it may be")]
    Value(String),
}

/// A unit and its desks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitInfo {
    /// The unit.
    pub code: UnitCode,
    /// Its desks; the first is the default.
    pub desks: Vec<DeskCode>,
}

/// A concept of the lexicon, without its phrases.
#[derive(Clone, Debug, PartialEq)]
pub struct ConceptInfo {
    /// The id, the same in every language.
    pub id: String,
    /// What it is about, for people.
    pub about: String,
    /// The desk of its unit it points to.
    pub desk: Option<DeskCode>,
    /// The offence it suggests.
    pub iccs: Option<IccsCode>,
    /// What it adds for each unit in the order of [`RuleSet::units`], then for "none".
    pub weights: Vec<f64>,
    /// The position of the answer it was written for: a unit's, or the number of units for "none".
    pub written_for: Option<usize>,
}

/// A row of the table of declared offences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRow {
    /// The code and all below it.
    pub prefix: IccsCode,
    /// Only with this tag.
    pub tag: Option<Tag>,
    /// What it is, for people.
    pub title: String,
    /// The unit it leads to.
    pub unit: Option<UnitCode>,
    /// The unit's desk.
    pub desk: Option<DeskCode>,
    /// Whether such an offence is normally referred at all.
    pub referable: bool,
    /// Whether it raises the question of Article 3.
    pub article_3: bool,
    /// Whether the title was checked against a public source.
    pub verified: bool,
}

impl CodeRow {
    /// The row's id in reasons: `code.0701` or `code.0701.Cy`.
    #[must_use]
    pub fn id(&self) -> String {
        match self.tag {
            Some(tag) => format!("code.{}.{tag}", self.prefix),
            None => format!("code.{}", self.prefix),
        }
    }
}

/// What a phrase that was found is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Evidence,
    Mention,
    Steering,
    Urgency,
    NegatesNext,
    NegatesPrevious,
}

/// Concepts that stand close together, as a concept of its own.
#[derive(Debug)]
pub(super) struct Combination {
    pub(super) concept: usize,
    pub(super) all: Vec<Vec<usize>>,
    pub(super) within: u32,
}

/// A unit that goes first where another would lead.
#[derive(Debug)]
pub(super) struct First {
    pub(super) id: String,
    pub(super) lead: usize,
    pub(super) over: usize,
    pub(super) share: f64,
    pub(super) concepts: Vec<usize>,
}

/// A checked and compiled rule set. Building takes some milliseconds; deciding only reads it.
#[derive(Debug)]
pub struct RuleSet {
    pub(super) version: String,
    pub(super) units: Vec<UnitInfo>,
    pub(super) review_desk: DeskCode,
    pub(super) first: Vec<First>,
    pub(super) text: TextData,
    pub(super) codes: Vec<CodeRow>,
    pub(super) provisions: Provisions,
    pub(super) tag_rules: Vec<TagRuleData>,
    pub(super) concepts: Vec<ConceptInfo>,
    pub(super) roles: Vec<Role>,
    pub(super) combinations: Vec<Combination>,
    pub(super) bias: Vec<f64>,
    pub(super) temperature: f64,
    pub(super) model: Option<Model>,
    pub(super) lexicon: Lexicon,
    pub(super) detector: LanguageDetector,
}

impl RuleSet {
    /// The rule set this crate was built with.
    ///
    /// # Errors
    /// Never for the files as committed: a test builds them.
    pub fn embedded() -> Result<Self, RuleSetError> {
        Self::new(&RuleSetFiles::embedded())
    }

    /// Reads, checks and compiles a rule set.
    ///
    /// # Errors
    /// [`RuleSetError`] names the file, concept or phrase that is wrong.
    pub fn new(files: &RuleSetFiles<'_>) -> Result<Self, RuleSetError> {
        rule_set_build::build(files)
    }

    /// The version, as decisions name it.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The version of the model of the wording, as decisions name it; empty where there is none.
    #[must_use]
    pub fn model_version(&self) -> &str {
        self.model.as_ref().map_or("", Model::version)
    }

    /// The units, the one that goes first among equals first.
    #[must_use]
    pub fn units(&self) -> &[UnitInfo] {
        &self.units
    }

    /// The desk where people decide.
    #[must_use]
    pub fn review_desk(&self) -> &DeskCode {
        &self.review_desk
    }

    pub(super) const fn provisions(&self) -> &Provisions {
        &self.provisions
    }

    /// The table of declared offences.
    #[must_use]
    pub fn codes(&self) -> &[CodeRow] {
        &self.codes
    }

    /// All concepts of the lexicon.
    #[must_use]
    pub fn concepts(&self) -> &[ConceptInfo] {
        &self.concepts
    }

    /// How many phrases and distinct words the lexicon has.
    #[must_use]
    pub fn lexicon_size(&self) -> (usize, usize) {
        self.lexicon.size()
    }

    pub(super) fn role(&self, target: u16) -> Role {
        self.roles[usize::from(target)]
    }

    pub(super) fn is_urgency(&self, concept: usize) -> bool {
        self.roles[concept] == Role::Urgency
    }

    pub(super) fn combinations(&self) -> &[Combination] {
        &self.combinations
    }

    pub(super) fn first(&self) -> &[First] {
        &self.first
    }

    pub(super) const fn text(&self) -> &TextData {
        &self.text
    }

    pub(super) fn tag_rules(&self) -> &[TagRuleData] {
        &self.tag_rules
    }

    pub(super) fn bias(&self) -> &[f64] {
        &self.bias
    }

    pub(super) const fn temperature(&self) -> f64 {
        self.temperature
    }

    pub(super) const fn model(&self) -> Option<&Model> {
        self.model.as_ref()
    }

    pub(super) const fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }

    pub(super) const fn detector(&self) -> &LanguageDetector {
        &self.detector
    }

    pub(super) fn unit_index(&self, unit: &UnitCode) -> Option<usize> {
        self.units.iter().position(|info| info.code == *unit)
    }
}
