#!/usr/bin/env python3
"""Learns the weights of the concepts and the model of the wording from labelled texts, and says how good they are.

    services/classification/training/train.py CASES.jsonl... [--evaluate PROGRAM] [--dry-run]

Needs Rust, Python, npm and Debian's apertium, apertium-eng-spa, apertium-eng-cat, apertium-fra-cat and dict-freedict-eng-ara;
installs requirements.txt under target/. CASES holds `id, lang, text, labels` and, optionally, `source` and `optional_labels`,
one case a line. Own texts (texts/, and the open halves of the test data) are added, and English cases are learned from in Spanish
and French as well. Nothing of the cases is written anywhere but under target/.

Writes ../data/weights.toml, ../data/model.bin and ../data/report.toml. Figures are cross-validated: each text is decided by a
model that has seen neither it nor a near duplicate, translations and pieces of it included. The lexicon was written by people
who had seen texts of these kinds, so the figures flatter it; tests/eval says how much.
"""

import sys

sys.dont_write_bytecode = True

import environment  # noqa: E402 the packages below are there only after it

environment.enter(__file__)

import argparse  # noqa: E402
import time  # noqa: E402

import numpy as np  # noqa: E402

import artefact  # noqa: E402
import embedding  # noqa: E402
import features  # noqa: E402
import figures  # noqa: E402
import learn  # noqa: E402
import texts  # noqa: E402

FOLDS = 5
# Collections hold far more of "none" and less of cyber crime than a desk sees.
COLLECTED = {"none": 0.7, "cyber": 4.0}
OTHERS_COLLECTED = 1.2
TRANSLATED = 0.5
OWN = 1.5
# A case that is missed costs more than one that is looked at in vain; and of texts of a source that was not learned from, more are
# right as well, most of all of cut ones. From 0.4 down more is lost than won.
NONE = 0.6
# Every so many of the own texts are in the test that holds the program to what was learned.
PARITY = 40


class Pieces:
    """Texts cut into pieces, with what the program finds in them and what is right for them."""

    def __init__(self, cases, command):
        names = learn.answers()
        self.rows = [(case, kind, text, weight) for case in cases for kind, text, weight in texts.pieces(case)]
        answers = features.found([text for _, _, text, _ in self.rows], command)
        self.folded = [answer["words"] for answer in answers]
        self.read_as = np.array([answer["language"] or "" for answer in answers])
        self.ids, self.given = learn.lexicon()
        self.found = features.concepts(answers, self.ids)
        self.y = np.zeros((len(self.rows), len(names)))
        self.right = np.zeros((len(self.rows), len(names)), dtype=bool)
        for at, (case, *_) in enumerate(self.rows):
            for label in case.labels:
                self.y[at, names.index(label)] = 1 / len(case.labels)
            for label in case.labels + case.optional:
                self.right[at, names.index(label)] = True
            if "children-trafficking" in case.labels:
                # Abuse of children may have cyber supporting, and cyber never leads it.
                self.right[at, names.index("cyber")] = False
        self.group = np.array([case.group for case, *_ in self.rows])
        self.source = np.array([case.source for case, *_ in self.rows])
        self.lang = np.array([case.lang for case, *_ in self.rows])
        self.kind = np.array([kind for _, kind, _, _ in self.rows])
        self.weight = np.array([self.weigh(*row) for row in self.rows])

    @staticmethod
    def weigh(case, kind, _, weight):
        wanted = NONE if case.labels == ["none"] else 1.0
        if case.source.startswith(("own", "reports", "hard")):
            return wanted * (OWN if kind == "whole" else OWN * weight)
        weight *= wanted * sum(COLLECTED.get(label, OTHERS_COLLECTED) for label in case.labels) / len(case.labels)
        return weight * (TRANSLATED if case.source.startswith("translated") else 1.0)


def crossvalidated(pieces, counts, said=print):
    """Scores of every piece by a model that saw nothing of its group."""
    fold = np.random.RandomState(1).permutation(pieces.group.max() + 1)[pieces.group] % FOLDS
    concepts, wording = np.zeros_like(pieces.y), np.zeros_like(pieces.y)
    for held in range(FOLDS):
        begun = time.monotonic()
        seen, unseen = fold != held, fold == held
        model = learn.learn(pieces.found[seen], counts[seen], pieces.y[seen], pieces.weight[seen], pieces.given)
        concepts[unseen] = model.concept_scores(pieces.found[unseen])
        wording[unseen] = model.wording_scores(counts[unseen])
        said(f"fold {held + 1} of {FOLDS} in {time.monotonic() - begun:.0f} s")
    return concepts, wording


def balanced(pieces):
    """Weights under which real press texts, cut ones and own short reports count alike, for thresholds."""
    weight = np.zeros(len(pieces.rows))
    real = ~np.char.startswith(pieces.source, "translated")
    own = np.char.startswith(pieces.source, "own")
    slices = [real & ~own & (pieces.kind == kind) & (pieces.source == "doj") for kind in ("whole", "400", "150")]
    slices += [own & (pieces.kind == "whole") & (pieces.lang == lang) for lang in sorted(set(pieces.lang))]
    for inside in slices:
        if inside.any():
            weight[inside] += 1.0 / inside.sum()
    return weight


def slices(pieces):
    """The slices a report tells of."""
    for source in sorted(set(pieces.source)):
        for kind in ("whole", "800", "400", "150", "middle"):
            inside = (pieces.source == source) & (pieces.kind == kind)
            if inside.sum() >= 20:
                yield f"{source}, {kind}", inside
    own = np.char.startswith(pieces.source, "own") & (pieces.kind == "whole")
    for lang in sorted(set(pieces.lang)):
        yield f"own texts, {lang}", own & (pieces.lang == lang)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="+", help="labelled cases, JSON lines")
    parser.add_argument("--evaluate", help="the example `evaluate`, already built")
    parser.add_argument("--scores", help="also write the cross-validated scores, as a NumPy archive, to this file")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    arguments = parser.parse_args()

    command = features.program(arguments.evaluate)
    cases = [case for path in arguments.cases for case in texts.public(path)]
    translations = []
    if not texts.can_translate():
        raise SystemExit("apertium is not installed: there is no learning without translations")
    for lang in texts.PAIRS:
        translations += texts.translated(cases, lang, environment.TARGET / "training")
    cases = texts.grouped(cases + list(texts.own()) + translations)
    pieces = Pieces(cases, command)
    print(f"{len(cases)} texts in {pieces.group.max() + 1} groups, {len(pieces.rows)} pieces, {len(pieces.ids)} concepts")
    ngrams = learn.Ngrams(pieces.folded, embedding.made(environment.TARGET / "training"))
    counts = ngrams.counts(pieces.folded, pieces.read_as)
    print(f"{counts.ngrams.shape[1]} n-grams, {counts.words.shape[1]} words of the embedding")

    concepts, wording = crossvalidated(pieces, counts)
    if arguments.scores:
        np.savez_compressed(arguments.scores, concepts=concepts, wording=wording, y=pieces.y, right=pieces.right,
                            source=pieces.source, kind=pieces.kind, lang=pieces.lang, group=pieces.group)
    scores = concepts + wording
    weight = balanced(pieces)
    temperature = learn.calibrate(scores, pieces.right, weight)
    p = learn.softmax(scores / temperature)
    threshold = figures.threshold_for(p, pieces.right, weight)
    print(f"temperature {temperature:.3f}, routing from {threshold:.4f}")
    names = learn.answers()
    report = {name: figures.figures(p[at], pieces.y[at], pieces.right[at], names, threshold) for name, at in slices(pieces)}
    for name, of in report.items():
        print(line(name, of))

    model = learn.learn(pieces.found, counts, pieces.y, pieces.weight, pieces.given)
    model.temperature = temperature
    model = artefact.rounded(model)
    if arguments.dry_run:
        return
    version = learn.rules()["version"]
    source = f"training/train.py, {len(cases)} texts, penalty {learn.CONCEPT_PENALTY:g}"
    artefact.write_weights(features.DATA / "weights.toml", model, pieces.ids, names, source)
    artefact.write_model(features.DATA / "model.bin", model, ngrams, names, version)
    artefact.write_report(features.DATA / "report.toml", version, report, temperature, threshold)
    own = np.flatnonzero(np.char.startswith(pieces.source, "own") & (pieces.kind == "whole"))[::PARITY]
    said = model.probabilities(pieces.found[own], counts[own])
    artefact.write_parity(texts.TESTS / "parity.jsonl", [pieces.rows[at][0] for at in own], said, names)


def line(name, of):
    def cell(value):
        return "  –  " if value is None else f"{value:.3f}"

    return (
        f"{name:22} {of['texts']:5} texts: macro-F1 {cell(of['macro_f1'])} right {cell(of['right'])} "
        f"children {cell(of['children_recall'])}/{cell(of['children_precision'])} ece {cell(of['calibration_error'])} "
        f"routed {cell(of['routed_of_units'])} right of these {cell(of['routed_right'])}"
    )


if __name__ == "__main__":
    main()
