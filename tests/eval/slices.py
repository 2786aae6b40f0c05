"""Which texts a row of the report is about, and the figures that `training/figures.py` does not have."""

import numpy as np

import figures
import learn

NAMES = learn.answers()
DRAWS = 400
CHILDREN_PRECISION = 0.88
ERROR = 0.015
AT_WORK = learn.rules()["text"]["route_probability"]
LANGUAGES = {"en": "English", "fr": "French", "es": "Spanish", "ar": "Arabic"}
SOURCES = {
    "doj": "press releases (en)",
    "wikinews": "Wikinews (fr)",
    "own-a": "own texts a",
    "own-b": "own texts b",
    "own-c": "own texts c",
    "own-d": "own texts d",
    "own-e": "own texts e",
    "own-f": "own texts f",
    "own-g": "own texts g",
    "own-h": "own texts h",
    "reports": "own short reports",
    "hard": "own hard cases, open half",
}
# Written without sight of the lexicon, and the lexicon not changed for them.
FRESH = {"own-e": "own texts e", "own-f": "own texts f", "own-g": "own texts g", "own-h": "own texts h"}


class Slice:
    """Texts of a table as one model answers them."""

    def __init__(self, answers, inside):
        table = answers.table
        self.p, self.y, self.right = answers.p[inside], table.y[inside], table.right[inside]
        self.group, self.threshold = table.group[inside], answers.threshold
        self.top, self.confidence = self.p.argmax(axis=1), self.p.max(axis=1)
        self.correct = self.right[np.arange(len(self.p)), self.top]
        self.truth = figures.gold(self.p, self.y, self.right)

    def figures(self, threshold=None):
        return figures.figures(self.p, self.y, self.right, NAMES, threshold or self.threshold)

    def macro_f1(self):
        return figures.macro_f1(self.top, self.truth, NAMES)

    def interval(self):
        """Between which macro-F1 lies in 95 of 100 draws of as many groups."""
        _, group = np.unique(self.group, return_inverse=True)
        random, size = np.random.RandomState(1), len(NAMES)
        cell = self.truth * size + self.top
        drawn = []
        for _ in range(DRAWS):
            times = np.bincount(random.randint(group.max() + 1, size=group.max() + 1), minlength=group.max() + 1)
            table = np.bincount(cell, weights=times[group], minlength=size * size).reshape(size, size)
            either = table.sum(axis=0) + table.sum(axis=1)
            drawn.append(np.mean(2 * table.diagonal()[either > 0] / either[either > 0]))
        return tuple(np.percentile(drawn, [2.5, 97.5]))

    def per_unit(self):
        """(texts, precision, recall) of each answer."""
        for answer in range(len(NAMES)):
            given, due = self.top == answer, self.truth == answer
            both = (given & due).sum()
            yield int(due.sum()), both / given.sum() if given.any() else None, both / due.sum() if due.any() else None

    def confusions(self):
        size = len(NAMES)
        return np.bincount(self.truth * size + self.top, minlength=size * size).reshape(size, size)

    def children_recall(self):
        """The recall of children-trafficking at the lowest probability that keeps its precision."""
        order = np.argsort(-self.p[:, 0], kind="stable")
        right, due = self.right[order, 0], self.y[order, 0] > 0
        precise = np.flatnonzero(np.cumsum(right) / np.arange(1, len(right) + 1) >= CHILDREN_PRECISION)
        return float(due[: precise[-1] + 1].sum() / max(1, due.sum())) if len(precise) else 0.0

    def calibration(self, bins=10, least=10):
        """(mean probability, share right, texts) in bins of equal width that hold enough."""
        of = np.minimum((self.confidence * bins).astype(int), bins - 1)
        for number in range(bins):
            inside = of == number
            if inside.sum() >= least:
                yield float(self.confidence[inside].mean()), float(self.correct[inside].mean()), int(inside.sum())

    def curve(self):
        """(share of the units' texts that is routed, share wrong of what is routed), from sure to unsure."""
        none = len(NAMES) - 1
        order = np.argsort(-self.confidence, kind="stable")
        order = order[self.top[order] != none]
        ours = self.y[order, none] == 0
        routed = np.cumsum(ours) / max(1, (self.y[:, none] == 0).sum())
        return routed, np.cumsum(~self.correct[order]) / np.arange(1, len(order) + 1)

    def routed_at(self, error):
        """The largest share of the units' texts that can be routed with no more than this error."""
        routed, wrong = self.curve()
        good = np.flatnonzero(wrong <= error)
        return float(routed[good[-1]]) if len(good) else 0.0


def by_slice(table):
    """(name, texts) of the real texts, whole: all, per source, per language of own texts."""
    base = table.real & table.whole
    yield "all real texts", base
    for source, name in SOURCES.items():
        yield name, base & (table.source == source)
    own = base & table.own
    yield "own texts, all", own
    for lang, name in LANGUAGES.items():
        yield f"own texts, {name}", own & (table.lang == lang)
    for lang, name in LANGUAGES.items():
        if lang in ("en", "fr"):
            yield f"all {name}", base & (table.lang == lang)
    for lang in ("es", "fr"):
        yield f"press releases translated, {lang}", table.whole & (table.source == f"translated-{lang}")
