//! What is decided: a route or a review, with the reasons.

use std::fmt;

use liaison_types::{DeskCode, IccsCode, Language, Tag, UnitCode};
use serde::{Deserialize, Serialize};

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Whether the machine routes by itself or people decide.
    pub outcome: Outcome,
    /// The unit that leads. On a review this is the proposal; `None` proposes "none of the units".
    pub lead: Option<UnitCode>,
    /// The units that support, never the lead, in the order of the rule set.
    pub supporting: Vec<UnitCode>,
    /// The lead's desk on a route, the triage desk on a review.
    pub desk: DeskCode,
    /// What the decision rests on.
    pub basis: Basis,
    /// One probability per unit in the order of the rule set, from the text alone.
    pub probabilities: Vec<UnitProbability>,
    /// The probability that the text belongs to none of the units. With `probabilities` it makes 1,
    /// but for rounding.
    pub none_probability: Decimal,
    /// Why, most important first within each kind: rules, codes, concepts.
    pub reasons: Vec<Reason>,
    /// ICCS codes the text suggests, best first, at most five.
    pub suggestions: Vec<OffenceSuggestion>,
    /// Signs in the text that the case may be more pressing than it was called: a question to people, never an answer.
    pub urgency: Vec<UrgencyHint>,
    /// The language the text is in, as far as it could be told.
    pub language: Option<Language>,
    /// A declared offence may be of a political, military, religious or racial character: people must
    /// look at it before anybody acts.
    pub article_3: bool,
    /// The version of the rule set that made this decision.
    pub rule_set: String,
    /// The version of the model of the wording that took part; empty where none did.
    pub model: String,
}

/// Route or review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The lead may be given the referral.
    Route,
    /// The triage desk decides.
    Review,
}

/// What a decision rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// The declared codes and tags.
    Codes,
    /// The text.
    Text,
}

/// A unit and its probability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnitProbability {
    /// The unit.
    pub unit: UnitCode,
    /// From 0 to 1.
    pub probability: Decimal,
}

/// An offence the text suggests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OffenceSuggestion {
    /// The ICCS code.
    pub iccs: IccsCode,
    /// The sum of the weights of the concepts that suggest it.
    pub weight: Decimal,
}

/// A sign that a case may be pressing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UrgencyHint {
    /// The concept's id, the same in every language.
    pub id: String,
    /// Where, at most four places.
    pub spans: Vec<Span>,
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Reason {
    /// A rule applied.
    Rule {
        /// The rule's id, for example `text.uncertain`.
        id: String,
    },
    /// A declared code or its tag was read.
    Code {
        /// The row or tag rule of the table that applied.
        id: String,
        /// The declared code, where one was given.
        #[serde(skip_serializing_if = "Option::is_none")]
        iccs: Option<IccsCode>,
        /// Its tags.
        tags: Vec<Tag>,
        /// The unit it speaks for.
        #[serde(skip_serializing_if = "Option::is_none")]
        unit: Option<UnitCode>,
        /// Whether the row was checked against a public source.
        verified: bool,
    },
    /// A concept was found in the text.
    Concept(ConceptFound),
    /// What the wording of the text added beside the concepts.
    Wording {
        /// The lead it was weighed for; `None` for none of the units.
        unit: Option<UnitCode>,
        /// How much it added for that answer, against the mean of all; below zero where it speaks against it.
        weight: Decimal,
        /// The words that added most, at most four.
        spans: Vec<Span>,
    },
}

/// A concept found in the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConceptFound {
    /// The concept's id, the same in every language.
    pub id: String,
    /// The unit it speaks for most; `None` where it speaks for none of them.
    pub unit: Option<UnitCode>,
    /// How much it added for that unit, against the mean of all answers.
    pub weight: Decimal,
    /// How often it was found (counted up to 64).
    pub count: u32,
    /// Where, at most four places.
    pub spans: Vec<Span>,
}

/// A place in the input, in bytes of the text as given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// Which text.
    pub field: Field,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// The texts a span may point into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// [`Input::title`](super::Input::title).
    Title,
    /// [`Input::narrative`](super::Input::narrative).
    Narrative,
}

/// A number with four decimals, kept whole so that decisions compare and repeat exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i32);

impl Decimal {
    /// Ten-thousandths.
    pub const SCALE: i32 = 10_000;

    /// The nearest number with four decimals, within ±200,000; not a number counts as zero.
    #[must_use]
    pub fn from_f64(value: f64) -> Self {
        let scaled = (value * f64::from(Self::SCALE)).round();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a float cast saturates, and NaN becomes zero"
        )]
        Self(scaled as i32)
    }

    /// The number.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / f64::from(Self::SCALE)
    }

    /// The number in ten-thousandths.
    #[must_use]
    pub const fn ten_thousandths(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.4}", self.as_f64())
    }
}

impl Serialize for Decimal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_f64())
    }
}
