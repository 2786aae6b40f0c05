//! The files a rule set is made of, and their form.

use std::collections::BTreeMap;

use liaison_types::{DeskCode, IccsCode, Tag, UnitCode};
use serde::Deserialize;

use super::language::LanguageData;

/// The texts of the files of one rule set.
#[derive(Clone, Debug)]
pub struct RuleSetFiles<'a> {
    /// Units, desks, thresholds.
    pub rule_set: &'a str,
    /// The table of declared offences.
    pub codes: &'a str,
    /// The tables of national provisions; empty where there are none.
    pub provisions: &'a str,
    /// How languages are told apart and how they deny.
    pub languages: &'a str,
    /// The fitted weights of the concepts, and the temperature of the whole.
    pub weights: &'a str,
    /// The model of the wording, in the form of `wording.rs`; empty where there is none.
    pub model: &'a [u8],
    /// The lexicon: name and text of each file, in any order.
    pub lexicon: Vec<(&'a str, &'a str)>,
}

macro_rules! data {
    ($path:literal) => {
        include_str!(concat!("../../data/", $path))
    };
}

impl RuleSetFiles<'static> {
    /// What was measured when the weights and the model of this build were learned: for people; nothing is
    /// decided by it.
    #[must_use]
    pub const fn embedded_report() -> &'static str {
        data!("report.toml")
    }

    /// The files this crate was built with.
    #[must_use]
    pub fn embedded() -> Self {
        Self {
            rule_set: data!("rule_set.toml"),
            codes: data!("codes.toml"),
            provisions: data!("provisions.toml"),
            languages: data!("languages.toml"),
            weights: data!("weights.toml"),
            model: include_bytes!("../../data/model.bin"),
            lexicon: vec![
                ("children.toml", data!("lexicon/children.toml")),
                ("trafficking.toml", data!("lexicon/trafficking.toml")),
                ("migrants.toml", data!("lexicon/migrants.toml")),
                ("cyber.toml", data!("lexicon/cyber.toml")),
                ("online-fraud.toml", data!("lexicon/online-fraud.toml")),
                ("narcotics.toml", data!("lexicon/narcotics.toml")),
                (
                    "organized-crime.toml",
                    data!("lexicon/organized-crime.toml"),
                ),
                ("terrorism.toml", data!("lexicon/terrorism.toml")),
                ("attacks.toml", data!("lexicon/attacks.toml")),
                ("children-signs.toml", data!("lexicon/children-signs.toml")),
                (
                    "trafficking-signs.toml",
                    data!("lexicon/trafficking-signs.toml"),
                ),
                ("cyber-signs.toml", data!("lexicon/cyber-signs.toml")),
                ("fraud-signs.toml", data!("lexicon/fraud-signs.toml")),
                ("drugs-signs.toml", data!("lexicon/drugs-signs.toml")),
                ("groups-signs.toml", data!("lexicon/groups-signs.toml")),
                (
                    "terrorism-signs.toml",
                    data!("lexicon/terrorism-signs.toml"),
                ),
                ("near-misses.toml", data!("lexicon/near-misses.toml")),
                ("other.toml", data!("lexicon/other.toml")),
                ("context.toml", data!("lexicon/context.toml")),
                ("steering.toml", data!("lexicon/steering.toml")),
                ("urgency.toml", data!("lexicon/urgency.toml")),
            ],
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleSetData {
    pub(super) version: String,
    #[serde(rename = "source")]
    pub(super) _source: String,
    pub(super) unit: Vec<UnitData>,
    pub(super) review: ReviewData,
    #[serde(default)]
    pub(super) first: Vec<FirstData>,
    pub(super) text: TextData,
    pub(super) strength: BTreeMap<String, f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnitData {
    pub(super) code: UnitCode,
    pub(super) desks: Vec<DeskCode>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReviewData {
    pub(super) desk: DeskCode,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FirstData {
    pub(super) id: String,
    pub(super) lead: UnitCode,
    pub(super) over: UnitCode,
    pub(super) share: f64,
    pub(super) concepts: Vec<String>,
}

/// When the machine may route from the text; see rule_set.toml for the meaning of each.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TextData {
    pub(super) route_probability: f64,
    pub(super) route_margin: f64,
    pub(super) route_concepts: usize,
    pub(super) route_words: usize,
    pub(super) strong_evidence: f64,
    pub(super) contradiction_probability: f64,
    pub(super) contradiction_remaining: f64,
    pub(super) contradiction_concepts: usize,
    pub(super) supporting_probability: f64,
    pub(super) supporting_evidence: f64,
    pub(super) none_probability: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodesData {
    #[serde(rename = "source")]
    pub(super) _source: String,
    pub(super) code: Vec<CodeData>,
    #[serde(default)]
    pub(super) tag_rule: Vec<TagRuleData>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeData {
    pub(super) prefix: IccsCode,
    pub(super) tag: Option<Tag>,
    pub(super) title: String,
    pub(super) unit: Option<UnitCode>,
    pub(super) desk: Option<DeskCode>,
    #[serde(default = "yes")]
    pub(super) referable: bool,
    #[serde(default)]
    pub(super) article_3: bool,
    pub(super) verified: bool,
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TagRuleData {
    pub(super) id: String,
    pub(super) tag: Tag,
    #[serde(default)]
    pub(super) within: Vec<IccsCode>,
    pub(super) lead: Option<UnitCode>,
    pub(super) desk: Option<DeskCode>,
    /// Keep the desk of the code's own row where that row leads to the same unit.
    #[serde(default)]
    pub(super) own_desk: bool,
    pub(super) supporting: Option<UnitCode>,
    #[serde(rename = "source")]
    pub(super) _source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LanguagesData {
    pub(super) ar: LanguageData,
    pub(super) en: LanguageData,
    pub(super) es: LanguageData,
    pub(super) fr: LanguageData,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WeightsData {
    #[serde(rename = "source")]
    pub(super) _source: String,
    #[serde(default = "one")]
    pub(super) temperature: f64,
    pub(super) bias: BTreeMap<String, f64>,
    #[serde(default)]
    pub(super) weight: BTreeMap<String, BTreeMap<String, f64>>,
}

const fn one() -> f64 {
    1.0
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LexiconData {
    #[serde(default)]
    pub(super) concept: Vec<ConceptData>,
    #[serde(default)]
    pub(super) combination: Vec<CombinationData>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RoleData {
    #[default]
    Evidence,
    Mention,
    Steering,
    Urgency,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConceptData {
    pub(super) id: String,
    pub(super) about: String,
    #[serde(default)]
    pub(super) role: RoleData,
    /// A unit or "none".
    pub(super) unit: Option<String>,
    pub(super) strength: Option<String>,
    pub(super) desk: Option<DeskCode>,
    pub(super) iccs: Option<IccsCode>,
    /// Names that are the same in every language.
    #[serde(default)]
    pub(super) any: Vec<String>,
    #[serde(default)]
    pub(super) ar: Vec<String>,
    #[serde(default)]
    pub(super) en: Vec<String>,
    #[serde(default)]
    pub(super) es: Vec<String>,
    #[serde(default)]
    pub(super) fr: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CombinationData {
    pub(super) id: String,
    pub(super) about: String,
    pub(super) unit: String,
    pub(super) strength: String,
    pub(super) desk: Option<DeskCode>,
    pub(super) iccs: Option<IccsCode>,
    pub(super) all: Vec<Vec<String>>,
    pub(super) within: u32,
}
