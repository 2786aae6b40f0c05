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
use super::filter::Filter;
use super::known::Place;
use super::ngrams::{self, LONGEST, Lengths, Within};
use super::positions::Positions;
use super::text::Text;
use super::weights::{MAX_ANSWERS, Weights, WeightsHeader};

const MAGIC: &[u8] = b"LIAISON\x02";
/// What the bias of an answer may be, above or below nothing.
const MAX_BIAS: f64 = 100.0;
/// Places named in the reasons.
const MAX_SPANS: usize = 4;
/// Words of the longest runs that are read; longer ones are an error of the file.
const MOST_WORDS: usize = 8;
/// The filter before the n-grams has 2 to the power of so many bits.
const FILTER_BITS: u32 = 18;

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
    /// There are more answers than a model has room for.
    #[error("it has more than {MAX_ANSWERS} answers")]
    Many,
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
    embedding: Option<WeightsHeader>,
}

/// The model.
#[derive(Debug)]
pub(super) struct Model {
    version: String,
    lengths: Lengths,
    bias: Vec<f64>,
    ngrams: Weights,
    /// Most n-grams of a text are not among them.
    may_be_ngram: Filter,
    /// Words in one language.
    embedding: Weights,
}

/// What the wording of one text adds.
#[derive(Debug, Default)]
pub(super) struct Wording {
    /// One per answer. Empty where there is no model.
    pub(super) scores: Vec<f64>,
    ngrams: Weighed,
    words: Weighed,
    /// For each of `words` which distinct word of the text it is.
    distinct: Vec<u32>,
    /// Each time a run of several words was found: its position in `ngrams`, its first and its last word.
    runs: Vec<(u32, u32, u32)>,
    /// N-grams of single distinct words, and of the characters within: the position in `ngrams` and the word.
    within: Vec<(u32, u32)>,
    /// For each word whether it was left out.
    masked: Vec<bool>,
}

/// What was found in a text, each once, with how often it stands there, and what a weight of it is multiplied by for
/// each time.
#[derive(Debug, Default)]
struct Weighed {
    found: Vec<(Place, u32)>,
    factors: Vec<f64>,
}

/// How often each n-gram stands in a text.
struct Tally {
    positions: Positions,
    found: Vec<(Place, u32)>,
}

impl Tally {
    /// For at most so many different ones.
    fn with_room(ngrams: usize) -> Self {
        Self {
            positions: Positions::with_room(ngrams),
            found: Vec::with_capacity(ngrams),
        }
    }

    /// Counts an n-gram. Its position.
    fn add(&mut self, place: Place, times: u32) -> u32 {
        let (next, found) = (self.found.len(), &self.found);
        let is = |position: usize| found[position].0 == place;
        let position = self.positions.find_or_keep(place.into(), next, is);
        match position {
            Some(position) => self.found[position].1 += times,
            None => self.found.push((place, times)),
        }
        count(position.unwrap_or(next))
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
        if count > MAX_ANSWERS {
            return Err(ModelError::Many);
        }
        let [shortest, longest] = header.characters;
        let lengths = Lengths {
            words: header.words,
            shortest,
            longest,
        };
        let right = header.bias.len() == count
            && header.bias.iter().all(|value| value.abs() <= MAX_BIAS)
            && (1..=MOST_WORDS).contains(&lengths.words)
            && (1..=LONGEST).contains(&shortest)
            && (shortest..=LONGEST).contains(&longest);
        if !right {
            return Err(ModelError::Value);
        }
        let ngrams = WeightsHeader {
            damping: header.damping,
            scale: header.scale,
            records: header.records,
        };
        let mut may_be_ngram = Filter::new(FILTER_BITS);
        let (ngrams, rest) =
            Weights::read(&ngrams, count, rest, |ngram| may_be_ngram.insert(ngram))?;
        let (embedding, rest) = match header.embedding {
            Some(embedding) => Weights::read(&embedding, count, rest, |_| ())?,
            None => (Weights::none(count), rest),
        };
        if !rest.is_empty() {
            return Err(ModelError::Form);
        }
        Ok(Self {
            version: header.version,
            lengths,
            bias: header.bias,
            ngrams,
            may_be_ngram,
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
        let mut times = vec![0; text.distinct()];
        for (_, distinct) in ngrams::unmasked(text, masked) {
            times[distinct] += 1;
        }

        let mut asked = Vec::with_capacity(text.words().len());
        ngrams::each_longer_run(text, masked, self.lengths, |run, first, last| {
            if self.may_be_ngram.may_hold(run) {
                asked.push((run, (first, last)));
            }
        });
        let mut asked_within = Vec::with_capacity(4 * text.distinct());
        let mut characters = Within::new(self.lengths);
        for (distinct, _) in (0..).zip(&times).filter(|(_, times)| **times > 0) {
            let mut add = |run| {
                if self.may_be_ngram.may_hold(run) {
                    asked_within.push((run, distinct));
                }
            };
            add(ngrams::word_alone(text.hash(distinct as usize)));
            characters.each_run(text.folded(distinct as usize), add);
        }
        let mut tally = Tally::with_room(asked.len() + asked_within.len());
        let mut runs = Vec::with_capacity(asked.len());
        self.ngrams.each_found(&asked, |place, (first, last)| {
            runs.push((tally.add(place, 1), first, last));
        });
        let mut within = Vec::with_capacity(asked_within.len());
        self.ngrams.each_found(&asked_within, |place, distinct| {
            within.push((tally.add(place, times[distinct as usize]), distinct));
        });
        let mut words = Weighed::default();
        let mut distinct = Vec::with_capacity(text.distinct());
        if let Some(language) = language {
            let read = (0_u32..).zip(&times).filter(|(_, times)| **times > 0);
            let asked: Vec<(u64, (u32, u32))> = read
                .map(|(word, times)| {
                    let hash = text.hash(word as usize);
                    (ngrams::word_in(language, hash), (word, *times))
                })
                .collect();
            self.embedding.each_found(&asked, |place, (word, times)| {
                words.found.push((place, times));
                distinct.push(word);
            });
        }
        let mut ngrams = Weighed {
            found: tally.found,
            factors: Vec::new(),
        };
        let mut scores = self.bias.clone();
        ngrams.factors = self.ngrams.sum(&ngrams.found, &mut scores);
        words.factors = self.embedding.sum(&words.found, &mut scores);
        Wording {
            scores,
            ngrams,
            words,
            distinct,
            runs,
            within,
            masked: masked.to_vec(),
        }
    }

    /// The words that added most for an answer, most first, as far as any did.
    pub(super) fn places(&self, text: &Text, wording: &Wording, answer: usize) -> Vec<Span> {
        let Weighed { found, factors } = &wording.ngrams;
        let each = self.ngrams.each(found, factors, answer);
        let Weighed { found, factors } = &wording.words;
        let words = self.embedding.each(found, factors, answer);
        let mut of_distinct = vec![0.0; text.distinct()];
        for (distinct, added) in wording.distinct.iter().zip(words) {
            of_distinct[*distinct as usize] += added;
        }
        for (position, distinct) in &wording.within {
            of_distinct[*distinct as usize] += each[*position as usize];
        }
        let mut added = vec![0.0; text.words().len()];
        for (number, distinct) in ngrams::unmasked(text, &wording.masked) {
            added[number as usize] = of_distinct[distinct];
        }
        for (position, first, last) in &wording.runs {
            let share = each[*position as usize] / f64::from(last - first + 1);
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

/// N-grams of a text are some millions at most.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

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

    /// A model with this header that knows the word "malware".
    fn with_header(change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let mut header = json!({
            "version": "1", "answers": ANSWERS, "words": 2, "characters": [5, 5], "damping": 1.0,
            "bias": [0.0, 0.5], "scale": [1.0, 1.0], "records": 1,
        });
        change(&mut header);
        let header = header.to_string().into_bytes();
        let length = u32::try_from(header.len()).unwrap().to_le_bytes();
        let ngram = record(ngrams::words("malware"), 2.0, [3, -3]);
        [MAGIC, &length, &header, &ngram].concat()
    }

    /// The same and, as `embedded` says, words in one language.
    fn model(embedded: &[Vec<u8>], declared: Option<usize>) -> Vec<u8> {
        let mut model = with_header(|header| {
            if let Some(records) = declared {
                header["embedding"] =
                    json!({"damping": 2.0, "scale": [0.5, 0.5], "records": records});
            }
        });
        model.extend(embedded.concat());
        model
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
        for times in [2_u16, 63, 64, 65, 1000] {
            let x = 2.0 * (1.0 + f64::from(times).ln());
            let added = 3.0 * x / (x * x + 1.0).sqrt();
            let text = "malware ".repeat(times.into());
            close(scores(&model, spanish, &text), [added, 0.5 - added]);
        }
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
        for (name, value) in [
            ("damping", json!(0.0)),
            ("damping", json!(1e-200)),
            ("damping", json!(1e160)),
            ("scale", json!([1.0, -1.0])),
            ("scale", json!([1.0, 1e30])),
            ("scale", json!([1.0])),
            ("bias", json!([0.0, 1e300])),
            ("words", json!(9)),
            ("characters", json!([5, 4])),
            ("records", json!(1_u64 << 40)),
        ] {
            let changed = with_header(|header| header[name] = value.clone());
            assert_eq!(refused(&changed), ModelError::Value, "{name} {value}");
        }
        let without_idf = [record(1, 0.0, [1, 1])];
        assert_eq!(refused(&model(&without_idf, Some(1))), ModelError::Value);
        assert_eq!(
            Model::read(&whole, &["none".to_owned()]).unwrap_err(),
            ModelError::Answers
        );
        let many = [const { String::new() }; MAX_ANSWERS + 1];
        let bytes = with_header(|header| header["answers"] = json!(many));
        assert_eq!(Model::read(&bytes, &many).unwrap_err(), ModelError::Many);
    }
}
