#!/usr/bin/env python3
"""How fast a text is decided, against scikit-learn's predict on the same texts in the same run.

    tests/eval/speed.py [--rounds N]

Needs Rust and Python. The texts are the project's own, strung together to narratives of 6,000 characters in each of the four
languages. The baseline is what one would write first: TF-IDF over words and pairs of words, and a logistic regression, asked for
one text at a time. Both run alternately, five times; the table shows each round and the ratio of the medians.
"""

import sys

sys.dont_write_bytecode = True

import pathlib  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "services" / "classification" / "training"))

import environment  # noqa: E402

environment.enter(__file__)

import argparse  # noqa: E402
import json  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402

import numpy as np  # noqa: E402
from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402

import texts  # noqa: E402

LENGTH = 6000
EACH = 10
ROUNDS = 5


def narratives(cases):
    """`EACH` texts of `LENGTH` characters in each language."""
    for lang in sorted({case.lang for case in cases}):
        told = [case.text for case in cases if case.lang == lang]
        for number in range(EACH):
            text = "\n".join(told[number::EACH])
            while len(text) < LENGTH:
                text += "\n" + text
            yield text[:LENGTH]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    cases = list(texts.own())
    asked = list(narratives(cases))
    build = ["cargo", "build", "--release", "--quiet", "-p", "liaison-classification", "--example", "speed"]
    subprocess.run(build, check=True, cwd=ROOT)
    program = environment.TARGET / "release" / "examples" / "speed"

    baseline = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=20, max_iter=300))
    baseline.fit([case.text for case in cases], [case.labels[0] for case in cases])
    ratios = []
    print("round    liaison median   p99      load      resident     scikit-learn median   p99       ratio")
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/texts.jsonl"
        with open(path, "w", encoding="utf-8") as out:
            out.writelines(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in asked)
        for number in range(1, arguments.rounds + 1):
            ours = json.loads(subprocess.run([program, path], check=True, capture_output=True, text=True).stdout)
            took = []
            for text in asked:
                begun = time.perf_counter()
                baseline.predict_proba([text])
                took.append(time.perf_counter() - begun)
            theirs, slow = np.median(took) * 1e6, np.percentile(took, 99) * 1e6
            ratios.append(theirs / ours["median_us"])
            print(
                f"{number:5} {ours['median_us']:12.0f} µs {ours['p99_us']:8.0f} µs {ours['load_ms']:6.0f} ms "
                f"{ours['resident_kib'] / 1024:8.1f} MiB {theirs:15.0f} µs {slow:10.0f} µs {ratios[-1]:9.1f}",
                flush=True,
            )
    print(f"ratio: median {np.median(ratios):.1f}, between {min(ratios):.1f} and {max(ratios):.1f}, {len(asked)} texts")


if __name__ == "__main__":
    main()
