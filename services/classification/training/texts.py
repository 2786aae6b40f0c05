"""The labelled texts: where they come from, which belong together, and the pieces they are cut into."""

import hashlib
import json
import pathlib
import re
import shutil
import subprocess
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import TfidfVectorizer

HERE = pathlib.Path(__file__).resolve().parent
OWN = HERE / "texts"
TESTS = HERE.parent / "tests" / "data"

# Apertium's pairs, as Debian packages them. French goes by way of Catalan, which has both.
PAIRS = {"es": ["eng-spa"], "fr": ["eng-cat", "cat-fra"]}
TRANSLATED_LENGTH = 1800
TRANSLATED_AT_ONCE = 150
# Texts that share most of what sets them apart are told of one event: they stay on one side of every split.
NEAR = 0.6


@dataclass
class Case:
    """A labelled text. `labels` are units or "none"; `optional` are others that count as right."""

    id: str
    source: str
    lang: str
    text: str
    labels: list
    optional: list = field(default_factory=list)
    group: int = -1


def lines(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def public(path):
    """Labelled cases, which are not part of the repository: the public ones, or what `liaison triage export --with-texts`
    wrote, which names no source."""
    for case in lines(path):
        yield Case(
            case["id"], case.get("source", "desk").split("_")[0], case.get("lang", ""), " ".join(case["text"].split()), case["labels"],
            case.get("optional_labels") or [],
        )


def own():
    """Texts of our own writing: those written for training, and the reports and hard cases that are not kept aside."""
    for path in sorted(OWN.glob("*.jsonl")):
        for case in lines(path):
            yield Case(case["id"], f"own-{path.stem[-1]}", case["lang"], case["text"], [case["lead"]], case["supporting"])
    for path in sorted(TESTS.glob("reports-*.jsonl")):
        for case in lines(path):
            yield Case(case["id"], "reports", case["lang"], case["text"], case["labels"], case.get("optional_labels") or [])
    yield from hard("open")


def hard(part):
    """The hard cases of one half: `open` may be trained on, `kept` is only ever scored."""
    for path in sorted(TESTS.glob("hard-*.jsonl")):
        for case in lines(path):
            if case["set"] == part:
                yield Case(case["id"], "hard", path.stem[-2:], case["text"], [case["lead"]], case["supporting"])


def translated(cases, lang, folder):
    """English cases in another language, by machine; kept in `folder`, because it takes a minute a thousand."""
    wanted = [case for case in cases if case.lang == "en"]
    begun = [case.text[:TRANSLATED_LENGTH] for case in wanted]
    digest = hashlib.sha256("\n".join([lang, *begun]).encode()).hexdigest()[:16]
    path = pathlib.Path(folder) / f"translated-{lang}-{digest}.jsonl"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = []
        for at in range(0, len(begun), TRANSLATED_AT_ONCE):
            texts += translate(begun[at : at + TRANSLATED_AT_ONCE], PAIRS[lang])
        with open(path, "w", encoding="utf-8") as file:
            for text in texts:
                file.write(json.dumps(text, ensure_ascii=False) + "\n")
    for case, text in zip(wanted, lines(path), strict=True):
        yield Case(f"{lang}:{case.id}", f"translated-{lang}", lang, text, case.labels, case.optional)


def can_translate():
    return shutil.which("apertium") is not None


def translate(texts, pairs):
    """Each by itself: one paragraph goes in and should come out; where it does not, by halves."""
    out = "\n\n".join(texts)
    for pair in pairs:
        out = subprocess.run(["apertium", "-u", pair], input=out, capture_output=True, text=True, check=True).stdout
    paragraphs = [line for line in out.split("\n") if line.strip()]
    if len(paragraphs) == len(texts):
        return paragraphs
    if len(texts) == 1:
        return [" ".join(out.split())]
    half = len(texts) // 2
    return translate(texts[:half], pairs) + translate(texts[half:], pairs)


def grouped(cases):
    """Numbers the groups of near duplicates. A translation belongs with what it was made of."""
    source = {case.id: at for at, case in enumerate(cases)}
    first = np.arange(len(cases))
    for at, case in enumerate(cases):
        if case.source.startswith("translated"):
            first[at] = source[case.id.split(":", 1)[1]]
    originals = np.flatnonzero(first == np.arange(len(cases)))
    tfidf = TfidfVectorizer(sublinear_tf=True, min_df=2, dtype=np.float32)
    vectors = tfidf.fit_transform([cases[at].text for at in originals])
    rows, columns = [], []
    for begin in range(0, len(originals), 500):
        near = (vectors[begin : begin + 500] @ vectors.T).tocoo()
        close = near.data >= NEAR
        rows.append(near.row[close] + begin)
        columns.append(near.col[close])
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    graph = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(originals), len(originals)))
    _, label = connected_components(graph, directed=False)
    of = dict(zip(originals, label))
    for at, case in enumerate(cases):
        case.group = int(of[first[at]])
    return cases


def cut(text, length):
    """The text up to a length in characters, without a broken word at its end."""
    if len(text) <= length:
        return text
    return text[: max(text.rfind(" ", 0, length), 1)]


def middle(text):
    """Three sentences from the middle, where a text has that many."""
    sentences = [s for s in re.split(r"(?<=[.!?؟])\s+", text) if len(s) > 60]
    if len(sentences) <= 4:
        return None
    at = max(1, len(sentences) // 2 - 1)
    return " ".join(sentences[at : at + 3])


def pieces(case):
    """What a text is read as: whole, and as much shorter texts as police forces send. (name, text, weight)"""
    yield "whole", case.text, 0.4
    by_machine = case.source.startswith("translated")
    for length, weight in ((400, 0.3),) if by_machine else ((800, 0.15), (400, 0.2), (150, 0.15)):
        if len(case.text) > length * 1.2:
            yield str(length), cut(case.text, length), weight
    inside = None if by_machine else middle(case.text)
    if inside:
        yield "middle", inside, 0.1
