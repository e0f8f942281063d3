"""Set up .venv and run one command in it: python3 bootstrap.py repro | test | COMMAND.

Needs Python 3.11 to 3.13, git and a package index that pip can reach; installs the exact versions
of requirements.lock with their hashes, on CPU and CUDA machines alike. Set-up happens once.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
UV = "uv==0.13.9"
STAMP = VENV / "installed.sha256"
REPORT = ROOT / "reports" / "report.html"
COMMANDS = {
    "repro": [["dvc", "repro"]],
    "test": [["pytest"]],
    "setup": [],
}


def main(arguments: list[str]) -> int:
    """Install when the lock changed, then run the named (or any other) command inside .venv."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        print(f"Python 3.11 to 3.13 is needed; this is {sys.version.split()[0]}", file=sys.stderr)
        return 1
    if not arguments:
        print(__doc__)
        return 2
    _install()
    name, *rest = arguments
    commands = [[*command, *rest] for command in COMMANDS.get(name, [[name]])]
    for command in commands:
        program = BIN / command[0]
        found = str(program) if program.exists() else command[0]
        status = subprocess.run([found, *command[1:]], cwd=ROOT, env=_environment()).returncode
        if status:
            return status
    if name == "repro":
        print(f"\nThe report: {REPORT}")
    return 0


def _install() -> None:
    """Make .venv and fill it from the lock, unless its stamp says that this was done already."""
    wanted = hashlib.sha256()
    for name in ("requirements.lock", "pyproject.toml", "bootstrap.py"):
        wanted.update((ROOT / name).read_bytes())
    if STAMP.exists() and STAMP.read_text() == wanted.hexdigest():
        return
    uv = str(BIN / "uv")
    install = [uv, "pip", "install", "--quiet", "--python", str(BIN / "python")]
    steps = [
        [str(BIN / "python"), "-m", "pip", "install", "--quiet", UV],
        [*install, "--require-hashes", "-r", "requirements.lock"],
        [*install, "--no-deps", "--editable", "."],
    ]
    print("setting up .venv (a few minutes the first time) …", file=sys.stderr)
    if not (BIN / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    for step in steps:
        status = subprocess.run(step, cwd=ROOT, env=_environment()).returncode
        if status:
            sys.exit(f"set-up failed ({status}) in: {' '.join(step)}")
    STAMP.write_text(wanted.hexdigest())


def _environment() -> dict[str, str]:
    """The caller's environment with .venv active."""
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "VIRTUAL_ENV": str(VENV)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
