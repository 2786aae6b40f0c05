//! What a model has learned of n-grams, or of words in one language: how rare each is and what it says for each answer.

use std::ops::RangeInclusive;

use serde::Deserialize;

use super::known::{Known, Place};
use super::wording::ModelError;

/// N-grams a model may have: some tens of MiB.
const MAX_RECORDS: usize = 2_000_000;
/// Answers a model may have: units and "none". So many weights lie beside each other, used or not.
pub(super) const MAX_ANSWERS: usize = 8;
/// What a model's own damping, and what its weights are multiplied by, may be. Beyond, a score is no number, or one
/// n-gram outweighs all that people wrote into the lexicon.
const DAMPING: RangeInclusive<f64> = 1e-3..=1e6;
const SCALE: RangeInclusive<f32> = 0.0..=100.0;
/// N-grams that stand in a text less often than this have their logarithms kept. More is rare.
const LOGARITHMS: u32 = 64;

/// What the header of a model says of one part of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WeightsHeader {
    pub(super) damping: f64,
    pub(super) scale: Vec<f32>,
    pub(super) records: usize,
}

/// What is weighed together.
#[derive(Debug)]
pub(super) struct Weights {
    damping: f64,
    records: Known<Record>,
    answers: usize,
    /// For each answer what its weights are multiplied by.
    scale: [f64; MAX_ANSWERS],
    /// For each number of times how much that is: `1 + ln n`.
    levels: Vec<f64>,
}

/// What is known of an n-gram.
#[derive(Clone, Copy, Debug, Default)]
struct Record {
    idf: f32,
    /// In parts of the answers' scales: a byte each, so that they stay near the processor.
    weights: [i8; MAX_ANSWERS],
}

impl Weights {
    /// Of nothing: adds nothing to any score.
    pub(super) fn none(answers: usize) -> Self {
        Self {
            damping: 1.0,
            records: Known::with_room(0),
            answers,
            scale: [0.0; MAX_ANSWERS],
            levels: Vec::new(),
        }
    }

    /// Reads as many records as the header says, and calls `seen` with the number of each; what follows them.
    pub(super) fn read<'b>(
        header: &WeightsHeader,
        answers: usize,
        bytes: &'b [u8],
        mut seen: impl FnMut(u64),
    ) -> Result<(Self, &'b [u8]), ModelError> {
        let right = header.scale.len() == answers
            && header.scale.iter().all(|value| SCALE.contains(value))
            && DAMPING.contains(&header.damping)
            && header.records <= MAX_RECORDS;
        if !right {
            return Err(ModelError::Value);
        }
        let size = 12 + answers;
        let (bytes, rest) = bytes
            .split_at_checked(header.records * size)
            .ok_or(ModelError::Form)?;
        let mut read = Self {
            damping: header.damping,
            records: Known::with_room(header.records),
            levels: (0..LOGARITHMS).map(level).collect(),
            ..Self::none(answers)
        };
        for (scale, value) in read.scale.iter_mut().zip(&header.scale) {
            *scale = (*value).into();
        }
        let mut last = None;
        for record in bytes.chunks_exact(size) {
            let (ngram, record) = record.split_first_chunk::<8>().ok_or(ModelError::Form)?;
            let (idf, weights) = record.split_first_chunk::<4>().ok_or(ModelError::Form)?;
            let (ngram, idf) = (u64::from_le_bytes(*ngram), f32::from_le_bytes(*idf));
            if last.replace(ngram).is_some_and(|last| last >= ngram) {
                return Err(ModelError::Order);
            }
            if !idf.is_finite() || idf <= 0.0 {
                return Err(ModelError::Value);
            }
            seen(ngram);
            let record = read.records.entry(ngram);
            record.idf = idf;
            for (weight, byte) in record.weights.iter_mut().zip(weights) {
                *weight = byte.cast_signed();
            }
        }
        Ok((read, rest))
    }

    /// Calls `out` with each of these n-grams that is known: where it is, and what was said with it.
    pub(super) fn each_found<Q: Copy>(&self, ngrams: &[(u64, Q)], out: impl FnMut(Place, Q)) {
        self.records.each_found(ngrams, out);
    }

    /// Adds to each score what `found` weighs: n-grams with how often they stand in a text. Returns, for each of them, what
    /// its weights are multiplied by for each time that it stands there.
    pub(super) fn sum(&self, found: &[(Place, u32)], scores: &mut [f64]) -> Vec<f64> {
        let amount = |times: u32| {
            let kept = self.levels.get(times as usize).copied();
            kept.unwrap_or_else(|| level(times))
        };
        let mut factors: Vec<f64> = found
            .iter()
            .map(|(place, times)| amount(*times) * f64::from(self.records.at(*place).idf))
            .collect();
        let mut mass = self.damping * self.damping;
        let mut sums = [0.0; MAX_ANSWERS];
        for ((place, _), x) in found.iter().zip(&factors) {
            mass += x * x;
            for (sum, weight) in sums.iter_mut().zip(self.records.at(*place).weights) {
                *sum += x * f64::from(weight);
            }
        }
        let norm = mass.sqrt();
        for ((_, times), factor) in found.iter().zip(&mut factors) {
            *factor /= norm * f64::from(*times);
        }
        for ((score, sum), scale) in scores.iter_mut().zip(sums).zip(&self.scale) {
            *score += sum * scale / norm;
        }
        factors
    }

    /// What each of these adds for an answer, each time that it stands in the text, against the mean of all answers.
    pub(super) fn each(&self, found: &[(Place, u32)], factors: &[f64], answer: usize) -> Vec<f64> {
        let answers = f64::from(u32::try_from(self.answers).unwrap_or(u32::MAX));
        let mut scale = self.scale.map(|scale| -scale / answers);
        scale[answer] += self.scale[answer];
        let scale = &scale[..self.answers];
        let each = found.iter().zip(factors).map(|((place, _), factor)| {
            let terms = self.records.at(*place).weights.iter().zip(scale);
            let added: f64 = terms
                .map(|(weight, scale)| f64::from(*weight) * scale)
                .sum();
            added * factor
        });
        each.collect()
    }
}

/// How much it is that something stands so often in a text, at least once.
fn level(times: u32) -> f64 {
    1.0 + f64::from(times).ln()
}
