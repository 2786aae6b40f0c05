"""The model: what it is, how it is fitted, and how well its probabilities hold.

Scores of the answers = concepts (src/domain/score.rs) + wording (src/domain/wording.rs), divided by a temperature.

1. The weights of the concepts: multinomial logistic regression with a penalty on the distance from the strengths
   that people wrote into the lexicon. What the texts rarely show keeps its strength, and what is learned in one
   language holds in all.
2. The wording on top: n-grams fitted to what the concepts leave open, with half of the concepts' scores as given, so
   that they also learn for texts in which no concept is found. Fitted twice: on all n-grams, then on those that
   count most.
   Beside them, each known word by its vector (embedding.py): how a text's words lie in that space is learned as one more
   part of the wording. As all of it is linear, it becomes weights of the words themselves.
3. The temperature, on texts that were not learned from: how far scores are to be believed. It does not depend on the
   length: fitted with one that does, short texts came out as those of every length.
"""

import glob
import tomllib
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.sparse import csr_array, diags_array, hstack
from sklearn.feature_extraction.text import CountVectorizer

from embedding import Embedding
from features import DATA

CONCEPT_PENALTY = 6.0
WORDING_PENALTY = 0.02
CONCEPTS_GIVEN = 0.5
WORDS, CHARACTERS = (1, 2), (5, 5)
SEEN_IN = 5  # texts, words; twice as many for characters
DAMPING = 40.0
RECORDS = 20_000
ROUNDS = (25, 60)
VECTORS_GIVEN = 0.2
VECTORS_DAMPING = 8.0


def rules():
    with open(DATA / "rule_set.toml", "rb") as file:
        return tomllib.load(file)


def answers():
    return [unit["code"] for unit in rules()["unit"]] + ["none"]


def lexicon():
    """Ids of the concepts and the weights that people gave them."""
    strength, names = rules()["strength"], answers()
    ids, given, combinations = [], [], []

    def row(concept):
        weights = np.zeros(len(names))
        if "unit" in concept:
            weights[names.index(concept["unit"])] = strength[concept["strength"]]
        return weights

    for path in sorted(glob.glob(f"{DATA}/lexicon/*.toml")):
        with open(path, "rb") as file:
            data = tomllib.load(file)
        for concept in data.get("concept", []):
            ids.append(concept["id"])
            given.append(row(concept))
        combinations += data.get("combination", [])
    for combination in combinations:
        ids.append(combination["id"])
        given.append(row(combination))
    return ids, np.array(given)


def softmax(scores):
    exponents = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)


def regression(x, y, weight, penalty, start, offset, rounds):
    """Weights and bias of a multinomial logistic regression that is drawn to `start`."""
    columns, names = start.shape
    transposed = x.T.tocsr() if hasattr(x, "tocsr") else x.T

    def loss(flat):
        w, b = flat[:-names].reshape(columns, names), flat[-names:]
        p = softmax(x @ w + b + offset)
        error = (p - y) * weight[:, None]
        away = w - start
        value = -(weight[:, None] * y * np.log(p + 1e-12)).sum() + penalty / 2 * (away**2).sum()
        return value, np.concatenate([(transposed @ error + penalty * away).ravel(), error.sum(axis=0)])

    begin = np.concatenate([start.ravel(), np.zeros(names)])
    best = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": rounds}).x
    w, b = best[:-names].reshape(columns, names), best[-names:]
    # Only differences between answers count: centred rows are easier to read.
    return w - w.mean(axis=1, keepdims=True), b - b.mean()


@dataclass
class Counts:
    """How often n-grams and words of the embedding stand in texts, a row each."""

    ngrams: csr_array
    words: csr_array
    embedding: Embedding

    def __getitem__(self, rows):
        return replace(self, ngrams=csr_array(self.ngrams[rows]), words=csr_array(self.words[rows]))


class Ngrams:
    """Counts of n-grams in folded words, as src/domain/ngrams.rs takes them."""

    def __init__(self, folded, embedding):
        self.embedding = embedding
        self.by_word = CountVectorizer(
            analyzer="word", token_pattern=r"\S+", lowercase=False, ngram_range=WORDS, min_df=SEEN_IN, dtype=np.float32
        ).fit(folded)
        self.by_character = CountVectorizer(
            analyzer="char_wb", lowercase=False, ngram_range=CHARACTERS, min_df=2 * SEEN_IN, dtype=np.float32
        ).fit(folded)
        # (kind, n-gram) of each column; the kinds are those of ngrams.rs.
        self.names = [(1, name) for name in self.by_word.get_feature_names_out()]
        self.names += [(2, name) for name in self.by_character.get_feature_names_out()]

    def counts(self, folded, langs):
        both = [self.by_word.transform(folded), self.by_character.transform(folded)]
        return Counts(csr_array(hstack(both, format="csr")), self.embedding.counts(folded, langs), self.embedding)


def weighed(counts, idf, damping=DAMPING):
    """x of wording.rs."""
    x = counts.copy()
    x.data = 1.0 + np.log(x.data)
    x = csr_array(x @ diags_array(idf.astype(np.float32)))
    norm = np.sqrt(np.asarray(x.multiply(x).sum(axis=1)).ravel() + damping**2)
    return csr_array(diags_array((1.0 / norm).astype(np.float32)) @ x)


@dataclass
class Model:
    """What was learned."""

    concepts: np.ndarray
    bias: np.ndarray
    columns: np.ndarray
    idf: np.ndarray
    wording: np.ndarray
    wording_bias: np.ndarray
    words_idf: np.ndarray
    words: np.ndarray
    temperature: float = 1.0

    def concept_scores(self, found):
        return found @ self.concepts + self.bias

    def wording_scores(self, counts):
        ngrams = weighed(csr_array(counts.ngrams[:, self.columns]), self.idf) @ self.wording
        return ngrams + weighed(counts.words, self.words_idf, VECTORS_DAMPING) @ self.words + self.wording_bias

    def scores(self, found, counts):
        return self.concept_scores(found) + self.wording_scores(counts)

    def probabilities(self, found, counts):
        return softmax(self.scores(found, counts) / self.temperature)


def learn(found, counts, y, weight, given):
    """Fits concepts, then the wording on top of them."""
    w, b = regression(found, y, weight, CONCEPT_PENALTY, given, 0.0, 300)
    offset = CONCEPTS_GIVEN * (found @ w + b)
    ngrams, embedding = counts.ngrams, counts.embedding
    seen = np.asarray((ngrams > 0).sum(axis=0)).ravel()
    idf = np.log((1 + ngrams.shape[0]) / (1 + seen)) + 1.0
    meaning = weighed(counts.words, embedding.idf, VECTORS_DAMPING) @ (VECTORS_GIVEN * embedding.vectors)

    def wording(columns, rounds, *more):
        x = csr_array(hstack([weighed(csr_array(ngrams[:, columns]), idf[columns]), *more], format="csr"))
        empty = np.zeros((x.shape[1], y.shape[1]))
        weights, bias = regression(x, y, weight, WORDING_PENALTY, empty, offset, rounds)
        return weights[: len(columns)], weights[len(columns) :], bias

    columns = np.flatnonzero(seen > 0)
    first, _, _ = wording(columns, ROUNDS[0])
    impact = np.abs(first).max(axis=1) * idf[columns] * np.sqrt(seen[columns])
    columns = np.sort(columns[np.argsort(-impact)[:RECORDS]])
    n, v, nb = wording(columns, ROUNDS[1], csr_array(meaning))
    return Model(w, b, columns, idf[columns], n, nb, embedding.idf, VECTORS_GIVEN * embedding.vectors @ v)


def calibrate(scores, right, weight):
    """The temperature under which probabilities hold: least surprise by which answers are right."""

    def surprise(temperature):
        p = softmax(scores / temperature)
        return -(weight * np.log((p * right).sum(axis=1) + 1e-9)).sum() / weight.sum()

    return float(minimize_scalar(surprise, bounds=(0.3, 5.0), method="bounded").x)
