"""What the program finds in texts: concepts and folded words, asked of the program itself."""

import json
import math
import pathlib
import subprocess
import tempfile

import numpy as np

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
DAMPING = 12.0  # as in src/domain/score.rs


def program(path=None):
    """The command of the example `evaluate`, built for release unless it is given."""
    if path:
        return [str(pathlib.Path(path).resolve())]
    return ["cargo", "run", "--release", "--quiet", "-p", "liaison-classification", "--example", "evaluate", "--"]


def found(texts, command, rules=DATA):
    """For each text the concepts with their counts, the folded words and the language, as the program reads them."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = f"{folder}/texts.jsonl", f"{folder}/found.jsonl"
        with open(source, "w", encoding="utf-8") as out:
            for number, text in enumerate(texts):
                out.write(json.dumps({"id": str(number), "text": text, "labels": ["none"]}, ensure_ascii=False) + "\n")
        run = [*command, source, "--rules", str(rules), "--features", target]
        subprocess.run(run, check=True, stdout=subprocess.DEVNULL, cwd=DATA)
        with open(target, encoding="utf-8") as file:
            return [json.loads(line) for line in file]


def concepts(answers, ids):
    """Counts of concepts as the matrix that the weights are multiplied with (src/domain/score.rs)."""
    column = {id: at for at, id in enumerate(ids)}
    matrix = np.zeros((len(answers), len(ids)), dtype=np.float32)
    for row, answer in enumerate(answers):
        for id, count in answer["found"].items():
            matrix[row, column[id]] = min(2.0, 1.0 + math.log2(max(count, 1)) / 3.0)
    return matrix / np.maximum(1.0, np.sqrt((matrix**2).sum(axis=1, keepdims=True) / DAMPING))
