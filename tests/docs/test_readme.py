"""What the README tells a newcomer to do can be done, and what it points at is there."""

import contextlib
import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
PAGES = ["README.md", "k8s/README.md"]
DEMO = "cargo run --release -- demo"
UP = "cargo run --release -- up"


def blocks(page):
    """The page's shell blocks, as they stand."""
    return re.findall(r"```(?:sh|bash|console)\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def commands(page):
    """The lines of the page's shell blocks, without prompts and comments."""
    for block in blocks(page):
        for line in re.sub(r"\\\n", " ", block).splitlines():
            line = line.strip().removeprefix("$ ").split(" #")[0].strip()
            if line and not line.startswith("#"):
                yield line


def run(command, **options):
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, **options).stdout


def quiet(command):
    """A `cargo run` of the page, without what Cargo says about building."""
    return command.replace("cargo run", "cargo run --quiet").split()


def on_a_terminal(command):
    """What it writes to a terminal, to its end."""
    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CLICOLOR")}
    environment["TERM"] = "xterm-256color"
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        written = b""
        with contextlib.suppress(OSError):  # how Linux says that nobody writes any more
            while chunk := terminal.read(65536):
                written += chunk
        return process.wait(), written.decode()


class Readme(unittest.TestCase):
    def test_two_commands_are_what_a_newcomer_needs(self):
        named = list(commands("README.md"))
        self.assertIn(DEMO, named)
        self.assertIn("tests/run", named)

    def test_suites_named_exist(self):
        suites = {line.split()[0] for line in run(["tests/run", "--list"]).splitlines()}
        for page in PAGES:
            for command in commands(page):
                words = command.split()
                if words[0] == "tests/run" and "--" not in words:
                    named = {word for word in words[1:] if not word.startswith("-")}
                    self.assertLessEqual(named, suites, command)

    def test_paths_named_exist(self):
        for page in PAGES:
            text, folder = (ROOT / page).read_text(), (ROOT / page).parent
            for link in re.findall(r"\]\(([^)#:]+)\)", text):
                self.assertTrue((folder / link).exists(), f"{page} links to {link}")
            top = r"`((?:\.ci|docker|k8s|libs|proto|services|tests)/[\w./-]*)`"
            for path in re.findall(top, text):
                self.assertTrue((ROOT / path).exists(), f"{page} names {path}")


class Program(unittest.TestCase):
    """The release build, as the README has it built."""

    @classmethod
    def setUpClass(cls):
        run(["cargo", "build", "--release", "--quiet"])

    def test_the_demo_runs_to_its_end_plain_and_fast(self):
        began = time.monotonic()
        output = run(quiet(DEMO), timeout=60)
        self.assertLess(time.monotonic() - began, 15, "slower than the README can ask anybody to wait")
        self.assertGreater(len(output.splitlines()), 20, output)
        self.assertNotIn("\x1b", output, "colours in a pipe")

    def test_the_demo_has_colours_on_a_terminal(self):
        code, output = on_a_terminal(quiet(DEMO))
        self.assertEqual(code, 0, output)
        self.assertRegex(output, r"\x1b\[[\d;]*mLiaison")

    def test_what_a_user_types_works_as_it_stands(self):
        self.assertIn(UP, commands("README.md"))
        (using,) = (block for block in blocks("README.md") if "liaison submit" in block)
        (checking,) = (block for block in blocks("README.md") if "liaison verify" in block)
        with tempfile.TemporaryDirectory() as scratch:
            # Not in the reader's ./liaison-data, and on free ports. The page's paths are seen from the root.
            scratch = pathlib.Path(scratch)
            (scratch / "tests").symlink_to(ROOT / "tests")
            data = scratch / "liaison-data"
            environment = {k: v for k, v in os.environ.items() if not k.startswith("LIAISON_")}
            up = subprocess.Popen(
                [*quiet(UP), "--port", "0", "--dir", data], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
            )
            # The page says where programs are built; another shell than its reader's may be told otherwise.
            environment["PATH"] = f"{TARGET / 'release'}:{os.environ['PATH']}"
            shell = {"cwd": scratch, "env": environment, "stdout": subprocess.PIPE, "text": True, "timeout": 60}
            with up:
                try:
                    self.assertIn("ready\n", up.stdout)
                    output = subprocess.run(["sh", "-eu", "-c", using + checking], check=True, **shell).stdout
                finally:
                    up.send_signal(signal.SIGTERM)
                    self.assertEqual(up.wait(60), 0)
            # Offline, in the page's words: as it was downloaded, and after one change.
            verify = checking.strip().splitlines()[-1]
            again = subprocess.run(["sh", "-c", verify], check=True, **shell).stdout
            self.assertTrue(again.startswith("SOUND: "), again)
            bundle = scratch / "bundle.json"
            bundle.write_text(bundle.read_text().replace("r.hale", "r.hall", 1))
            refused = subprocess.run(["sh", "-c", verify], **shell)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("position 1 was altered", refused.stdout)
        for told in (
            "routed", "Workers held on a fishing vessel", "dossier opened", "accepted", "12-stolen-painting", "SOUND: ",
            "bureau NB-GB (officer r.hale) submitted the referral",
        ):
            self.assertIn(told, output)

    def test_commands_named_exist(self):
        for page in PAGES:
            for command in commands(page):
                named = re.match(r"(?:cargo run --release -- |(?:\S*/)?liaison )(\w[\w-]*)", command)
                if named:
                    run(["cargo", "run", "--release", "--quiet", "--", named.group(1), "--help"])


class Load(unittest.TestCase):
    """The load tool as the suites built it: what it says, and not how fast anything is."""

    PROGRAM = pathlib.Path(os.environ.get("LIAISON_TEST_BINARIES", TARGET / "debug")) / "load"

    def test_scenarios_named_exist(self):
        text = (ROOT / "README.md").read_text()
        named = re.search(r"--bin load -- SCENARIO`[^(]*\(([^)]*)\)", text).group(1)
        offered = run([self.PROGRAM, "--help"])
        for scenario in re.findall(r"`([\w-]+)`", named):
            self.assertRegex(offered, rf"(?m)^\s+- {scenario}:")

    def test_a_report_says_what_it_found_and_under_what_conditions(self):
        report = json.loads(
            run([self.PROGRAM, "submit-sqlite", "--no-build", "--seconds", "1", "--output", "json"], timeout=60)
        )
        names = {"scenario", "rate", "baseline", "ratio", "latency_ms", "errors", "rss_mib", "conditions"}
        self.assertEqual(set(report), names)
        self.assertEqual(set(report["baseline"]), {"name", "rate"})
        self.assertEqual(report["errors"], 0)
        self.assertGreater(report["rate"], 0)
        self.assertAlmostEqual(report["ratio"], report["rate"] / report["baseline"]["rate"])
        self.assertEqual(list(report["latency_ms"]), ["p50", "p99", "p999"])
        self.assertEqual(sorted(report["latency_ms"].values()), list(report["latency_ms"].values()))
        self.assertGreater(report["rss_mib"]["liaison-intake"], 0)
        conditions = report["conditions"]
        self.assertLessEqual({"fsync", "synchronous_commit", "dossier_bytes", "clients", "relays"}, set(conditions))
        # The baseline's second insert is as large as what a submission really writes beside the dossier.
        baseline = (ROOT / "tests/src/bin/load/baseline.rs").read_text()
        supposed = int(re.search(r"const EVENT_BYTES: usize = ([\d_]+);", baseline).group(1))
        self.assertAlmostEqual(int(conditions["event_bytes"]), supposed, delta=supposed / 10)


if __name__ == "__main__":
    unittest.main()
