"""The model: what it is, how it is fitted, and how well its probabilities hold.

Scores of the answers = concepts (src/domain/score.rs) + wording (src/domain/wording.rs), divided by a temperature.

1. The weights of the concepts: multinomial logistic regression with a penalty on the distance from the strengths
   that people wrote into the lexicon. What the texts rarely show keeps its strength, and what is learned in one
   language holds in all.
2. The wording on top: n-grams fitted to what the concepts leave open, with half of the concepts' scores as given, so
   that they also learn for texts in which no concept is found. Fitted twice: on all n-grams, then on those that
   count most.
3. The temperature, on texts that were not learned from: how far scores are to be believed. It does not depend on the
   length: fitted with one that does, short texts came out as those of every length.
"""

import glob
import tomllib
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.sparse import csr_array, diags_array, hstack
from sklearn.feature_extraction.text import CountVectorizer

from features import DATA

CONCEPT_PENALTY = 6.0
WORDING_PENALTY = 0.02
CONCEPTS_GIVEN = 0.5
WORDS, CHARACTERS = (1, 2), (5, 5)
SEEN_IN = 5  # texts, words; twice as many for characters
DAMPING = 40.0
RECORDS = 20_000
ROUNDS = (25, 60)


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


class Ngrams:
    """Counts of n-grams in folded words, as src/domain/ngrams.rs takes them."""

    def __init__(self, folded):
        self.by_word = CountVectorizer(
            analyzer="word", token_pattern=r"\S+", lowercase=False, ngram_range=WORDS, min_df=SEEN_IN, dtype=np.float32
        ).fit(folded)
        self.by_character = CountVectorizer(
            analyzer="char_wb", lowercase=False, ngram_range=CHARACTERS, min_df=2 * SEEN_IN, dtype=np.float32
        ).fit(folded)
        # (kind, n-gram) of each column; the kinds are those of ngrams.rs.
        self.names = [(1, name) for name in self.by_word.get_feature_names_out()]
        self.names += [(2, name) for name in self.by_character.get_feature_names_out()]

    def counts(self, folded):
        both = [self.by_word.transform(folded), self.by_character.transform(folded)]
        return csr_array(hstack(both, format="csr"))


def weighed(counts, idf):
    """x of wording.rs."""
    x = counts.copy()
    x.data = 1.0 + np.log(x.data)
    x = csr_array(x @ diags_array(idf.astype(np.float32)))
    norm = np.sqrt(np.asarray(x.multiply(x).sum(axis=1)).ravel() + DAMPING**2)
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
    temperature: float = 1.0

    def concept_scores(self, found):
        return found @ self.concepts + self.bias

    def wording_scores(self, counts):
        return weighed(csr_array(counts[:, self.columns]), self.idf) @ self.wording + self.wording_bias

    def scores(self, found, counts):
        return self.concept_scores(found) + self.wording_scores(counts)

    def probabilities(self, found, counts):
        return softmax(self.scores(found, counts) / self.temperature)


def learn(found, counts, y, weight, given):
    """Fits concepts, then the wording on top of them."""
    w, b = regression(found, y, weight, CONCEPT_PENALTY, given, 0.0, 300)
    offset = CONCEPTS_GIVEN * (found @ w + b)
    seen = np.asarray((counts > 0).sum(axis=0)).ravel()
    idf = np.log((1 + counts.shape[0]) / (1 + seen)) + 1.0

    def wording(columns, rounds):
        x = weighed(csr_array(counts[:, columns]), idf[columns])
        empty = np.zeros((len(columns), y.shape[1]))
        return regression(x, y, weight, WORDING_PENALTY, empty, offset, rounds)

    columns = np.flatnonzero(seen > 0)
    first, _ = wording(columns, ROUNDS[0])
    impact = np.abs(first).max(axis=1) * idf[columns] * np.sqrt(seen[columns])
    columns = np.sort(columns[np.argsort(-impact)[:RECORDS]])
    n, nb = wording(columns, ROUNDS[1])
    return Model(w, b, columns, idf[columns], n, nb)


def calibrate(scores, right, weight):
    """The temperature under which probabilities hold: least surprise by which answers are right."""

    def surprise(temperature):
        p = softmax(scores / temperature)
        return -(weight * np.log((p * right).sum(axis=1) + 1e-9)).sum() / weight.sum()

    return float(minimize_scalar(surprise, bounds=(0.3, 5.0), method="bounded").x)
