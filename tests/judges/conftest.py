"""Installs the judges, runs their scripts under Node.js, and serves simulators to them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
INSTALLED = HERE.parent.parent / ".dealthread" / "judges"
INSTALL_SECONDS = 280
SCRIPT_SECONDS = 120

NodeRunner = Callable[[str, Any], Any]


@pytest.fixture(scope="session")
def judges_folder() -> Path:
    """The folder with the packages of `package.json`, installed when that file has changed."""
    wanted = (HERE / "package.json").read_text(encoding="utf-8")
    stamp = INSTALLED / "installed.json"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return INSTALLED
    shutil.rmtree(INSTALLED, ignore_errors=True)
    INSTALLED.mkdir(parents=True)
    (INSTALLED / "package.json").write_text(wanted, encoding="utf-8")
    # No lock file: it would name the registry's host. No package here needs its install script.
    flags = ("--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    done = subprocess.run(
        [_program("npm"), "install", *flags],
        cwd=INSTALLED,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"npm install failed:\n{done.stdout}\n{done.stderr}"
    stamp.write_text(wanted, encoding="utf-8")
    return INSTALLED


@pytest.fixture(scope="session")
def node(judges_folder: Path) -> NodeRunner:
    """`node(script, value)` runs a script of this folder and returns what it answers."""
    program = _program("node")
    environment = {name: text for name, text in os.environ.items() if "proxy" not in name.lower()}
    environment["NODE_PATH"] = str(judges_folder / "node_modules")

    def run(script: str, value: Any) -> Any:
        done = subprocess.run(
            [program, str(HERE / script)],
            input=json.dumps(value),
            env=environment,
            capture_output=True,
            text=True,
            timeout=SCRIPT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{script} failed:\n{done.stderr}"
        return json.loads(done.stdout)

    return run


def _program(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is absent; `make judges` installs it"
    return found
