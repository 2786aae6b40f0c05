#!/usr/bin/env python3
"""How good the classifier is, cross-validated and with parts taken away: writes report.md and report.svg beside this script.

    tests/eval/report.py CASES.jsonl [--evaluate PROGRAM] [--kept]

Needs what services/classification/training/train.py needs, apertium included, and installs matplotlib under target/. CASES are
those of train.py. `--kept` also scores the half of the hard cases that is kept aside: for a release, not for choosing between
models. The same texts, lexicon and training give the same report. Fits are kept under target/; without them it takes some
fifteen minutes. `--every N` reads one group of texts in N, to try the script.
"""

import os
import sys

sys.dont_write_bytecode = True
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pathlib  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "services" / "classification" / "training"))

import environment  # noqa: E402

environment.enter(__file__, "matplotlib==3.11.2")

import argparse  # noqa: E402
import time  # noqa: E402

import features  # noqa: E402
import measure  # noqa: E402
import plot  # noqa: E402
import tables  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", help="the labelled cases, JSON lines")
    parser.add_argument("--evaluate", help="the example `evaluate`, already built")
    parser.add_argument("--kept", action="store_true", help="also score the hard cases that are kept aside")
    parser.add_argument("--every", type=int, default=1, help="read one group of texts in so many")
    parser.add_argument("--out", type=pathlib.Path, default=HERE, help="the folder to write to")
    arguments = parser.parse_args()
    begun = time.monotonic()

    def said(text):
        print(f"{time.monotonic() - begun:6.0f} s  {text}", flush=True)

    command = features.program(arguments.evaluate)
    cases, aside = measure.collected(arguments.cases, arguments.kept, arguments.every, said)
    table = measure.Table(cases, aside, command, said)
    said(f"{len(table.rows)} pieces, {len(table.ids)} concepts, {table.counts.ngrams.shape[1]} n-grams")
    found = measure.measured(table, arguments.kept, said)
    with open(arguments.out / "report.md", "w", encoding="utf-8") as out:
        out.write(tables.report(table, found))
    plot.plot(table, found, arguments.out / "report.svg")
    said("written")


if __name__ == "__main__":
    main()
