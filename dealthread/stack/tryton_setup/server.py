"""Tryton's two programs: `trytond-admin` builds a database, `trytond` serves one."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from dealthread.stack.errors import StackError
from dealthread.stack.files import write_atomically
from dealthread.stack.postgres import Postgres
from dealthread.stack.tryton_setup.environment import Report

ROLE = "tryton"
MODULES = ("sale", "account_invoice_defer", "party_relationship")
# Concurrent writers of one company meet at the number sequence; with Tryton's default of 5
# repetitions most of four parallel clients were answered 503, with 50 none (measured, 8.2.1).
DATABASE_RETRY = 50
# Decimals of a unit price. Tryton's default of 4 cannot price 15,000 units to the cent.
PRICE_DECIMALS = 8
CONFIGURATION = f"""\
[database]
uri = postgresql://{ROLE}@/
retry = {DATABASE_RETRY}
list = False

[product]
price_decimal = {PRICE_DECIMALS}
"""
# Tryton logs each refusal with a traceback that quotes the record: names, addresses, tax numbers.
# It writes the same text to its standard error, past any logging configuration. A log must not
# hold personal data, so both are silenced; the caller gets the refusal in the answer anyway.
LOGGING = """\
[loggers]
keys = root, wsgi, dispatcher, werkzeug

[handlers]
keys = out

[formatters]
keys = plain

[logger_root]
level = WARNING
handlers = out

[logger_wsgi]
qualname = trytond.wsgi
level = CRITICAL
handlers =

[logger_dispatcher]
qualname = trytond.protocols.dispatcher
level = CRITICAL
handlers =

[logger_werkzeug]
qualname = werkzeug
level = WARNING
handlers =

[handler_out]
class = StreamHandler
args = (sys.stdout,)
formatter = plain

[formatter_plain]
format = %(asctime)s %(levelname)s %(name)s %(message)s
"""
_WITHOUT_STANDARD_ERROR = 'exec "$0" "$@" 2>/dev/null'
_ADMIN_SECONDS = 600
_PROGRESS_SECONDS = 10
_MEND = "make clean, then make up"


@dataclass(frozen=True)
class Programs:
    """Where Tryton's programs are and which PostgreSQL they use."""

    folder: Path
    configuration: Path
    logging: Path
    postgres: Postgres

    def write_files(self) -> None:
        """Both configuration files, as this version wants them."""
        write_atomically(self.configuration, CONFIGURATION)
        write_atomically(self.logging, LOGGING)

    def environment(self) -> dict[str, str]:
        """Variables that lead psycopg to the Unix socket; added to the caller's own."""
        return {"PGHOST": str(self.postgres.socket_folder), "PGUSER": ROLE}

    def serve(self, database: str, port: int) -> tuple[list[str], dict[str, str]]:
        """Command and variables of `trytond` on 127.0.0.1."""
        variables = {
            **self.environment(),
            "TRYTOND_WEB__LISTEN": f"127.0.0.1:{port}",
            "TRYTOND_LOGGING_CONFIG": str(self.logging),
        }
        return ["/bin/sh", "-c", _WITHOUT_STANDARD_ERROR, *self._trytond(database)], variables

    def by_hand(self, database: str) -> str:
        """A command for a person who wants to see why the server does not start."""
        variables = [f"{name}={value}" for name, value in self.environment().items()]
        return shlex.join(["env", *variables, *self._trytond(database)])

    def _trytond(self, database: str) -> list[str]:
        return [str(self.folder / "trytond"), "-c", str(self.configuration), "-d", database]

    def build(self, database: str, password: str, report: Report, log: Path) -> None:
        """Activate the modules in an empty database and set the administrator's password."""
        secret = log.parent / f"{database}.pass"
        write_atomically(secret, password)
        command = [str(self.folder / "trytond-admin"), "-c", str(self.configuration)]
        command += ["-d", database, "--email", "admin@example.com"]
        command += ["-u", *MODULES, "--activate-dependencies"]
        variables = {**os.environ, **self.environment(), "TRYTONPASSFILE": str(secret)}
        report("Tryton: creating its database (about 30 s, once)")
        try:
            with log.open("ab") as output, _started(command, variables, output) as process:
                _follow(process, report, log)
        finally:
            secret.unlink(missing_ok=True)

    @contextmanager
    def serving(self, database: str, log: Path) -> Iterator[str]:
        """Run `trytond` while the block lasts; yields its address."""
        port = free_port()
        command, variables = self.serve(database, port)
        url = f"http://127.0.0.1:{port}"
        with (
            log.open("ab") as output,
            _started(command, {**os.environ, **variables}, output) as process,
        ):
            wait_healthy(url, process=process, by_hand=self.by_hand(database))
            yield url


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_healthy(
    url: str,
    *,
    seconds: float = 60.0,
    process: subprocess.Popen[bytes] | None = None,
    by_hand: str = "make doctor",
) -> None:
    """Return when Tryton at `url` says its version; stop when its process ended.

    `by_hand` is the command that lets a person see why it does not start.
    """
    deadline = time.monotonic() + seconds
    while not is_healthy(url):
        if process is not None and process.poll() is not None:
            raise StackError(f"trytond ended with status {process.returncode}", by_hand)
        if time.monotonic() > deadline:
            raise StackError(f"Tryton did not answer within {seconds:.0f} s", by_hand)
        time.sleep(0.1)


def is_healthy(url: str) -> bool:
    """Whether the server answers; one call, no waiting."""
    body = {"id": 0, "method": "common.server.version", "params": []}
    try:
        answer = httpx.post(f"{url}/rpc/", json=body, timeout=2, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.status_code == httpx.codes.OK


@contextmanager
def _started(
    command: list[str], variables: Mapping[str, str], output: object
) -> Iterator[subprocess.Popen[bytes]]:
    # Tryton's own programs with our arguments, no shell.
    process = subprocess.Popen(  # noqa: S603
        command,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=output,  # type: ignore[call-overload]
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _follow(process: subprocess.Popen[bytes], report: Report, log: Path) -> None:
    """Wait for the end, with a sign of life every ten seconds."""
    began = time.monotonic()
    while True:
        try:
            status = process.wait(timeout=_PROGRESS_SECONDS)
            break
        except subprocess.TimeoutExpired:
            passed = time.monotonic() - began
            report(f"Tryton: still creating its database ({passed:.0f} s)")
            if passed > _ADMIN_SECONDS:
                raise StackError(
                    f"trytond-admin took over {passed:.0f} s; see {log}", _MEND
                ) from None
    if status != 0:
        raise StackError(f"trytond-admin ended with status {status}; see {log}", _MEND)
