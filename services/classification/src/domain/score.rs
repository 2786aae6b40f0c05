//! From evidence to probabilities: a linear model over concepts, whose weights are data.
//!
//! For each answer (a unit or "none"): `score = bias + Σ weight · presence`, where the presence of a
//! concept grows with the logarithm of how often it was found and is bounded: `1` for once, `2` from
//! eight times on. Long texts touch on more things, so the sum is divided by `max(1, √(Σ presence² / 12))`.
//! What the wording adds comes to it. Probabilities are the softmax of the scores after they are divided by
//! the temperature, which is fitted so that they hold what they say.

use liaison_types::Language;

use super::decision::Decimal;
use super::evidence::Evidence;
use super::rule_set::RuleSet;
use super::text::Text;
use super::wording::Wording;

/// Long texts are damped from this sum of squared presences on. `training/features.py` uses the same.
const DAMPING: f64 = 12.0;

/// Scores and what they are made of.
#[derive(Debug)]
pub(super) struct Scores {
    /// One per unit in the order of the rule set, then "none"; they sum to 1.
    pub(super) probabilities: Vec<f64>,
    /// The scores of the concepts alone, without the wording and before the temperature.
    pub(super) by_concepts: Vec<f64>,
    /// For each feature and answer, what it added against the feature's mean over the answers.
    pub(super) contributions: Vec<Vec<f64>>,
    /// What the wording added for each answer, against its mean over the answers; empty without a model.
    pub(super) by_wording: Vec<f64>,
    /// Where it did.
    pub(super) wording: Wording,
}

/// How much of a concept is there.
pub(super) fn presence(count: u32) -> f64 {
    (1.0 + f64::from(count.max(1)).log2() / 3.0).min(2.0)
}

/// Weighs the features.
pub(super) fn score(
    rules: &RuleSet,
    text: &Text,
    language: Option<Language>,
    evidence: &Evidence,
) -> Scores {
    let features = &evidence.features;
    let answers = rules.bias().len();
    let mass: f64 = features
        .iter()
        .map(|feature| presence(feature.count).powi(2))
        .sum();
    let damping = (mass / DAMPING).sqrt().max(1.0);
    let mut scores = rules.bias().to_vec();
    let mut contributions = Vec::with_capacity(features.len());
    for feature in features {
        let weights = &rules.concepts()[feature.concept].weights;
        let presence = presence(feature.count) / damping;
        let mean = weights.iter().sum::<f64>() / answers_f64(answers);
        for (score, weight) in scores.iter_mut().zip(weights) {
            *score += weight * presence;
        }
        contributions.push(
            weights
                .iter()
                .map(|weight| (weight - mean) * presence)
                .collect(),
        );
    }
    let by_concepts = scores.clone();
    let wording = rules.model().map_or_else(Wording::default, |model| {
        model.weigh(text, language, &evidence.masked)
    });
    let mean = wording.scores.iter().sum::<f64>() / answers_f64(answers);
    let by_wording: Vec<f64> = wording.scores.iter().map(|score| score - mean).collect();
    for (score, added) in scores.iter_mut().zip(&by_wording) {
        *score += added;
    }
    for score in &mut scores {
        *score /= rules.temperature();
    }
    Scores {
        probabilities: softmax(&scores),
        by_concepts,
        contributions,
        by_wording,
        wording,
    }
}

/// Units are a handful.
fn answers_f64(answers: usize) -> f64 {
    u32::try_from(answers).map_or(f64::MAX, f64::from)
}

fn softmax(scores: &[f64]) -> Vec<f64> {
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponents: Vec<f64> = scores.iter().map(|score| (score - highest).exp()).collect();
    let sum: f64 = exponents.iter().sum();
    exponents.iter().map(|exponent| exponent / sum).collect()
}

/// The probability of `answer` weighed against `other` alone.
pub(super) fn against(scores: &[f64], answer: usize, other: usize) -> f64 {
    1.0 / (1.0 + (scores[other] - scores[answer]).exp())
}

/// The position of the highest value; of equal ones the first.
pub(super) fn highest(values: &[f64]) -> usize {
    let highest = values.iter().enumerate();
    // Compared as decisions show them, so that noise below four decimals never decides.
    let highest = highest.min_by_key(|(_, value)| std::cmp::Reverse(Decimal::from_f64(**value)));
    highest.map_or(0, |(position, _)| position)
}

/// The positions of the values, highest first; equal values in their order.
pub(super) fn ranked(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    // Compared as in `highest`.
    order.sort_by_key(|index| std::cmp::Reverse(Decimal::from_f64(values[*index])));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_survives_extremes() {
        let all = softmax(&[1e6, -1e6, 0.0]);
        assert_eq!(all, [1.0, 0.0, 0.0]);
    }

    #[test]
    fn presence_is_bounded_and_grows() {
        assert!(presence(1) < presence(2) && presence(2) < presence(8));
        assert!((presence(64) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn equals_keep_the_order_of_the_rule_set() {
        assert_eq!(ranked(&[0.1, 0.4, 0.100_001, 0.4]), [1, 3, 0, 2]);
    }
}
