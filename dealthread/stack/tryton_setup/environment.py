"""Tryton's own virtual environment: pinned, hashed, apart from ours.

Tryton is GPL-3.0-or-later. It runs as a program of its own and is spoken to by HTTP; nothing of it
is ever installed into, or imported by, the environment of this project.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from dealthread.stack.errors import StackError
from dealthread.stack.files import write_atomically

Report = Callable[[str], None]
"""Takes one line of progress for a person."""

REQUIREMENTS = Path(__file__).parents[3] / "requirements" / "tryton.txt"
_INSTALL_SECONDS = 600


def pins_digest(requirements: Path = REQUIREMENTS) -> str:
    """Digest of the pinned requirement file; a change rebuilds environment and databases."""
    return hashlib.sha256(requirements.read_bytes()).hexdigest()


def ensure_environment(folder: Path, report: Report, requirements: Path = REQUIREMENTS) -> Path:
    """Make `folder` the environment of the pins, unless it is already. Returns its `bin` folder."""
    marker = folder / "pins"
    wanted = f"{pins_digest(requirements)} {sys.version_info.major}.{sys.version_info.minor}\n"
    if marker.exists() and marker.read_text(encoding="utf-8") == wanted:
        return folder / "bin"
    if folder.exists():
        shutil.rmtree(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    report("Tryton: installing the pinned packages (about 15 s, once)")
    fast = shutil.which("uv")
    if fast is None or not _with_uv(fast, folder, requirements):
        _with_pip(folder, requirements)
    write_atomically(marker, wanted, mode=0o644)
    return folder / "bin"


def _with_uv(program: str, folder: Path, requirements: Path) -> bool:
    """Install with `uv`; False when that fails, since pip may know an index that uv does not."""
    install = [program, "pip", "install", "--quiet", "--require-hashes"]
    steps = (
        [program, "venv", "--quiet", "--python", sys.executable, str(folder)],
        [*install, "--python", str(folder / "bin" / "python"), "-r", str(requirements)],
    )
    for step in steps:
        if _run(step).returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)
            return False
    return True


def _with_pip(folder: Path, requirements: Path) -> None:
    made = _run([sys.executable, "-m", "venv", str(folder)])
    if made.returncode != 0:
        shutil.rmtree(folder, ignore_errors=True)
        raise StackError(
            f"Python's venv module did not work: {_tail(made)}", "apt-get install python3-venv"
        )
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input"]
    installed = _run([*pip, "--no-deps", "--require-hashes", "-r", str(requirements)])
    if installed.returncode != 0:
        shutil.rmtree(folder, ignore_errors=True)
        raise StackError(
            f"the packages of {requirements.name} could not be installed: {_tail(installed)}",
            "check that pip reaches its package index, then repeat",
        )


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    # Fixed programs with our own arguments, no shell.
    return subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, check=False, timeout=_INSTALL_SECONDS
    )


def _tail(result: subprocess.CompletedProcess[str]) -> str:
    lines = (result.stderr or result.stdout).strip().splitlines()
    return lines[-1] if lines else f"exit status {result.returncode}"
