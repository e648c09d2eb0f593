"""A real Tryton: prepared once under `.dealthread/cache`, a fresh clone for whoever asks."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from adapters.erp.tryton.settings import TrytonSettings
from dealthread.config import load_config
from dealthread.stack import tryton
from dealthread.stack.postgres import PostgresProgram
from dealthread.stack.tryton_setup.server import free_port

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".dealthread" / "cache"
DATABASE = "tryton_test"


@dataclass(frozen=True)
class RunningTryton:
    """Address and settings of a Tryton that runs."""

    url: str
    database: str
    settings: TrytonSettings
    installation: tryton.TrytonInstallation
    log: Path
    """What trytond printed."""


@contextmanager
def running_tryton() -> Iterator[RunningTryton]:
    """On a free port of 127.0.0.1, with a database of its own, which is dropped at the end."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dt-pg-") as folder:
        # Data of tests only: no fsync. The socket is elsewhere, because its path must be short.
        program = PostgresProgram(CACHE / "tryton-pg", Path(folder) / "s")
        with program.running(durable=False) as postgres:
            installation = tryton.prepare(CACHE, postgres, load_config(ROOT / "config"), print)
            tryton.clone(installation, DATABASE, fresh=True)
            port = free_port()
            command, variables = tryton.serve_command(installation, DATABASE, port)
            url = f"http://127.0.0.1:{port}"
            log_file = CACHE / "tryton-test.log"
            with log_file.open("wb") as log:
                process = subprocess.Popen(
                    command, env={**os.environ, **variables}, stdout=log, stderr=log
                )
                try:
                    tryton.wait_healthy(url, process=process)
                    yield RunningTryton(
                        url,
                        DATABASE,
                        TrytonSettings(
                            url=url,
                            database=DATABASE,
                            user="dealthread",
                            password=SecretStr(installation.credentials.integration_password),
                            instance=installation.instance,
                            companies=dict(installation.companies),
                        ),
                        installation,
                        log_file,
                    )
                finally:
                    process.terminate()
                    process.wait(timeout=20)
            postgres.drop_database(DATABASE)
