"""What the README tells a newcomer to do can be done, and what it points at is there."""

import pathlib
import re
import subprocess
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ["README.md", "k8s/README.md"]
DEMO = "cargo run --release -- demo"


def commands(page):
    """The lines of the page's shell blocks, without prompts and comments."""
    for block in re.findall(r"```(?:sh|bash|console)\n(.*?)```", (ROOT / page).read_text(), re.DOTALL):
        for line in re.sub(r"\\\n", " ", block).splitlines():
            line = line.strip().removeprefix("$ ").split(" #")[0].strip()
            if line and not line.startswith("#"):
                yield line


def run(command, **options):
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, **options).stdout


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
        output = run(DEMO.replace("cargo run", "cargo run --quiet").split(), timeout=60)
        self.assertLess(time.monotonic() - began, 15, "slower than the README can ask anybody to wait")
        self.assertGreater(len(output.splitlines()), 20, output)
        self.assertNotIn("\x1b", output, "colours in a pipe")

    def test_commands_named_exist(self):
        for page in PAGES:
            for command in commands(page):
                named = re.match(r"(?:cargo run --release -- |(?:\S*/)?liaison )(\w[\w-]*)", command)
                if named:
                    run(["cargo", "run", "--release", "--quiet", "--", named.group(1), "--help"])


if __name__ == "__main__":
    unittest.main()
