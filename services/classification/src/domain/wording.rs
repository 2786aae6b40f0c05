//! What the wording of a text adds to its concepts: a linear model over n-grams.
//!
//! Concepts carry what a text says in any language; the n-grams add how such things are usually put. For
//! each answer the model adds `bias + Σ weight · x`, where an n-gram that stands `c` times in the text has
//! `x = (1 + ln c) · idf / √(Σ ((1 + ln c) · idf)² + damping²)` over the n-grams the model knows. The
//! damping keeps short texts, of which little is known, near the bias. Words in one language, whose weights come of
//! what kindred words say in every language (`training/embedding.py`), are weighed in the same way beside the n-grams.
//!
//! The file is written by `training/train.py`: the eight bytes `LIAISON` and 2; the length of the header, four
//! bytes; the header, JSON; then a record for each n-gram in ascending order of its number: the number
//! (eight bytes), its idf (four bytes, IEEE 754) and a weight for each answer (one signed byte, to be
//! multiplied by the answer's scale); then, where the header has an `embedding`, its words in the same form. Numbers are
//! little-endian.

use liaison_types::Language;
use serde::Deserialize;

use super::decision::Span;
use super::ngrams::{self, Known, LONGEST, Lengths, Within};
use super::text::Text;

const MAGIC: &[u8] = b"LIAISON\x02";
/// Places named in the reasons.
const MAX_SPANS: usize = 4;
/// Words of the longest runs that are read; longer ones are an error of the file.
const MOST_WORDS: usize = 8;
/// N-grams a model may have: some tens of MiB.
const MAX_RECORDS: usize = 2_000_000;

/// Why bytes are no model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// It does not begin as a model does, or ends too early or too late.
    #[error("not a model of this form, or not all of it")]
    Form,
    /// The header is not what a header is.
    #[error("its header cannot be read")]
    Header,
    /// The answers are not the rule set's, in its order.
    #[error("its answers are not those of the rule set")]
    Answers,
    /// A number is not finite or a length is outside its bounds.
    #[error("a number in it is outside what it may be")]
    Value,
    /// The records are not in ascending order.
    #[error("its records are not in order")]
    Order,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: String,
    answers: Vec<String>,
    words: usize,
    characters: [usize; 2],
    damping: f64,
    bias: Vec<f64>,
    scale: Vec<f32>,
    records: usize,
    #[serde(default)]
    embedding: Option<PartHeader>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartHeader {
    damping: f64,
    scale: Vec<f32>,
    records: usize,
}

/// The model.
#[derive(Debug)]
pub(super) struct Model {
    version: String,
    lengths: Lengths,
    bias: Vec<f64>,
    ngrams: Part,
    /// Words in one language.
    embedding: Part,
}

/// What is weighed together.
#[derive(Debug)]
struct Part {
    damping: f64,
    known: Known<u32>,
    idf: Vec<f32>,
    /// For each n-gram its weight for each answer, in parts of the answer's scale: a byte each, so that they stay near
    /// the processor.
    weights: Vec<i8>,
    scale: Vec<f64>,
}

/// What the wording of one text adds.
#[derive(Debug, Default)]
pub(super) struct Wording {
    /// One per answer. Empty where there is no model.
    pub(super) scores: Vec<f64>,
    /// Each n-gram found once: which, and what a weight of it is multiplied by for each time it stands there.
    factors: Vec<(u32, f64)>,
    /// The same of the words in one language, and which distinct words of the text they are.
    words: Vec<(u32, f64)>,
    distinct: Vec<u32>,
    /// Each time a run of words was found: its place in `factors`, its first and its last word.
    runs: Vec<(u32, u32, u32)>,
    /// Runs of characters found within distinct words: the place in `factors` and the word.
    within: Vec<(u32, u32)>,
    /// For each word whether it was left out.
    masked: Vec<bool>,
}

/// How often each n-gram stands in a text.
struct Tally {
    /// For each n-gram of the model its place in `found`.
    places: Vec<u32>,
    found: Vec<(u32, f64)>,
}

impl Tally {
    fn new(ngrams: usize) -> Self {
        Self {
            places: vec![u32::MAX; ngrams],
            found: Vec::new(),
        }
    }

    /// Counts an n-gram. Its place.
    fn add(&mut self, ngram: u32, times: f64) -> u32 {
        let place = &mut self.places[ngram as usize];
        if *place == u32::MAX {
            *place = count(self.found.len());
            self.found.push((ngram, 0.0));
        }
        self.found[*place as usize].1 += times;
        *place
    }
}

impl Part {
    /// Reads as many records as the header says; what follows them.
    fn read<'b>(
        header: &PartHeader,
        count: usize,
        bytes: &'b [u8],
    ) -> Result<(Self, &'b [u8]), ModelError> {
        let right = header.scale.len() == count
            && header.scale.iter().all(|value| value.is_finite())
            && header.damping.is_finite()
            && header.damping > 0.0
            && header.records <= MAX_RECORDS;
        if !right {
            return Err(ModelError::Value);
        }
        let size = 12 + count;
        let (bytes, rest) = bytes
            .split_at_checked(header.records * size)
            .ok_or(ModelError::Form)?;
        let mut part = Self {
            damping: header.damping,
            known: Known::new(&[]),
            idf: Vec::with_capacity(header.records),
            weights: Vec::with_capacity(header.records * count),
            scale: header.scale.iter().copied().map(f64::from).collect(),
        };
        let mut numbers: Vec<(u64, u32)> = Vec::with_capacity(header.records);
        for (at, record) in (0_u32..).zip(bytes.chunks_exact(size)) {
            let (ngram, record) = record.split_first_chunk::<8>().ok_or(ModelError::Form)?;
            let (idf, weights) = record.split_first_chunk::<4>().ok_or(ModelError::Form)?;
            let (ngram, idf) = (u64::from_le_bytes(*ngram), f32::from_le_bytes(*idf));
            if numbers.last().is_some_and(|(last, _)| *last >= ngram) {
                return Err(ModelError::Order);
            }
            if !idf.is_finite() || idf <= 0.0 {
                return Err(ModelError::Value);
            }
            numbers.push((ngram, at));
            part.idf.push(idf);
            let weights = weights.iter().map(|byte| byte.cast_signed());
            part.weights.extend(weights);
        }
        part.known = Known::new(&numbers);
        Ok((part, rest))
    }

    /// What is found with how often it stands there adds this to each score. Each number becomes its factor.
    fn sum(&self, factors: &mut [(u32, f64)], scores: &mut [f64]) {
        let mut mass = self.damping * self.damping;
        let mut sums = vec![0.0; scores.len()];
        for (ngram, times) in factors.iter_mut() {
            let idf = f64::from(self.idf[*ngram as usize]);
            // Most stand there once, and a logarithm takes as long as all the rest.
            let x = if *times > 1.0 { 1.0 + times.ln() } else { 1.0 } * idf;
            mass += x * x;
            for (sum, weight) in sums.iter_mut().zip(self.weights(*ngram)) {
                *sum += x * f64::from(*weight);
            }
            *times = x / *times;
        }
        let norm = mass.sqrt();
        for (_, factor) in factors {
            *factor /= norm;
        }
        for ((score, sum), scale) in scores.iter_mut().zip(sums).zip(&self.scale) {
            *score += sum * scale / norm;
        }
    }

    /// An n-gram's weights, in parts of their scale.
    fn weights(&self, ngram: u32) -> &[i8] {
        let count = self.scale.len();
        &self.weights[ngram as usize * count..][..count]
    }

    /// What each of these adds for an answer, each time that it stands in the text, against the mean of all answers.
    fn each(&self, factors: &[(u32, f64)], answer: usize) -> Vec<f64> {
        let answers = f64::from(count(self.scale.len()));
        let each = factors.iter().map(|(ngram, factor)| {
            let weights = self.weights(*ngram);
            let mut sum = 0.0;
            for (weight, scale) in weights.iter().zip(&self.scale) {
                sum += f64::from(*weight) * scale;
            }
            let own = f64::from(weights[answer]) * self.scale[answer];
            (own - sum / answers) * factor
        });
        each.collect()
    }
}

impl Model {
    /// Reads a model for these answers.
    pub(super) fn read(bytes: &[u8], answers: &[String]) -> Result<Self, ModelError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(ModelError::Form)?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(ModelError::Form)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (header, rest) = rest.split_at_checked(length).ok_or(ModelError::Form)?;
        let header: Header = serde_json::from_slice(header).map_err(|_| ModelError::Header)?;
        if header.answers != answers {
            return Err(ModelError::Answers);
        }
        let count = answers.len();
        let [shortest, longest] = header.characters;
        let lengths = Lengths {
            words: header.words,
            shortest,
            longest,
        };
        let right = header.bias.len() == count
            && header.bias.iter().all(|value| value.is_finite())
            && (1..=MOST_WORDS).contains(&lengths.words)
            && (1..=LONGEST).contains(&shortest)
            && (shortest..=LONGEST).contains(&longest);
        if !right {
            return Err(ModelError::Value);
        }
        let ngrams = PartHeader {
            damping: header.damping,
            scale: header.scale,
            records: header.records,
        };
        let (ngrams, rest) = Part::read(&ngrams, count, rest)?;
        let none = PartHeader {
            damping: 1.0,
            scale: vec![0.0; count],
            records: 0,
        };
        let (embedding, rest) = Part::read(&header.embedding.unwrap_or(none), count, rest)?;
        if !rest.is_empty() {
            return Err(ModelError::Form);
        }
        Ok(Self {
            version: header.version,
            lengths,
            bias: header.bias,
            ngrams,
            embedding,
        })
    }

    /// The version, as decisions name it.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Weighs the wording of a text in this language, but for the words that are masked.
    pub(super) fn weigh(
        &self,
        text: &Text,
        language: Option<Language>,
        masked: &[bool],
    ) -> Wording {
        let mut tally = Tally::new(self.ngrams.idf.len());
        let mut runs = Vec::with_capacity(text.words().len());
        let (lengths, known) = (self.lengths, &self.ngrams.known);
        ngrams::each_known_run(text, masked, lengths, known, |ngram, first, last| {
            runs.push((tally.add(ngram, 1.0), first, last));
        });
        let mut times = vec![0.0; text.distinct()];
        for (_, distinct) in ngrams::unmasked(text, masked) {
            times[distinct] += 1.0;
        }
        let mut within = Vec::with_capacity(4 * text.distinct());
        let mut words = Vec::with_capacity(text.distinct());
        let mut found_words = Vec::with_capacity(text.distinct());
        let mut characters = Within::new(lengths, known);
        for (distinct, times) in times.into_iter().enumerate().filter(|(_, n)| *n > 0.0) {
            characters.each(text.folded(distinct), |ngram| {
                within.push((tally.add(ngram, times), count(distinct)));
            });
            let word = language.map(|language| ngrams::word_in(language, text.hash(distinct)));
            if let Some(word) = word.and_then(|word| self.embedding.known.get(word)) {
                words.push((word, times));
                found_words.push(count(distinct));
            }
        }
        let mut factors = tally.found;
        let mut scores = self.bias.clone();
        self.ngrams.sum(&mut factors, &mut scores);
        self.embedding.sum(&mut words, &mut scores);
        Wording {
            scores,
            factors,
            words,
            distinct: found_words,
            runs,
            within,
            masked: masked.to_vec(),
        }
    }

    /// The words that added most for an answer, most first, as far as any did.
    pub(super) fn places(&self, text: &Text, wording: &Wording, answer: usize) -> Vec<Span> {
        let each = self.ngrams.each(&wording.factors, answer);
        let mut of_distinct = vec![0.0; text.distinct()];
        let words = self.embedding.each(&wording.words, answer);
        for (distinct, added) in wording.distinct.iter().zip(words) {
            of_distinct[*distinct as usize] += added;
        }
        for (place, distinct) in &wording.within {
            of_distinct[*distinct as usize] += each[*place as usize];
        }
        let mut added = vec![0.0; text.words().len()];
        for (number, distinct) in ngrams::unmasked(text, &wording.masked) {
            added[number as usize] = of_distinct[distinct];
        }
        for (place, first, last) in &wording.runs {
            let share = each[*place as usize] / f64::from(last - first + 1);
            for word in *first..=*last {
                added[word as usize] += share;
            }
        }
        let mut words: Vec<(u32, f64)> = (0..)
            .zip(added)
            .filter(|(_, added)| *added > 0.01)
            .collect();
        let most_first = |a: &(u32, f64), b: &(u32, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if words.len() > MAX_SPANS {
            words.select_nth_unstable_by(MAX_SPANS, most_first);
            words.truncate(MAX_SPANS);
        }
        words.sort_by(most_first);
        words
            .into_iter()
            .map(|(word, _)| text.span(word, word))
            .collect()
    }
}

/// Words and answers are counted in 32 bits.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWERS: [&str; 2] = ["cyber", "none"];

    fn record(number: u64, idf: f32, weights: [i8; 2]) -> Vec<u8> {
        let weights = weights.map(i8::cast_unsigned);
        [
            &number.to_le_bytes()[..],
            &idf.to_le_bytes()[..],
            &weights[..],
        ]
        .concat()
    }

    /// A model that knows the word "malware" and, as `embedded` says, words in one language.
    fn model(embedded: &[Vec<u8>], declared: Option<usize>) -> Vec<u8> {
        let mut header = serde_json::json!({
            "version": "1", "answers": ANSWERS, "words": 2, "characters": [5, 5], "damping": 1.0,
            "bias": [0.0, 0.5], "scale": [1.0, 1.0], "records": 1,
        });
        if let Some(records) = declared {
            header["embedding"] = serde_json::json!({
                "damping": 2.0, "scale": [0.5, 0.5], "records": records,
            });
        }
        let header = header.to_string().into_bytes();
        let length = u32::try_from(header.len()).unwrap().to_le_bytes();
        let ngram = record(ngrams::words("malware"), 2.0, [3, -3]);
        [MAGIC, &length, &header, &ngram, &embedded.concat()].concat()
    }

    fn read(bytes: &[u8]) -> Result<Model, ModelError> {
        Model::read(bytes, &ANSWERS.map(str::to_owned))
    }

    fn scores(model: &Model, language: Option<Language>, text: &str) -> Vec<f64> {
        let text = Text::read(None, text);
        let masked = vec![false; text.words().len()];
        model.weigh(&text, language, &masked).scores
    }

    fn virus_in(language: Language) -> Vec<u8> {
        let number = ngrams::word_in(language, super::super::word_hash::word_hash("virus"));
        record(number, 4.0, [10, -10])
    }

    #[test]
    fn n_grams_and_words_in_one_language_are_weighed_each_by_themselves() {
        let model = read(&model(&[virus_in(Language::Es)], Some(1))).unwrap();
        let [ngram, word] = [3.0 * 2.0 / 5.0_f64.sqrt(), 5.0 * 4.0 / 20.0_f64.sqrt()];
        let close = |found: Vec<f64>, expected: [f64; 2]| {
            let apart = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
            assert!(apart.sum::<f64>() < 1e-9, "{found:?}, not {expected:?}");
        };
        let spanish = Some(Language::Es);
        close(scores(&model, spanish, "malware"), [ngram, 0.5 - ngram]);
        close(scores(&model, spanish, "virus"), [word, 0.5 - word]);
        let both = ngram + word;
        close(scores(&model, spanish, "virus malware"), [both, 0.5 - both]);
        for other in [Some(Language::Fr), None] {
            close(scores(&model, other, "virus"), [0.0, 0.5]);
        }
    }

    #[test]
    fn a_model_without_an_embedding_is_one_too() {
        let model = read(&model(&[], None)).unwrap();
        assert_eq!(scores(&model, Some(Language::Es), "virus"), [0.0, 0.5]);
    }

    #[test]
    fn what_is_no_model_is_refused_and_why() {
        let word = virus_in(Language::Es);
        let refused = |bytes: &[u8]| read(bytes).unwrap_err();
        let whole = model(std::slice::from_ref(&word), Some(1));
        for end in 0..whole.len() {
            let error = refused(&whole[..end]);
            assert!(matches!(error, ModelError::Form), "{end}: {error}");
        }
        assert_eq!(refused(b"LIAISON\x01"), ModelError::Form);
        assert_eq!(
            refused(&model(std::slice::from_ref(&word), None)),
            ModelError::Form
        );
        let twice = [word.clone(), word];
        assert_eq!(refused(&model(&twice, Some(2))), ModelError::Order);
        let without_idf = [record(1, 0.0, [1, 1])];
        assert_eq!(refused(&model(&without_idf, Some(1))), ModelError::Value);
        assert_eq!(
            Model::read(&whole, &["none".to_owned()]).unwrap_err(),
            ModelError::Answers
        );
    }
}
