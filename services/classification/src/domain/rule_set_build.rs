//! Making a rule set of its files: reading, checking every name and value, compiling.

use std::collections::BTreeMap;

use liaison_types::{DeskCode, Language, UnitCode};
use serde::de::DeserializeOwned;

use super::language::{LanguageData, LanguageDetector, LanguageSet};
use super::lexicon::LexiconBuilder;
use super::phrase::PhraseError;
use super::provisions::Provisions;
use super::rule_set::{
    CodeRow, Combination, ConceptInfo, First, Role, RuleSet, RuleSetError, UnitInfo,
};
use super::rule_set_files::{
    CodesData, CombinationData, ConceptData, LanguagesData, LexiconData, RoleData, RuleSetData,
    RuleSetFiles, WeightsData,
};
use super::wording::Model;

/// The name of the answer that is no unit, in the data files.
const NONE: &str = "none";

/// Reads, checks and compiles.
pub(super) fn build(files: &RuleSetFiles<'_>) -> Result<RuleSet, RuleSetError> {
    let rules: RuleSetData = read("rule_set.toml", files.rule_set)?;
    let codes: CodesData = read("codes.toml", files.codes)?;
    let provisions = if files.provisions.is_empty() {
        Provisions::default()
    } else {
        Provisions::new(read("provisions.toml", files.provisions)?)?
    };
    let languages: LanguagesData = read("languages.toml", files.languages)?;
    let weights: WeightsData = read("weights.toml", files.weights)?;
    let mut build = Build::new(&rules)?;
    // By name, so that the same files are the same rule set whoever lists them.
    let mut lexicon = files.lexicon.clone();
    lexicon.sort_unstable();
    for (name, text) in &lexicon {
        let data: LexiconData = read(name, text)?;
        for concept in &data.concept {
            build.concept(concept)?;
        }
        build.pending.extend(data.combination);
    }
    build.all_combinations()?;
    build.languages(&languages)?;
    let bias = build.apply(&weights)?;
    let text = TextModel {
        bias,
        temperature: checked(weights.temperature)?,
        model: build.model(files.model)?,
    };
    let mut rules = build.finish(rules, codes, &languages, text)?;
    rules.provisions = provisions;
    Ok(rules)
}

fn read<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, RuleSetError> {
    toml::from_str(text).map_err(|source| RuleSetError::Form {
        file: file.to_owned(),
        source,
    })
}

/// Scores are divided by it.
fn checked(temperature: f64) -> Result<f64, RuleSetError> {
    if (0.05..=100.0).contains(&temperature) {
        Ok(temperature)
    } else {
        Err(RuleSetError::Value("weights.toml temperature".to_owned()))
    }
}

/// What texts are weighed with besides the concepts.
struct TextModel {
    bias: Vec<f64>,
    temperature: f64,
    model: Option<Model>,
}

/// A rule set in the making.
struct Build {
    /// Units, then "none".
    answers: Vec<String>,
    units: Vec<UnitInfo>,
    strength: BTreeMap<String, f64>,
    concepts: Vec<ConceptInfo>,
    roles: Vec<Role>,
    by_id: BTreeMap<String, usize>,
    pending: Vec<CombinationData>,
    combinations: Vec<Combination>,
    lexicon: LexiconBuilder,
}

impl Build {
    fn new(rules: &RuleSetData) -> Result<Self, RuleSetError> {
        let units: Vec<UnitInfo> = rules
            .unit
            .iter()
            .map(|unit| UnitInfo {
                code: unit.code.clone(),
                desks: unit.desks.clone(),
            })
            .collect();
        let wrong = |unit: &UnitInfo| unit.desks.is_empty() || unit.code.as_str() == NONE;
        if units.is_empty() || units.iter().any(wrong) {
            return Err(RuleSetError::Value("unit".to_owned()));
        }
        if rules.strength.values().any(|weight| !weight.is_finite()) {
            return Err(RuleSetError::Value("strength".to_owned()));
        }
        let names = units.iter().map(|unit| unit.code.as_str().to_owned());
        Ok(Self {
            answers: names.chain([NONE.to_owned()]).collect(),
            units,
            strength: rules.strength.clone(),
            concepts: Vec::new(),
            roles: Vec::new(),
            by_id: BTreeMap::new(),
            pending: Vec::new(),
            combinations: Vec::new(),
            lexicon: LexiconBuilder::default(),
        })
    }

    fn answer(&self, place: &str, name: &str) -> Result<usize, RuleSetError> {
        self.answers
            .iter()
            .position(|known| known == name)
            .ok_or_else(|| unknown(place, name))
    }

    fn unit(&self, place: &str, unit: &UnitCode) -> Result<usize, RuleSetError> {
        let index = self.units.iter().position(|info| info.code == *unit);
        index.ok_or_else(|| unknown(place, unit.as_str()))
    }

    fn known_concept(&self, place: &str, id: &str) -> Result<usize, RuleSetError> {
        self.by_id
            .get(id)
            .copied()
            .ok_or_else(|| unknown(place, id))
    }

    fn check_desk(
        &self,
        place: &str,
        unit: Option<usize>,
        desk: Option<&DeskCode>,
    ) -> Result<(), RuleSetError> {
        let Some(desk) = desk else { return Ok(()) };
        let known = unit
            .and_then(|unit| self.units.get(unit))
            .is_some_and(|unit| unit.desks.contains(desk));
        if known {
            Ok(())
        } else {
            Err(unknown(place, desk.as_str()))
        }
    }

    fn weights(
        &self,
        place: &str,
        unit: Option<&str>,
        strength: Option<&str>,
    ) -> Result<(Vec<f64>, Option<usize>), RuleSetError> {
        let mut weights = vec![0.0; self.answers.len()];
        let Some(unit) = unit else {
            return Ok((weights, None));
        };
        let strength = strength.unwrap_or_default();
        let answer = self.answer(place, unit)?;
        weights[answer] = *self
            .strength
            .get(strength)
            .ok_or_else(|| unknown(place, strength))?;
        Ok((weights, Some(answer)))
    }

    fn add(&mut self, role: Role, info: ConceptInfo) -> Result<usize, RuleSetError> {
        let index = self.concepts.len();
        if self.by_id.insert(info.id.clone(), index).is_some() {
            return Err(RuleSetError::Duplicate(info.id));
        }
        self.concepts.push(info);
        self.roles.push(role);
        Ok(index)
    }

    fn concept(&mut self, data: &ConceptData) -> Result<(), RuleSetError> {
        let (weights, written_for) =
            self.weights(&data.id, data.unit.as_deref(), data.strength.as_deref())?;
        self.check_desk(&data.id, written_for, data.desk.as_ref())?;
        let role = match data.role {
            RoleData::Evidence => Role::Evidence,
            RoleData::Mention => Role::Mention,
            RoleData::Steering => Role::Steering,
            RoleData::Urgency => Role::Urgency,
        };
        let index = self.add(
            role,
            ConceptInfo {
                id: data.id.clone(),
                about: data.about.clone(),
                desk: data.desk.clone(),
                iccs: data.iccs.clone(),
                weights,
                written_for,
            },
        )?;
        let by_language = [
            (LanguageSet::ALL, &data.any),
            (LanguageSet::of(Language::Ar), &data.ar),
            (LanguageSet::of(Language::En), &data.en),
            (LanguageSet::of(Language::Es), &data.es),
            (LanguageSet::of(Language::Fr), &data.fr),
        ];
        for (languages, phrases) in by_language {
            // Whoever steers writes in the language that he takes the machine's to be, not in the report's.
            let languages = match role {
                Role::Steering => LanguageSet::ALL,
                _ => languages,
            };
            self.phrases(&data.id, index, languages, phrases)?;
        }
        Ok(())
    }

    fn phrases(
        &mut self,
        place: &str,
        target: usize,
        languages: LanguageSet,
        phrases: &[String],
    ) -> Result<(), RuleSetError> {
        let target = u16::try_from(target).map_err(|_| RuleSetError::Value(place.to_owned()))?;
        for phrase in phrases {
            self.lexicon
                .add(target, languages, phrase)
                .map_err(|error| {
                    let (concept, phrase) = (place.to_owned(), phrase.clone());
                    match error {
                        PhraseError::Notation => RuleSetError::Phrase { concept, phrase },
                        PhraseError::Long => RuleSetError::LongPhrase { concept, phrase },
                    }
                })?;
        }
        Ok(())
    }

    /// Combinations come last, so that they may name concepts of any file. They do not nest.
    fn all_combinations(&mut self) -> Result<(), RuleSetError> {
        for data in std::mem::take(&mut self.pending) {
            let all = data
                .all
                .iter()
                .map(|group| {
                    group
                        .iter()
                        .map(|id| self.known_concept(&data.id, id))
                        .collect()
                })
                .collect::<Result<Vec<Vec<_>>, _>>()?;
            if all.len() < 2 || all.len() > 8 {
                return Err(RuleSetError::Value(data.id));
            }
            let (weights, written_for) =
                self.weights(&data.id, Some(&data.unit), Some(&data.strength))?;
            self.check_desk(&data.id, written_for, data.desk.as_ref())?;
            let concept = self.add(
                Role::Evidence,
                ConceptInfo {
                    id: data.id,
                    about: data.about,
                    desk: data.desk,
                    iccs: data.iccs,
                    weights,
                    written_for,
                },
            )?;
            self.combinations.push(Combination {
                concept,
                all,
                within: data.within,
            });
        }
        Ok(())
    }

    fn languages(&mut self, data: &LanguagesData) -> Result<(), RuleSetError> {
        let next = self.concepts.len();
        self.roles
            .extend([Role::NegatesNext, Role::NegatesPrevious]);
        for (language, data) in each_language(data) {
            let set = LanguageSet::of(language);
            self.phrases(language.tag(), next, set, &data.negates_next)?;
            self.phrases(language.tag(), next + 1, set, &data.negates_previous)?;
        }
        Ok(())
    }

    /// Replaces the strengths by the fitted weights, where there are any, and returns the bias.
    fn apply(&mut self, data: &WeightsData) -> Result<Vec<f64>, RuleSetError> {
        let place = "weights.toml";
        let mut bias = vec![0.0; self.answers.len()];
        for (answer, value) in &data.bias {
            bias[self.answer(place, answer)?] = *value;
        }
        for (id, fitted) in &data.weight {
            let concept = self.known_concept(place, id)?;
            let mut weights = vec![0.0; self.answers.len()];
            for (answer, value) in fitted {
                weights[self.answer(id, answer)?] = *value;
            }
            self.concepts[concept].weights = weights;
        }
        let all = bias
            .iter()
            .chain(self.concepts.iter().flat_map(|concept| &concept.weights));
        if all
            .into_iter()
            .any(|value| !value.is_finite() || value.abs() > 100.0)
        {
            return Err(RuleSetError::Value(place.to_owned()));
        }
        Ok(bias)
    }

    fn model(&self, bytes: &[u8]) -> Result<Option<Model>, RuleSetError> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let model = Model::read(bytes, &self.answers);
        model.map(Some).map_err(RuleSetError::Model)
    }

    fn code_rows(&self, codes: CodesData) -> Result<Vec<CodeRow>, RuleSetError> {
        codes
            .code
            .into_iter()
            .map(|row| {
                let place = format!("codes.toml {}", row.prefix);
                let unit = row
                    .unit
                    .as_ref()
                    .map(|unit| self.unit(&place, unit))
                    .transpose()?;
                self.check_desk(&place, unit, row.desk.as_ref())?;
                Ok(CodeRow {
                    prefix: row.prefix,
                    tag: row.tag,
                    title: row.title,
                    unit: row.unit,
                    desk: row.desk,
                    referable: row.referable,
                    article_3: row.article_3,
                    verified: row.verified,
                })
            })
            .collect()
    }

    fn finish(
        self,
        rules: RuleSetData,
        mut codes: CodesData,
        languages: &LanguagesData,
        text: TextModel,
    ) -> Result<RuleSet, RuleSetError> {
        let tag_rules = std::mem::take(&mut codes.tag_rule);
        for rule in &tag_rules {
            let lead = rule
                .lead
                .as_ref()
                .map(|unit| self.unit(&rule.id, unit))
                .transpose()?;
            self.check_desk(&rule.id, lead, rule.desk.as_ref())?;
            rule.supporting
                .as_ref()
                .map(|unit| self.unit(&rule.id, unit))
                .transpose()?;
        }
        let first = rules
            .first
            .iter()
            .map(|first| {
                let concepts = first
                    .concepts
                    .iter()
                    .map(|id| self.known_concept(&first.id, id));
                Ok(First {
                    id: first.id.clone(),
                    lead: self.unit(&first.id, &first.lead)?,
                    over: self.unit(&first.id, &first.over)?,
                    share: first.share,
                    concepts: concepts.collect::<Result<_, RuleSetError>>()?,
                })
            })
            .collect::<Result<_, RuleSetError>>()?;
        let codes = self.code_rows(codes)?;
        let lexicon = self
            .lexicon
            .build(self.roles.len())
            .map_err(|_| RuleSetError::Value("lexicon".to_owned()))?;
        Ok(RuleSet {
            version: rules.version,
            units: self.units,
            review_desk: rules.review.desk,
            first,
            text: rules.text,
            codes,
            provisions: Provisions::default(),
            tag_rules,
            concepts: self.concepts,
            roles: self.roles,
            combinations: self.combinations,
            bias: text.bias,
            temperature: text.temperature,
            model: text.model,
            lexicon,
            detector: LanguageDetector::new(each_language(languages)),
        })
    }
}

fn each_language(data: &LanguagesData) -> impl Iterator<Item = (Language, &LanguageData)> {
    [
        (Language::Ar, &data.ar),
        (Language::En, &data.en),
        (Language::Es, &data.es),
        (Language::Fr, &data.fr),
    ]
    .into_iter()
}

fn unknown(place: &str, name: &str) -> RuleSetError {
    RuleSetError::Unknown {
        place: place.to_owned(),
        name: name.to_owned(),
    }
}
