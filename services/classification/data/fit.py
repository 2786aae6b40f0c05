#!/usr/bin/env python3
"""Fits the weights of the concepts to labelled texts and writes weights.toml.

    python3 services/classification/data/fit.py CASES.jsonl [EVALUATE]        (needs numpy and scipy)

EVALUATE is the example `evaluate` already built; without it cargo builds and runs it. Each line of CASES holds id, text, labels and, optionally, optional_labels. The model is the one of
src/domain/score.rs: multinomial logistic regression over the concepts found. It is fitted with a penalty on
the distance from the strengths that people wrote into the lexicon, so a concept that the texts rarely or
never show keeps the strength it was given, and a concept learned in one language holds in all of them.

Every text is used whole and cut short (800, 400 and 150 characters, and three sentences from its middle),
because reports from police forces are shorter than press releases. Nothing of the texts is written anywhere
but to a temporary folder. The report on the terminal is cross-validated: all pieces of a text are in the
same fold.
"""

import glob
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import tomllib

import numpy as np
from scipy.optimize import minimize

DATA = os.path.dirname(os.path.abspath(__file__))
DAMPING = 12.0  # as in src/domain/score.rs
PENALTY = 6.0  # how strongly the written strengths hold
PIECES = {"whole": 0.4, "800": 0.15, "400": 0.2, "150": 0.15, "middle": 0.1}
# Labelled collections hold far more of "none" and less of cyber crime than a referral desk sees.
CLASS = {"none": 0.6, "cyber": 2.5}
FOLDS = 5


def cut(text, length):
    if len(text) <= length:
        return text
    return text[: text.rfind(" ", 0, length)]


def pieces(text):
    yield "whole", text
    for length in (800, 400, 150):
        yield str(length), cut(text, length)
    sentences = [s for s in re.split(r"(?<=[.!?])\s+", text) if len(s) > 60]
    if len(sentences) > 4:
        at = max(1, len(sentences) // 2 - 1)
        yield "middle", " ".join(sentences[at : at + 3])


def lexicon(rules, answers):
    ids, prior, combinations = [], [], []

    def row(concept):
        weights = np.zeros(len(answers))
        if "unit" in concept:
            weights[answers.index(concept["unit"])] = rules["strength"][concept["strength"]]
        return weights

    for path in sorted(glob.glob(f"{DATA}/lexicon/*.toml")):
        with open(path, "rb") as file:
            data = tomllib.load(file)
        for concept in data.get("concept", []):
            ids.append(concept["id"])
            prior.append(row(concept))
        combinations += data.get("combination", [])
    for combination in combinations:
        ids.append(combination["id"])
        prior.append(row(combination))
    return ids, np.array(prior)


def read(cases, folder, ids, answers):
    """Pieces of all texts as a matrix of what is found in them."""
    source, target = f"{folder}/pieces.jsonl", f"{folder}/features.jsonl"
    rows = []
    with open(cases, encoding="utf-8") as lines, open(source, "w", encoding="utf-8") as out:
        for number, line in enumerate(lines):
            case = json.loads(line)
            for kind, text in pieces(case["text"]):
                rows.append((number, kind, case["labels"], case.get("optional_labels") or []))
                piece = {"id": str(len(rows)), "text": text, "labels": case["labels"]}
                out.write(json.dumps(piece, ensure_ascii=False) + "\n")
    cargo = ["cargo", "run", "--quiet", "-p", "liaison-classification", "--example", "evaluate", "--"]
    command = [os.path.abspath(path) for path in sys.argv[2:3]] or cargo
    command += [source, "--rules", DATA, "--features", target]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=DATA)
    column = {id: at for at, id in enumerate(ids)}
    x = np.zeros((len(rows), len(ids)))
    with open(target, encoding="utf-8") as lines:
        for at, line in enumerate(lines):
            for id, count in json.loads(line)["found"].items():
                x[at, column[id]] = min(2.0, 1.0 + math.log2(max(count, 1)) / 3.0)
    x /= np.maximum(1.0, np.sqrt((x**2).sum(axis=1, keepdims=True) / DAMPING))
    y = np.zeros((len(rows), len(answers)))
    right = np.zeros((len(rows), len(answers)), dtype=bool)
    for at, (_, _, labels, optional) in enumerate(rows):
        for label in labels:
            y[at, answers.index(label)] = 1.0 / len(labels)
        for label in labels + optional:
            right[at, answers.index(label)] = True
    return np.array([r[0] for r in rows]), np.array([r[1] for r in rows]), x, y, right


def softmax(scores):
    exponents = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)


def fit(x, y, weight, prior):
    concepts, answers = prior.shape

    def loss(flat):
        w, b = flat[:-answers].reshape(concepts, answers), flat[-answers:]
        p = softmax(x @ w + b)
        error = (p - y) * weight[:, None]
        away = w - prior
        value = -(weight[:, None] * y * np.log(p + 1e-12)).sum() + PENALTY / 2 * (away**2).sum()
        gradient = np.concatenate([(x.T @ error + PENALTY * away).ravel(), error.sum(axis=0)])
        return value, gradient

    start = np.concatenate([prior.ravel(), np.zeros(answers)])
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
    w, b = best[:-answers].reshape(concepts, answers), best[-answers:]
    # Only differences count: centred rows are easier to read.
    return w - w.mean(axis=1, keepdims=True), b - b.mean()


def report(name, p, y, right, rules):
    none = p.shape[1] - 1
    top, order = p.argmax(axis=1), np.sort(p, axis=1)
    routed = (top != none) & (order[:, -1] >= rules["route_probability"])
    routed &= order[:, -1] - order[:, -2] >= rules["route_margin"]
    good, ours = right[np.arange(len(p)), top], y[:, none] == 0
    coverage = (routed & good & ours).sum() / max(1, ours.sum())
    precision = good[routed].mean() if routed.any() else 1.0
    line = f"{name:8} {len(p):6} texts: coverage {coverage:.3f} precision {precision:.3f}"
    print(line + f" best guess right {good.mean():.3f}")
    return line


def main():
    with open(f"{DATA}/rule_set.toml", "rb") as file:
        rules = tomllib.load(file)
    answers = [unit["code"] for unit in rules["unit"]] + ["none"]
    ids, prior = lexicon(rules, answers)
    with tempfile.TemporaryDirectory() as folder:
        group, kind, x, y, right = read(sys.argv[1], folder, ids, answers)
    weight = np.array([PIECES[k] for k in kind]) * (y @ [CLASS.get(a, 1.0) for a in answers])
    fold = np.random.RandomState(1).permutation(group.max() + 1)[group] % FOLDS
    p = np.zeros_like(y)
    for held in range(FOLDS):
        w, b = fit(x[fold != held], y[fold != held], weight[fold != held], prior)
        p[fold == held] = softmax(x[fold == held] @ w + b)
    lines = []
    for name in PIECES:
        only = kind == name
        lines.append(report(name, p[only], y[only], right[only], rules["text"]))
    w, b = fit(x, y, weight, prior)
    with open(f"{DATA}/weights.toml", "w", encoding="utf-8") as out:
        out.write("# Written by fit.py; do not edit by hand. What each concept adds to the score of each answer,\n")
        out.write("# against the mean of all. Cross-validated, by length of the piece read:\n")
        out.writelines(f"#   {line}\n" for line in lines)
        source = f"fit.py, penalty {PENALTY:g}, {group.max() + 1} texts"
        out.write(f'\nsource = "{source}"\n\n[bias]\n')
        out.writelines(f"{a} = {value:.2f}\n" for a, value in zip(answers, b))
        out.write("\n[weight]\n")
        for id, row in zip(ids, w):
            cells = ", ".join(f"{a} = {v:.2f}" for a, v in zip(answers, row) if abs(v) >= 0.03)
            out.write(f'"{id}" = {{ {cells} }}\n')


if __name__ == "__main__":
    main()
