#!/usr/bin/env python3
"""How fast a text is decided, against scikit-learn's predict on the same texts in the same run.

    tests/eval/speed.py [--cases CASES.jsonl] [--rounds N]

Needs Rust and Python. The texts are the project's own, strung together to narratives of 6,000 characters in each of the four
languages: a dozen stories or more in each, with half as many different words again as one story of that length, and all of them
learned from. With CASES also 40 single ones of that length from there. Two baselines are asked for one text at a time: a logistic regression over what our own model reads, words, pairs of
words and runs of five characters ("alike"), and what one would write first, the same over words and pairs of words alone
("words"). Neither has a lexicon. All run alternately, five times; the table shows each round and the ratios of the medians.
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
from sklearn.pipeline import make_pipeline, make_union  # noqa: E402

import learn  # noqa: E402
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


def single(path):
    """The first texts of at least `LENGTH` characters, cut to that."""
    long = [case.text[:LENGTH] for case in texts.public(path) if len(case.text) >= LENGTH]
    return long[: 4 * EACH]


def by_words():
    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)


def alike():
    return make_union(
        TfidfVectorizer(ngram_range=learn.WORDS, sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=learn.CHARACTERS, sublinear_tf=True, max_features=learn.RECORDS),
    )


def fitted(vectorizer, cases):
    pipeline = make_pipeline(vectorizer, LogisticRegression(C=20, max_iter=300))
    return pipeline.fit([case.text for case in cases], [case.labels[0] for case in cases])


def timed(baseline, asked):
    """Median and 99th percentile of the time for one text, in microseconds."""
    took = []
    for text in asked:
        begun = time.perf_counter()
        baseline.predict_proba([text])
        took.append(time.perf_counter() - begun)
    return np.median(took) * 1e6, np.percentile(took, 99) * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", help="labelled cases, JSON lines, for narratives of one story each")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    cases = list(texts.own())
    build = ["cargo", "build", "--release", "--quiet", "-p", "liaison-classification", "--example", "speed"]
    subprocess.run(build, check=True, cwd=ROOT)
    baselines = {"alike": fitted(alike(), cases), "words": fitted(by_words(), cases)}
    compared("own texts strung together", list(narratives(cases)), baselines, arguments.rounds)
    if arguments.cases:
        compared("single cases", single(arguments.cases), baselines, arguments.rounds)


def compared(name, asked, baselines, rounds):
    """Prints what each takes for these texts."""
    program = environment.TARGET / "release" / "examples" / "speed"
    ratios = {name: [] for name in baselines}
    print(f"{len(asked)} {name}")
    print("round    liaison median   p99      load      resident" + "".join(f"   {name:>10} median      p99" for name in baselines))
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/texts.jsonl"
        with open(path, "w", encoding="utf-8") as out:
            out.writelines(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in asked)
        for number in range(1, rounds + 1):
            ours = json.loads(subprocess.run([program, path], check=True, capture_output=True, text=True).stdout)
            line = (
                f"{number:5} {ours['median_us']:12.0f} µs {ours['p99_us']:8.0f} µs {ours['load_ms']:6.0f} ms "
                f"{ours['resident_kib'] / 1024:8.1f} MiB"
            )
            for baseline, model in baselines.items():
                median, slow = timed(model, asked)
                ratios[baseline].append(median / ours["median_us"])
                line += f" {median:14.0f} µs {slow:8.0f} µs"
            print(line, flush=True)
    for baseline, of in ratios.items():
        print(f"times faster than {baseline}: median {np.median(of):.1f}, between {min(of):.1f} and {max(of):.1f}")


if __name__ == "__main__":
    main()
