//! Codes first, text second, people third.

use liaison_types::{DeskCode, IccsCode, UnitCode};

use super::codes::{self, Claim, Declared};
use super::decision::{
    Basis, ConceptFound, Decimal, Decision, OffenceSuggestion, Outcome, Reason, UnitProbability,
    UrgencyHint,
};
use super::evidence::{self, Evidence, Feature};
use super::input::Input;
use super::language::Detected;
use super::ngrams;
use super::rule_set::RuleSet;
use super::score::{self, Scores};
use super::text::Text;

/// Concepts named in the reasons.
const MAX_CONCEPTS: usize = 12;
/// Offences suggested.
const MAX_SUGGESTIONS: usize = 5;

/// Decides which unit an input is for. Pure: the same rule set and input give the same answer.
#[must_use]
pub fn decide(rules: &RuleSet, input: &Input<'_>) -> Decision {
    let declared = codes::read(rules, input.offences);
    let reading = Reading::of(rules, input);
    let verdict = match &declared.lead {
        Some(claim) => by_codes(rules, claim, &declared, &reading),
        None => by_text(rules, &declared, &reading),
    };
    reading.into_decision(rules, declared, verdict)
}

impl RuleSet {
    /// What the text of an input says, before any weight: for reports and for fitting weights.
    #[must_use]
    pub fn features(&self, input: &Input<'_>) -> Vec<Feature> {
        Reading::of(self, input).evidence.features
    }

    /// The words of an input as the model reads them: folded, without what is merely mentioned or denied,
    /// separated by single spaces.
    #[must_use]
    pub fn folded(&self, input: &Input<'_>) -> String {
        let reading = Reading::of(self, input);
        let words = ngrams::unmasked(&reading.text, &reading.evidence.masked);
        let folded: Vec<&str> = words.map(|(_, word)| reading.text.folded(word)).collect();
        folded.join(" ")
    }
}

/// What the text says.
struct Reading {
    text: Text,
    detected: Detected,
    evidence: Evidence,
    scores: Scores,
    /// Answers, most probable first: units by their position, "none" after the last of them.
    ranked: Vec<usize>,
}

/// What was decided, before it is dressed up.
struct Verdict {
    outcome: Outcome,
    lead: Option<usize>,
    supporting: Vec<usize>,
    desk: Option<DeskCode>,
    basis: Basis,
    rules: Vec<String>,
}

impl Reading {
    fn of(rules: &RuleSet, input: &Input<'_>) -> Self {
        let text = Text::read(input.title, input.narrative);
        let detected = rules
            .detector()
            .detect(&text, input.narrative, input.language);
        let found = rules.lexicon().search(&text, detected.readable);
        let evidence = evidence::sift(rules, &text, &found);
        let scores = score::score(rules, &text, detected.language, &evidence);
        let ranked = score::ranked(&scores.probabilities);
        Self {
            text,
            detected,
            evidence,
            scores,
            ranked,
        }
    }

    /// What each concept that speaks for an answer adds for it.
    fn concepts_for(&self, answer: usize) -> impl Iterator<Item = f64> {
        let added = self.scores.contributions.iter();
        added.map(move |all| all[answer]).filter(speaks)
    }

    /// The same, and the wording as one more.
    fn speaking_for(&self, answer: usize) -> impl Iterator<Item = f64> {
        let wording = self.scores.by_wording.get(answer).copied();
        self.concepts_for(answer)
            .chain(wording.into_iter().filter(speaks))
    }

    /// Something about the text itself asks for people.
    fn doubts(&self) -> Option<&'static str> {
        if self.evidence.steering {
            Some("text.addresses-the-classifier")
        } else if self.text.is_cut() {
            Some("text.too-long")
        } else {
            None
        }
    }

    /// Units other than the lead that the concepts speak for when weighed against "none" alone. The wording is
    /// left out: it was learned to tell the lead, and what speaks against "none" for one unit does so for all.
    fn supporting(&self, rules: &RuleSet, lead: usize) -> Vec<usize> {
        let none = rules.units().len();
        (0..none)
            .filter(|unit| {
                *unit != lead
                    && score::against(&self.scores.by_concepts, *unit, none)
                        >= rules.text().supporting_probability
                    && self.concepts_for(*unit).sum::<f64>() >= rules.text().supporting_evidence
                    && self.concepts_for(*unit).count() >= rules.text().route_concepts
            })
            .collect()
    }
}

/// Less than this is noise.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "filters ask with a reference"
)]
fn speaks(added: &f64) -> bool {
    *added > 0.2
}

/// A declared code or tag leads to a unit. The text adds support, and may object.
fn by_codes(rules: &RuleSet, claim: &Claim, declared: &Declared, reading: &Reading) -> Verdict {
    let settings = rules.text();
    let top = reading.ranked[0];
    let probabilities = &reading.scores.probabilities;
    let contradicted = top != claim.unit
        && !declared.supporting.contains(&top)
        && probabilities[top] >= settings.contradiction_probability
        && probabilities[claim.unit] <= settings.contradiction_remaining
        && reading.speaking_for(top).count() >= settings.contradiction_concepts;
    let mut ids = vec![
        if claim.by_tag {
            "codes.tag"
        } else {
            "codes.table"
        }
        .to_owned(),
    ];
    if contradicted {
        ids.push("codes.contradicted-by-text".to_owned());
    }
    // A provision that somebody mapped from memory leads nowhere by itself.
    let unconfirmed = claim.unchecked && top != claim.unit;
    if unconfirmed {
        ids.push("codes.unchecked-provision".to_owned());
    }
    if let Some(doubt) = reading.doubts() {
        ids.push(doubt.to_owned());
    }
    let review = contradicted || unconfirmed || reading.evidence.steering || declared.article_3;
    if declared.article_3 {
        ids.push("codes.article-3".to_owned());
    }
    let mut supporting = declared.supporting.clone();
    supporting.extend(reading.supporting(rules, claim.unit));
    Verdict {
        outcome: if review {
            Outcome::Review
        } else {
            Outcome::Route
        },
        lead: Some(claim.unit),
        supporting,
        desk: claim.desk.clone(),
        basis: Basis::Codes,
        rules: ids,
    }
}

/// No declared code leads to a unit: the text decides, where it is sure.
fn by_text(rules: &RuleSet, declared: &Declared, reading: &Reading) -> Verdict {
    let settings = rules.text();
    let none = rules.units().len();
    let probabilities = &reading.scores.probabilities;
    let mut ids = Vec::new();
    let mut lead = reading.ranked[0];
    // What a unit that goes first takes over counts for it.
    let mut probability = probabilities[lead];
    let mut next = probabilities[reading.ranked[1]];
    for first in rules.first() {
        if lead == first.over && goes_first(first, reading) {
            ids.push(first.id.clone());
            lead = first.lead;
        }
        if lead == first.lead && goes_first(first, reading) {
            probability = probabilities[first.lead] + probabilities[first.over];
            let others = (0..=none).filter(|other| ![first.lead, first.over].contains(other));
            next = others.map(|other| probabilities[other]).fold(0.0, f64::max);
        }
    }
    let added: Vec<f64> = reading.speaking_for(lead).collect();
    let grounds = added.len() >= settings.route_concepts
        || added.iter().any(|added| *added >= settings.strong_evidence);
    let sure = lead != none
        && grounds
        && reading.text.words().len() >= settings.route_words
        && probability >= settings.route_probability
        && probability - next >= settings.route_margin;
    let mut outcome = Outcome::Review;
    let mut object = |id: &str| ids.push(id.to_owned());
    if declared.not_referable {
        object("codes.not-referable");
    } else if declared.article_3 {
        object("codes.article-3");
    } else if let Some(doubt) = reading.doubts() {
        object(doubt);
    } else if reading.evidence.features.is_empty() {
        object("text.says-nothing");
    } else if sure {
        object("text.sure");
        outcome = Outcome::Route;
    } else if lead == none && probability >= settings.none_probability {
        object("text.none-of-the-units");
    } else {
        object("text.uncertain");
    }
    let lead = (lead != none && !declared.not_referable).then_some(lead);
    let mut supporting = declared.supporting.clone();
    if let Some(lead) = lead {
        supporting.extend(reading.supporting(rules, lead));
        let overtaken = rules.first().iter().filter(|first| ids.contains(&first.id));
        supporting.extend(overtaken.map(|first| first.over));
    }
    let desk = lead.and_then(|lead| desk_of_text(rules, reading, lead));
    Verdict {
        outcome,
        lead,
        supporting,
        desk,
        basis: Basis::Text,
        rules: ids,
    }
}

/// Whether a unit goes before the one the text leans to.
fn goes_first(first: &super::rule_set::First, reading: &Reading) -> bool {
    let own = reading.scores.probabilities[first.lead];
    let both = own + reading.scores.probabilities[first.over];
    own >= first.share * both
        || reading
            .evidence
            .features
            .iter()
            .any(|feature| first.concepts.contains(&feature.concept))
}

/// The desk of the unit that most of the evidence points to.
fn desk_of_text(rules: &RuleSet, reading: &Reading, unit: usize) -> Option<DeskCode> {
    let desks = &rules.units()[unit].desks;
    let mut weights = vec![0.0; desks.len()];
    let features = reading
        .evidence
        .features
        .iter()
        .zip(&reading.scores.contributions);
    for (feature, contributions) in features {
        let concept = &rules.concepts()[feature.concept];
        if concept.written_for == Some(unit)
            && let Some(desk) = &concept.desk
            && let Some(at) = desks.iter().position(|known| known == desk)
        {
            weights[at] += contributions[unit].max(0.0);
        }
    }
    desks.get(score::highest(&weights)).cloned()
}

impl Reading {
    fn into_decision(self, rules: &RuleSet, declared: Declared, verdict: Verdict) -> Decision {
        let unit_code = |unit: usize| rules.units()[unit].code.clone();
        let mut supporting = verdict.supporting;
        supporting.retain(|unit| Some(*unit) != verdict.lead);
        supporting.sort_unstable();
        supporting.dedup();
        let desk = match (verdict.outcome, verdict.lead) {
            (Outcome::Route, Some(lead)) => verdict
                .desk
                .unwrap_or_else(|| rules.units()[lead].desks[0].clone()),
            _ => rules.review_desk().clone(),
        };
        let suggestions = self.suggestions(rules);
        let rules_applied = verdict.rules.into_iter().map(|id| Reason::Rule { id });
        let concepts = self.concepts(rules);
        let wording = self.wording(rules, verdict.lead);
        Decision {
            outcome: verdict.outcome,
            lead: verdict.lead.map(unit_code),
            supporting: supporting.into_iter().map(unit_code).collect(),
            desk,
            basis: verdict.basis,
            probabilities: rules
                .units()
                .iter()
                .zip(&self.scores.probabilities)
                .map(|(unit, probability)| UnitProbability {
                    unit: unit.code.clone(),
                    probability: Decimal::from_f64(*probability),
                })
                .collect(),
            none_probability: Decimal::from_f64(self.scores.probabilities[rules.units().len()]),
            reasons: rules_applied
                .chain(declared.reasons)
                .chain(concepts)
                .chain(wording)
                .collect(),
            suggestions,
            urgency: self.urgency(rules),
            language: self.detected.language,
            article_3: declared.article_3,
            rule_set: rules.version().to_owned(),
            model: rules.model_version().to_owned(),
        }
    }

    /// The concepts that counted most, for whichever answer.
    fn concepts(&self, rules: &RuleSet) -> Vec<Reason> {
        let mut all: Vec<(Decimal, usize, usize)> = Vec::new();
        for (at, contributions) in self.scores.contributions.iter().enumerate() {
            let answer = score::highest(contributions);
            all.push((Decimal::from_f64(contributions[answer]), at, answer));
        }
        all.sort_by_key(|(weight, at, _)| (std::cmp::Reverse(*weight), *at));
        all.truncate(MAX_CONCEPTS);
        all.into_iter()
            .map(|(weight, at, answer)| {
                let feature = &self.evidence.features[at];
                let unit: Option<&UnitCode> = rules.units().get(answer).map(|unit| &unit.code);
                Reason::Concept(ConceptFound {
                    id: rules.concepts()[feature.concept].id.clone(),
                    unit: unit.cloned(),
                    weight,
                    count: feature.count,
                    spans: feature.spans.clone(),
                })
            })
            .collect()
    }

    fn urgency(&self, rules: &RuleSet) -> Vec<UrgencyHint> {
        let found = self.evidence.urgency.iter();
        found
            .map(|feature| UrgencyHint {
                id: rules.concepts()[feature.concept].id.clone(),
                spans: feature.spans.clone(),
            })
            .collect()
    }

    /// What the wording added for the answer given, and by which words.
    fn wording(&self, rules: &RuleSet, lead: Option<usize>) -> Option<Reason> {
        let model = rules.model()?;
        let answer = lead.unwrap_or(rules.units().len());
        let weight = Decimal::from_f64(*self.scores.by_wording.get(answer)?);
        Some(Reason::Wording {
            unit: lead.map(|lead| rules.units()[lead].code.clone()),
            weight,
            spans: model.places(&self.text, &self.scores.wording, answer),
        })
    }

    /// Offences by the concepts that suggest them, as far as these speak for their own answer.
    fn suggestions(&self, rules: &RuleSet) -> Vec<OffenceSuggestion> {
        let mut all: Vec<(IccsCode, f64)> = Vec::new();
        let features = self
            .evidence
            .features
            .iter()
            .zip(&self.scores.contributions);
        for (feature, contributions) in features {
            let concept = &rules.concepts()[feature.concept];
            let (Some(iccs), Some(answer)) = (&concept.iccs, concept.written_for) else {
                continue;
            };
            let added = contributions[answer];
            if added <= 0.0 || self.scores.probabilities[answer] < 0.05 {
                continue;
            }
            match all.iter_mut().find(|(known, _)| known == iccs) {
                Some((_, weight)) => *weight += added,
                None => all.push((iccs.clone(), added)),
            }
        }
        let mut suggestions: Vec<OffenceSuggestion> = all
            .into_iter()
            .map(|(iccs, weight)| OffenceSuggestion {
                iccs,
                weight: Decimal::from_f64(weight),
            })
            .collect();
        suggestions.sort_by(|a, b| b.weight.cmp(&a.weight).then_with(|| a.iccs.cmp(&b.iccs)));
        suggestions.truncate(MAX_SUGGESTIONS);
        suggestions
    }
}
