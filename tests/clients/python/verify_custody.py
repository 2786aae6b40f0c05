#!/usr/bin/env python3
"""Checks a custody bundle, offline: is it sound, and if not, what is wrong.

    python verify_custody.py BUNDLE --keys KEYS.pem

BUNDLE is the file a bureau downloaded, KEYS.pem the public keys it trusts. Prints a verdict and everything that is
wrong. Exit code 0: sound; 1: something is wrong; 2: wrong usage, or keys that are none.

Written from libs/custody/FORMAT.md and nothing else of the suite, so that nobody has to take the suite's word for
what the suite did. Needs Python 3.10 and `cryptography`.
"""

import argparse
import datetime
import hashlib
import json
import re
import struct
import sys
import uuid

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

FORMAT = "liaison-custody-bundle/1"
MAX_BYTES, MAX_RECEIPTS, MAX_POSITION = 64 << 20, 100_000, 2**63 - 1
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
SPKI = bytes.fromhex("302a300506032b6570032100")
# The eight points of small order (RFC 7748 and 8032), with the sign bit cleared: y = 0, 1, -1, two more and their
# spellings above the prime. Under these anybody can sign.
P = 2**255 - 19
ORDER_EIGHT = int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little")
SMALL_ORDER = {0, 1, P - 1, ORDER_EIGHT, P - ORDER_EIGHT, P, P + 1}

# Fields in their order, and whether they must be there.
HEADING = ("format", "referral", "reference", "owner", "issued_at", "receipts", "statement")
TEXTS = ("step", "state", "party", "officer", "unit", "detail")
RECEIPT = ("referral", "position", "at", *TEXTS, "content", "digest", "key", "signature")
STATEMENT = ("position", "digest", "key", "signature")
OPTIONAL = {*TEXTS, "content", "key", "signature"}

PARTY = re.compile(
    r"bureau/NB-[A-Z]{2}(-[A-Z0-9]{1,16})?"
    r"|(unit|desk|partner|service|operator|auditor)/(?=.{1,40}$)[a-z]([a-z0-9-]*[a-z0-9])?"
)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


class NoBundle(Exception):
    """The bytes are no bundle, or not spelled the one way a bundle is spelled."""


class NoKeys(Exception):
    """The text is no key file."""


# Keys.

def read_keys(text):
    """The keys of a key file, by their ids."""
    keys = {}
    for block in text.split("-----BEGIN ")[1:]:
        end = block.find("-----END PUBLIC KEY-----")
        if not block.startswith("PUBLIC KEY-----") or end < 0:
            raise NoKeys("a block is no public key; a private key must never be handed on")
        try:
            key = load_pem_public_key(("-----BEGIN " + block[:end] + "-----END PUBLIC KEY-----\n").encode())
        except ValueError as error:
            raise NoKeys("a block is no public key") from error
        if not isinstance(key, Ed25519PublicKey):
            raise NoKeys("a key is not of Ed25519")
        raw = key.public_bytes_raw()
        if int.from_bytes(raw, "little") & (2**255 - 1) in SMALL_ORDER:
            raise NoKeys("anybody can sign with one of the keys")
        name = hashlib.sha256(SPKI + raw).hexdigest()[:16]
        if name in keys and keys[name].public_bytes_raw() != raw:
            raise NoKeys(f"two different keys have the id {name}")
        keys[name] = key
    if not keys:
        raise NoKeys("there is no public key in it")
    return keys


# Reading, and the one spelling.

def fields(value, names, what):
    """Refuses what has other fields than `names`, or misses one that must be there."""
    if not isinstance(value, dict):
        raise NoBundle(f"{what} is not an object")
    for name in value:
        if name not in names:
            raise NoBundle(f"{what} has a field {name!r}")
    for name in names:
        if name not in value and (name not in OPTIONAL or what == "the statement"):
            raise NoBundle(f"{what} has no {name}")


def text(value, what):
    # An empty text is left out, but for the reference.
    if not isinstance(value, str) or (value == "" and what != "reference"):
        raise NoBundle(f"{what} is no text")
    return value


def matched(value, pattern, what):
    if not re.fullmatch(pattern, text(value, what)):
        raise NoBundle(f"{what} cannot be {value!r}")
    return value


def hexadecimal(value, length, what):
    return bytes.fromhex(matched(value, "[0-9a-f]{%d}" % (2 * length), what))


def referral(value):
    matched(value, "referrals/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "referral")
    return uuid.UUID(value[len("referrals/"):]).bytes


def position(value):
    if type(value) is not int or not 1 <= value <= MAX_POSITION:
        raise NoBundle(f"a position cannot be {value!r}")
    return value


def instant(value):
    """Microseconds since 1970."""
    matched(value, INSTANT, "an instant")
    try:
        at = datetime.datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
    except ValueError as error:
        raise NoBundle(f"there is no instant {value}") from error
    if at < EPOCH:
        raise NoBundle("an instant is before 1970")
    return (at - EPOCH) // datetime.timedelta(microseconds=1)


def read(content):
    """The bundle in `content`, in the types of JSON; every value is one that can be."""
    if len(content) > MAX_BYTES:
        raise NoBundle("it is too long")
    try:
        bundle = json.loads(content.decode(), object_pairs_hook=distinct, parse_constant=no_number)
    except (ValueError, RecursionError) as error:
        raise NoBundle(f"it is no JSON: {error}") from error
    fields(bundle, HEADING, "the bundle")
    if bundle["format"] != FORMAT:
        raise NoBundle(f"its format is not {FORMAT}")
    referral(bundle["referral"])
    text(bundle["reference"], "reference")
    matched(bundle["owner"], PARTY, "the owner")
    instant(bundle["issued_at"])
    receipts = bundle["receipts"]
    if not isinstance(receipts, list) or len(receipts) > MAX_RECEIPTS:
        raise NoBundle("receipts is no list, or too long")
    for receipt in receipts:
        fields(receipt, RECEIPT, "a receipt")
        referral(receipt["referral"])
        position(receipt["position"])
        instant(receipt["at"])
        for name in TEXTS:
            if name in receipt:
                text(receipt[name], name)
        if "content" in receipt:
            hexadecimal(receipt["content"], 32, "content")
        hexadecimal(receipt["digest"], 32, "digest")
        if ("key" in receipt) != ("signature" in receipt):
            raise NoBundle("key and signature go together")
        if "key" in receipt:
            hexadecimal(receipt["key"], 8, "key")
            hexadecimal(receipt["signature"], 64, "signature")
    statement = bundle["statement"]
    fields(statement, STATEMENT, "the statement")
    position(statement["position"])
    for name, length in (("digest", 32), ("key", 8), ("signature", 64)):
        hexadecimal(statement[name], length, name)
    try:
        spelled = spell(bundle).encode()
    except UnicodeEncodeError as error:
        raise NoBundle("a text is no Unicode") from error
    if spelled != content:
        raise NoBundle("it is not spelled the one way a bundle is spelled")
    return bundle


def distinct(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError("a field is there twice")
    return dict(pairs)


def no_number(name):
    raise ValueError(f"{name} is no number")


def spell(bundle):
    """The one spelling."""
    def line(value, names):
        return json.dumps({name: value[name] for name in names if name in value}, ensure_ascii=False)

    out = ["{\n"]
    for name in HEADING[:5]:
        out.append(f'  "{name}": {json.dumps(bundle[name], ensure_ascii=False)},\n')
    receipts = ",".join("\n    " + line(receipt, RECEIPT) for receipt in bundle["receipts"])
    out.append(f'  "receipts": [{receipts}\n  ],\n')
    out.append(f'  "statement": {line(bundle["statement"], STATEMENT)}\n}}\n')
    return "".join(out)


# What is hashed and signed.

def field(value):
    return struct.pack(">I", len(value)) + value


def digest(before, receipt):
    hashed = hashlib.sha256(b"liaison.custody.receipt.v2\n" + before + referral(receipt["referral"]))
    hashed.update(struct.pack(">qq", receipt["position"], instant(receipt["at"])))
    for name in TEXTS:
        hashed.update(field(receipt.get(name, "").encode()))
    hashed.update(field(bytes.fromhex(receipt.get("content", ""))))
    return hashed.digest()


def statement_message(bundle):
    statement = bundle["statement"]
    return b"".join((
        b"liaison.custody.statement.v1\n", referral(bundle["referral"]), field(bundle["reference"].encode()),
        field(bundle["owner"].encode()), struct.pack(">qq", instant(bundle["issued_at"]), statement["position"]),
        bytes.fromhex(statement["digest"]),
    ))


def signature_problem(keys, signed, message):
    """Nothing where the signature is good."""
    key = keys.get(signed["key"])
    if key is None:
        return f"is signed with a key that is not among those given: {signed['key']}"
    try:
        key.verify(bytes.fromhex(signed["signature"]), message)
    except InvalidSignature:
        return "has a signature that does not belong to it: it was altered, or the signature was made up"
    return None


# The verdict.

def check(content, keys):
    """Everything that is wrong with the bundle in `content`; nothing where it is sound."""
    try:
        bundle = read(content)
    except NoBundle as error:
        return [f"this is not a custody bundle: {error}"]
    problems, before, receipts = [], bytes(32), bundle["receipts"]
    for expected, receipt in enumerate(receipts, start=1):
        where = f"the receipt at position {receipt['position']}"
        if receipt["position"] != expected:
            problems.append(f"{where} stands where position {expected} belongs: one is missing, moved or repeated")
        if receipt["referral"] != bundle["referral"]:
            problems.append(f"{where} belongs to another referral, {receipt['referral']}")
        claimed = bytes.fromhex(receipt["digest"])
        if digest(before, receipt) != claimed:
            problems.append(f"{where}, or the one before it, was altered: its digest does not follow")
        if "signature" in receipt:
            problem = signature_problem(keys, receipt, b"liaison.custody.signature.v2\n" + claimed)
            if problem:
                problems.append(f"{where} {problem}")
        before = claimed
    statement = bundle["statement"]
    if not receipts:
        problems.append("there is no receipt")
    else:
        last = receipts[-1]
        if "signature" not in last:
            problems.append("the last receipt is not signed")
        if last["position"] != statement["position"]:
            problems.append(f"the bundle was closed at position {statement['position']} and ends at {last['position']}: "
                            "steps were cut off or added")
        elif last["digest"] != statement["digest"]:
            problems.append("the statement speaks of another last receipt")
    problem = signature_problem(keys, statement, statement_message(bundle))
    if problem:
        problems.append(f"the statement {problem}")
    return problems


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Checks a custody bundle, offline.")
    parser.add_argument("bundle", metavar="BUNDLE", help="the file that was downloaded")
    parser.add_argument("--keys", required=True, metavar="KEYS.pem", help="the public keys you trust")
    given = parser.parse_args(arguments)
    try:
        with open(given.keys, encoding="utf-8") as file:
            keys = read_keys(file.read())
        with open(given.bundle, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, UnicodeDecodeError, NoKeys) as error:
        print(f"verify_custody: {error}", file=sys.stderr)
        return 2
    problems = check(content, keys)
    if not problems:
        bundle = json.loads(content)
        print(f"SOUND: {bundle['reference']!r}, {len(bundle['receipts'])} steps, as of {bundle['issued_at']}")
        return 0
    print("NOT SOUND")
    for problem in problems:
        print(f"  {problem}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
