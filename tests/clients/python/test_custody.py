"""An independent verifier agrees with the suite about sound bundles, and refuses every tampered one."""

import json
import pathlib
import subprocess
import sys

import pytest

import verify_custody
from verify_custody import NoKeys, check, read_keys, spell

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parents[2] / "libs" / "custody" / "tests" / "fixtures"
GOLDEN, SHORT, KEYS = FIXTURES / "golden.json", FIXTURES / "short.json", FIXTURES / "keys.pem"

STRANGER = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
"""


@pytest.fixture(scope="module")
def compiled_schema():
    """Nothing here speaks gRPC, so the schema is not needed."""


@pytest.fixture
def keys():
    return read_keys(KEYS.read_text())


@pytest.mark.parametrize("path", [GOLDEN, SHORT])
def test_what_the_suite_wrote_is_sound(path, keys):
    assert check(path.read_bytes(), keys) == []


def test_one_byte_changed_anywhere_is_refused(keys):
    content = SHORT.read_bytes()
    for index, original in enumerate(content):
        for value in (original ^ 1, (original + 1 + 97 * index % 255) % 256):
            if value != original:
                changed = content[:index] + bytes([value]) + content[index + 1:]
                assert check(changed, keys), f"{value:#x} at {index}"
        assert check(content[:index] + content[index + 1:], keys), f"nothing at {index}"
        assert check(content[:index], keys), f"cut off at {index}"


def drop_last(bundle):
    del bundle["receipts"][-1]


def swap(bundle):
    receipts = bundle["receipts"]
    receipts[3], receipts[4] = receipts[4], receipts[3]


def repeat(bundle):
    bundle["receipts"].append(bundle["receipts"][-1])


def rename_officer(bundle):
    bundle["receipts"][6]["officer"] = "nobody"


def move_statement(bundle):
    del bundle["receipts"][-1]
    last = bundle["receipts"][-1]
    bundle["statement"].update(position=last["position"], digest=last["digest"])


def unsign(bundle):
    del bundle["receipts"][-1]["signature"], bundle["receipts"][-1]["key"]


def replay(bundle):
    bundle["receipts"][6]["referral"] = "referrals/00000000-0000-7000-8000-000000000000"


def rename_reference(bundle):
    bundle["reference"] = "2026-FR-000124"


def empty(bundle):
    bundle["receipts"] = []


@pytest.mark.parametrize("change, said", [
    (drop_last, "cut off"), (swap, "missing, moved or repeated"), (repeat, "missing, moved or repeated"),
    (rename_officer, "altered"), (move_statement, "the statement"), (unsign, "not signed"), (replay, "another referral"),
    (rename_reference, "the statement"), (empty, "no receipt"),
])
def test_tampering_that_is_spelled_well_is_refused(change, said, keys):
    bundle = json.loads(GOLDEN.read_bytes())
    change(bundle)
    problems = check(spell(bundle).encode(), keys)
    assert any(said in problem for problem in problems), problems


def test_every_digest_made_anew_is_still_not_signed(keys):
    """What whoever has the database and no key can do."""
    bundle, before = json.loads(GOLDEN.read_bytes()), bytes(32)
    bundle["receipts"][2]["detail"] = "other"
    for receipt in bundle["receipts"]:
        before = verify_custody.digest(before, receipt)
        receipt["digest"] = before.hex()
    bundle["statement"]["digest"] = before.hex()
    problems = check(spell(bundle).encode(), keys)
    # Positions 3, 4 and 6 to 11 are signed, and the statement.
    assert len(problems) == 9 and all("signature" in problem for problem in problems)


@pytest.mark.parametrize("content", [
    b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"format": NaN}', b'{"format": "liaison-custody-bundle/2"}',
])
def test_what_is_no_bundle_is_refused(content, keys):
    assert "not a custody bundle" in check(content, keys)[0]


def test_only_given_keys_count():
    problems = check(GOLDEN.read_bytes(), read_keys(STRANGER))
    assert len(problems) == 10 and all("not among those given" in problem for problem in problems)
    both = read_keys("old:\n" + STRANGER + "\n# new\n" + KEYS.read_text())
    assert check(GOLDEN.read_bytes(), both) == []


@pytest.mark.parametrize("text", [
    "", "keys", STRANGER.replace("PUBLIC", "PRIVATE"), STRANGER.replace("-----END", "-----ENDE"),
    STRANGER.replace("MCow", "MCox"),
    # The neutral element, under which anybody can sign.
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END PUBLIC KEY-----\n",
])
def test_what_is_no_key_file_is_refused(text):
    with pytest.raises(NoKeys):
        read_keys(text)


def test_by_hand(tmp_path):
    def run(*arguments):
        command = [sys.executable, HERE / "verify_custody.py", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout

    assert run(GOLDEN, "--keys", KEYS) == (0, "SOUND: '2026-FR-000123', 11 steps, as of 2026-03-01T12:26:09.250001Z\n")
    cut = tmp_path / "cut.json"
    cut.write_bytes(GOLDEN.read_bytes()[:-1])
    code, out = run(cut, "--keys", KEYS)
    assert code == 1 and out.startswith("NOT SOUND\n")
    assert run(GOLDEN, "--keys", GOLDEN)[0] == 2
    assert run(tmp_path / "missing", "--keys", KEYS)[0] == 2
    assert run()[0] == 2
