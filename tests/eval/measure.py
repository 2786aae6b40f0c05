"""What every text scores under each model that the report compares; none was learned from the text or its like."""

import copy
import dataclasses
import glob
import hashlib
import inspect
import time
import tomllib
from unittest import mock

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

import embedding
import environment
import features
import figures
import keywords
import learn
import texts
from slices import FRESH

with mock.patch.object(environment, "enter"):  # train enters its own environment; this one holds all of it
    import train

ROWS = ("found", "y", "right", "group", "source", "lang", "read_as", "kind", "weight")
# Of a score without fitted weights: "none" leads unless a unit is ahead by more than this.
NONE_GIVEN = "weak"


def decisive():
    """The concepts that people called decisive: what is said in so many words."""
    ids = set()
    for path in sorted(glob.glob(f"{features.DATA}/lexicon/*.toml")):
        with open(path, "rb") as file:
            concepts = tomllib.load(file).get("concept", [])
        ids |= {concept["id"] for concept in concepts if concept.get("strength") == "decisive"}
    return ids


def collected(path, kept, every, said):
    """All cases with their groups; of the kept hard cases, which share no group, none unless `kept`."""
    cases = list(texts.public(path))
    translations = []
    if not texts.can_translate():
        raise SystemExit("apertium is not installed: the report compares learning with and without translations")
    for lang in texts.PAIRS:
        translations += texts.translated(cases, lang, environment.TARGET / "training")
    cases = texts.grouped(cases + list(texts.own()) + translations)
    said(f"{len(cases)} texts")
    cases = [case for case in cases if case.group % every == 0]
    numbers = {group: at for at, group in enumerate(sorted({case.group for case in cases}))}
    for case in cases:
        case.group = numbers[case.group]
    aside = [dataclasses.replace(case, source="kept", group=-1) for case in texts.hard("kept")] if kept else []
    return cases, aside


class Table:
    """The pieces that are learned from, and others that are only asked about: weight 0.

    Kinds are those of `texts.pieces`, and "bare" for whole texts without the words of decisive concepts.
    """

    def __init__(self, cases, aside, command, said):
        learned = train.Pieces(cases, command)
        real = [case for case in cases if not case.source.startswith("translated")]
        begun = time.monotonic()
        left, self.still_shown = keywords.deleted([case.text for case in real], decisive(), command)
        said(f"keywords deleted in {time.monotonic() - begun:.0f} s; {self.still_shown:.3f} of the texts still show one")
        bare = [dataclasses.replace(case, text=text) for case, text in zip(real, left)]
        self.deleted = 1 - sum(map(len, left)) / sum(len(case.text) for case in real)
        others = [(train.Pieces(bare, command), "bare")]
        if aside:
            others.append((train.Pieces(aside, command), "whole"))
        self.ids, self.given = learned.ids, learned.given
        ngrams = learn.Ngrams(learned.folded, embedding.made(environment.TARGET / "training"))
        folded = list(learned.folded)
        parts = {name: [getattr(learned, name)] for name in ROWS}
        self.texts = [(case.id, case.source) for case, *_ in learned.rows]
        for pieces, kind in others:
            whole = np.flatnonzero(pieces.kind == "whole")
            pieces.weight[:] = 0.0
            pieces.kind = np.full(len(pieces.kind), kind)
            folded += [pieces.folded[at] for at in whole]
            self.texts += [(pieces.rows[at][0].id, pieces.rows[at][0].source) for at in whole]
            for name in ROWS:
                parts[name].append(getattr(pieces, name)[whole])
        for name in ROWS:
            setattr(self, name, np.concatenate(parts[name]))
        self.rows = folded  # train.balanced counts them
        self.counts = ngrams.counts(folded, self.read_as)
        self.real = ~np.char.startswith(self.source, "translated") & (self.source != "kept")
        self.own = np.char.startswith(self.source, "own") | np.isin(self.source, ["reports", "hard"])
        self.whole = self.kind == "whole"

    def cut(self, length):
        """Every real text cut to `length` characters; those that are not longer, whole."""
        is_cut = self.kind == str(length)
        has = {text for text, cut in zip(self.texts, is_cut) if cut}
        short = np.array([text not in has for text in self.texts])
        return self.real & (is_cut | (self.whole & short))

    def but(self, **changed):
        """The same with other columns."""
        other = copy.copy(self)
        for name, value in changed.items():
            setattr(other, name, value)
        return other


class Fits:
    """Fits, each kept under target/ by what went into it."""

    def __init__(self, table, said):
        self.said = said
        digest = hashlib.sha256(str(train.FOLDS).encode())
        for counts in (table.counts.ngrams, table.counts.words):
            for part in (counts.data, counts.indices, counts.indptr):
                digest.update(np.ascontiguousarray(part))
        for part in (table.counts.embedding.vectors, table.y, table.group):
            digest.update(np.ascontiguousarray(part))
        for code in (learn, train.crossvalidated):
            digest.update(inspect.getsource(code).encode())
        self.digest = digest.digest()

    def __call__(self, table, fit):
        digest = hashlib.sha256(self.digest + fit.__name__.encode())
        for part in (table.found, table.weight, table.given):
            digest.update(np.ascontiguousarray(part))
        path = environment.TARGET / "training" / "eval" / f"{digest.hexdigest()[:24]}.npz"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            begun = time.monotonic()
            concepts, wording = fit(table)
            self.said(f"{fit.__name__} in {time.monotonic() - begun:.0f} s")
            partial = path.with_suffix(".partial.npz")
            np.savez_compressed(partial, concepts=concepts, wording=wording)
            partial.rename(path)
        with np.load(path) as kept:
            return kept["concepts"], kept["wording"]


def of_weight(fit):
    """`learn.learn`, blind to what has no weight."""

    def learned(found, counts, y, weight, given):
        seen = np.flatnonzero(weight > 0)
        return fit(found[seen], counts[seen], y[seen], weight[seen], given)

    return learned


def folds(table):
    """Scores across folds."""
    with mock.patch.object(learn, "learn", of_weight(learn.learn)):
        return train.crossvalidated(table, table.counts, said=lambda _: None)


def once(table):
    """Scores by one model of everything that has weight. They count only for what has none."""
    model = of_weight(learn.learn)(table.found, table.counts, table.y, table.weight, table.given)
    return model.concept_scores(table.found), model.wording_scores(table.counts)


def tfidf(seen, texts, y):
    """What one would write first: TF-IDF over words and pairs of words, and a logistic regression. Its scores of all texts."""
    words = TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, min_df=2, token_pattern=r"\S+", lowercase=False, dtype=np.float32
    )
    x = words.fit_transform([texts[at] for at in seen])
    model = LogisticRegression(C=20, max_iter=300, class_weight="balanced").fit(x, y[seen].argmax(axis=1))
    scores = np.full(y.shape, -20.0)
    scores[:, model.classes_] = model.predict_log_proba(words.transform(texts))
    return scores


def plain_folds(table):
    """Scores of the plain model across folds; it learns from whole texts that were not translated."""
    fold = np.random.RandomState(1).permutation(table.group.max() + 1)[table.group] % train.FOLDS
    scores = np.zeros_like(table.y)
    for held in range(train.FOLDS):
        seen = np.flatnonzero((fold != held) & table.real & table.whole & (table.weight > 0))
        scores[fold == held] = tfidf(seen, table.rows, table.y)[fold == held]
    return np.zeros_like(scores), scores


def plain_once(table):
    """Scores of a plain model of everything that has weight."""
    seen = np.flatnonzero(table.real & table.whole & (table.weight > 0))
    return np.zeros_like(table.y), tfidf(seen, table.rows, table.y)


class Answers:
    """Scores turned to probabilities. The temperature and the threshold are those of `like`, or fitted as train.py does."""

    def __init__(self, table, scores, like=None):
        self.table = table
        if like:
            self.temperature, self.threshold = like.temperature, like.threshold
        else:
            weight = train.balanced(table)
            counted = weight > 0
            scored, right, weight = scores[counted], table.right[counted], weight[counted]
            self.temperature = learn.calibrate(scored, right, weight)
            self.threshold = figures.threshold_for(learn.softmax(scored / self.temperature), right, weight)
        self.p = learn.softmax(scores / self.temperature)


def measured(table, kept, said):
    """Answers by the name of who gives them. Those of a model that something was left out of hold for that alone."""
    fits = Fits(table, said)
    found = {}
    concepts, wording = fits(table, folds)
    found["both"] = Answers(table, concepts + wording)
    found["rules"] = Answers(table, concepts)
    none = np.zeros(table.y.shape[1])
    none[-1] = learn.rules()["strength"][NONE_GIVEN]
    found["given"] = Answers(table, table.found @ table.given + none)
    blind = table.but(found=np.zeros((len(table.rows), 0)), given=np.zeros((0, table.y.shape[1])))
    bias, wording = fits(blind, folds)
    found["model"] = Answers(table, learn.CONCEPTS_GIVEN * bias + wording)

    def without(out, fit=once, more=False):
        away = out | np.isin(table.group, np.unique(table.group[out])) | more
        concepts, wording = fits(table.but(weight=np.where(away, 0.0, table.weight)), fit)
        return Answers(table, concepts + wording, like=found["both"])

    found["without doj"] = without(table.source == "doj")
    found["without own"] = without(table.own)
    for source in FRESH:
        found[f"without {source}"] = without(table.source == source)
    found["without short"] = without(np.isin(table.source, ["hard", "reports"]))
    for lang in ("es", "fr", "ar"):
        inside = table.lang == lang
        found[f"without {lang}"] = without(inside & table.real, more=inside)
    _, scores = fits(table, plain_folds)
    found["plain"] = Answers(table, scores)
    for name, out in (("plain without own", table.own), ("plain without doj", table.source == "doj")):
        _, scores = fits(table.but(weight=np.where(out, 0.0, table.weight)), plain_once)
        found[name] = Answers(table, scores, like=found["plain"])
    apart = np.where(np.char.startswith(table.source, "translated"), 0.0, table.weight)
    concepts, wording = fits(table.but(weight=apart), folds)
    found["without translations"] = Answers(table, concepts + wording, like=found["both"])
    if kept:
        concepts, wording = fits(table, once)
        found["kept"] = Answers(table, concepts + wording, like=found["both"])
    return found
