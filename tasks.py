"""Set up facespot in a clone and run it, with nothing but Python 3.11 or 3.12.

    python tasks.py spot                  spot the expressions in the demo video
    python tasks.py spot VIDEO [OPTION]   ... in your own; VIDEO=... in the environment does the same
    python tasks.py test [OPTION]         run the tests
    python tasks.py check                 lint, check formats, types and layers

Each command makes the virtual environment .venv first, where it is missing or out of date.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
VERSIONS = ((3, 12), (3, 11))
EXTRAS = {"spot": "", "test": "[train,dlib,mtcnn,synth,dev]", "check": "[train,dlib,mtcnn,synth,dev]"}


def use_a_supported_python() -> None:
    """Start over with another interpreter where this one is too old or too new for the libraries' wheels."""
    if sys.version_info[:2] in VERSIONS:
        return
    for major, minor in VERSIONS:
        other = shutil.which(f"python{major}.{minor}")
        if other is not None and subprocess.run([other, "--version"], capture_output=True).returncode == 0:
            sys.exit(subprocess.run([other, *sys.argv]).returncode)
    sys.exit(f"facespot needs Python 3.11 or 3.12, this is {sys.version.split()[0]}; install one of them and try again")


def set_up(extras: str) -> Path:
    """Make the environment hold facespot with these extras; returns its folder of programs."""
    programs = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    stamp = ENVIRONMENT / "facespot-setup.txt"
    installed = stamp.read_text().split("\n") if stamp.exists() else []
    if installed[:1] == [wanted] and extras in installed:
        return programs
    print(f"setting up {ENVIRONMENT} (once; this downloads packages)", file=sys.stderr, flush=True)
    if not (programs / ("python.exe" if os.name == "nt" else "python")).exists():
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
    subprocess.run(
        [programs / "python", "-m", "pip", "install", "--quiet", "--editable", f".{extras}"], cwd=ROOT, check=True
    )
    known = installed[1:] if installed[:1] == [wanted] else []
    stamp.write_text("\n".join([wanted, *known, extras]))
    return programs


def commands(task: str, arguments: list[str], programs: Path) -> list[list[str | Path]]:
    """What a task runs, one command after the other."""
    if task == "spot":
        video = os.environ.get("VIDEO", str(ROOT / "examples" / "demo.mp4"))
        return [[programs / "facespot", "spot", *(arguments or [video])]]
    if task == "test":
        return [[programs / "python", "-m", "pytest", *arguments]]
    return [
        [programs / "ruff", "check", "."],
        [programs / "ruff", "format", "--check", "."],
        [programs / "mypy"],
        [programs / "lint-imports"],
    ]


def main() -> int:
    """Run one task; returns the exit code of the first command that failed, or 0."""
    task, arguments = (sys.argv[1] if len(sys.argv) > 1 else ""), sys.argv[2:]
    if task not in EXTRAS:
        print(__doc__)
        return 0 if task in ("", "-h", "--help") else 2
    use_a_supported_python()
    try:
        programs = set_up(EXTRAS[task])
    except subprocess.CalledProcessError:
        print("facespot: pip could not install the packages; its messages above say why", file=sys.stderr)
        return 2
    where = None if task == "spot" else ROOT
    for command in commands(task, arguments, programs):
        code = subprocess.run(command, cwd=where).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
