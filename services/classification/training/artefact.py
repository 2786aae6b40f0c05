"""Writes what was learned in the form the program reads: weights.toml and model.bin."""

import json
import struct
from dataclasses import replace

import numpy as np

from learn import CHARACTERS, DAMPING, VECTORS_DAMPING, WORDS

MAGIC = b"LIAISON\x02"
# Weights of concepts are written with two decimals, and not at all below this.
LEAST = 0.03
# Those of src/domain/ngrams.rs.
RUN_OF_WORDS, RUN_OF_CHARACTERS = 1, 2
WORD_OF = {"ar": 3, "en": 4, "es": 5, "fr": 6}
MIXER, BASE = 0x9E3779B97F4A7C15, 0xD1342543DE82EF95
ALL = (1 << 64) - 1


def rounded(model):
    """The model with the weights that are written, so that what is said of it is true of what is read."""
    concepts = np.round(model.concepts, 2)
    concepts[np.abs(model.concepts) < LEAST] = 0.0
    return replace(
        model,
        concepts=concepts,
        bias=np.round(model.bias, 3),
        wording=in_bytes(model.wording) * scale(model.wording),
        words=in_bytes(model.words) * scale(model.words),
        wording_bias=np.round(model.wording_bias, 6),
        temperature=round(model.temperature, 4),
    )


def scale(weights):
    """For each answer what a byte of 1 stands for."""
    return np.abs(weights).max(axis=0) / 127.0


def in_bytes(weights):
    return np.clip(np.rint(weights / scale(weights)), -127, 127).astype(np.int8)


def word_hash(word):
    """64-bit FNV-1a, as in src/domain/word_hash.rs."""
    value = 0xCBF29CE484222325
    for byte in word.encode():
        value = ((value ^ byte) * 0x100000001B3) & ALL
    return value


def number(kind, name):
    """The number of an n-gram, as in src/domain/ngrams.rs."""
    if kind != RUN_OF_CHARACTERS:
        value = kind
        for word in name.split(" "):
            value = ((value ^ word_hash(word)) * MIXER) & ALL
        return value
    polynomial = 0
    for character in name:
        polynomial = (polynomial * BASE + ord(character)) & ALL
    mixed = ((polynomial ^ kind) * MIXER) & ALL
    return mixed ^ (mixed >> 32)


def write_weights(path, model, ids, names, source):
    with open(path, "w", encoding="utf-8") as out:
        out.write("# Written by training/train.py; do not edit by hand. What each concept adds to the score of each\n")
        out.write("# answer, against the mean of all, and the temperature that scores are divided by.\n")
        out.write("# The figures are in report.toml.\n")
        out.write(f'\nsource = "{source}"\ntemperature = {model.temperature:.4f}\n\n[bias]\n')
        out.writelines(f"{name} = {value:.3f}\n" for name, value in zip(names, model.bias))
        out.write("\n[weight]\n")
        for id, row in zip(ids, model.concepts):
            cells = ", ".join(f"{name} = {value:.2f}" for name, value in zip(names, row) if abs(value) >= LEAST)
            out.write(f'"{id}" = {{ {cells} }}\n' if cells else f'"{id}" = {{}}\n')


def write_model(path, model, ngrams, names, version):
    of_ngrams = records((ngrams.names[column] for column in model.columns), model.idf, model.wording)
    words = ((WORD_OF[lang], word) for lang, word in ngrams.embedding.words)
    of_words = records(words, model.words_idf, model.words)
    header = {
        "version": version,
        "answers": names,
        "words": WORDS[1],
        "characters": list(CHARACTERS),
        "damping": DAMPING,
        "bias": [round(float(value), 6) for value in model.wording_bias],
        "scale": [float(value) for value in scale(model.wording)],
        "records": len(of_ngrams),
        "embedding": {
            "damping": VECTORS_DAMPING,
            "scale": [float(value) for value in scale(model.words)],
            "records": len(of_words),
        },
    }
    header = json.dumps(header, separators=(",", ":")).encode()
    with open(path, "wb") as out:
        out.write(MAGIC + struct.pack("<I", len(header)) + header)
        for part in (of_ngrams, of_words):
            for at in sorted(part):
                out.write(struct.pack("<Q", at) + part[at])


def records(names, idf, weights):
    """By their numbers. Two of one number are one too many: the later is left out."""
    found = {}
    for name, rarity, row in zip(names, idf, in_bytes(weights)):
        found.setdefault(number(*name), struct.pack("<f", rarity) + row.tobytes())
    return found


def write_report(path, version, report, temperature, threshold):
    with open(path, "w", encoding="utf-8") as out:
        out.write('about = "Cross-validated figures, written by training/train.py; training/figures.py says what each one is"\n')
        out.write(f'version = "{version}"\nroute_probability = {threshold:.4f}\n')
        out.write(f"temperature = {temperature:.4f}\n")
        for name, figures in report.items():
            out.write(f'\n[slice."{name}"]\n')
            for key, value in figures.items():
                if value is not None:
                    out.write(f"{key} = {value:.4f}\n" if isinstance(value, float) else f"{key} = {value}\n")


def write_parity(path, cases, p, names):
    """What the model says of some texts of our own, for the program's tests to hold it to."""
    with open(path, "w", encoding="utf-8") as out:
        for case, row in zip(cases, p):
            probabilities = {name: round(float(value), 4) for name, value in zip(names, row)}
            line = {"id": case.id, "text": case.text, "probabilities": probabilities}
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
