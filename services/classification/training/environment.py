"""A Python environment with what requirements.txt names, kept under target/."""

import hashlib
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
REQUIREMENTS = pathlib.Path(__file__).resolve().parent / "requirements.txt"


def enter(script, *more):
    """Runs `script` again inside the environment, unless it runs there already. `more` are further requirements."""
    wanted = "\n".join([sys.version, REQUIREMENTS.read_text(encoding="utf-8"), *more])
    folder = TARGET / "training" / f"environment-{hashlib.sha256(wanted.encode()).hexdigest()[:16]}"
    if os.environ.get("LIAISON_TRAINING_ENVIRONMENT") == str(folder):
        return
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", REQUIREMENTS, *more], check=True)
        (folder / "complete").touch()
    os.environ["LIAISON_TRAINING_ENVIRONMENT"] = str(folder)
    os.execv(python, [python, os.path.abspath(script), *sys.argv[1:]])
