"""Tryton, the ledger of the local stack: prepared once, cloned in a third of a second.

Steps: Tryton's own virtual environment (kept per set of pins), a base database with the modules
active (kept per set of pins), a golden database with companies, charts and products (kept per
pins, configuration and set-up code), and a working copy made from it by PostgreSQL's template
mechanism. PostgreSQL only: on SQLite, Tryton posts unbalanced journal entries.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from dealthread.domain.catalog import ConfigSet
from dealthread.stack.errors import StackError
from dealthread.stack.files import write_atomically
from dealthread.stack.layout import private_folder
from dealthread.stack.postgres import Postgres
from dealthread.stack.tryton_setup.environment import Report, ensure_environment, pins_digest
from dealthread.stack.tryton_setup.run import set_up, setup_digest
from dealthread.stack.tryton_setup.server import (
    CONFIGURATION,
    MODULES,
    ROLE,
    Programs,
    is_healthy,
    wait_healthy,
)
from dealthread.stack.tryton_setup.session import SetupSession
from dealthread.stack.tryton_setup.users import (
    ADMINISTRATOR,
    CHILD_RELATION,
    INTEGRATION_USER,
    Credentials,
)

__all__ = [
    "TrytonInstallation",
    "clone",
    "is_current",
    "is_healthy",
    "prepare",
    "serve_command",
    "wait_healthy",
]

_PASSWORD_BYTES = 24


@dataclass(frozen=True)
class TrytonInstallation:
    """What the supervisor needs to run Tryton and to tell the adapter how to reach it."""

    programs: Programs
    golden: str
    """Name of the template database. Nobody may be connected to it while it is cloned."""
    companies: dict[str, int]
    """Our ERP company code → Tryton's company id."""
    credentials: Credentials
    instance: str

    def adapter_settings(self, url: str, database: str) -> dict[str, str]:
        """Variables that the ERP adapter reads. Holds a password: for the process only."""
        return {
            "DEALTHREAD_TRYTON_URL": url,
            "DEALTHREAD_TRYTON_DATABASE": database,
            "DEALTHREAD_TRYTON_USER": INTEGRATION_USER,
            "DEALTHREAD_TRYTON_PASSWORD": self.credentials.integration_password,
            "DEALTHREAD_TRYTON_INSTANCE": self.instance,
            "DEALTHREAD_TRYTON_COMPANIES": json.dumps(self.companies, sort_keys=True),
            "DEALTHREAD_TRYTON_PARENT_RELATION": CHILD_RELATION,
        }

    def logins(self) -> dict[str, str]:
        """Login → password of this installation's demonstration users."""
        return {
            ADMINISTRATOR: self.credentials.administrator_password,
            INTEGRATION_USER: self.credentials.integration_password,
        }


def prepare(state_dir: Path, pg: Postgres, config: ConfigSet, report: Report) -> TrytonInstallation:
    """Make environment and golden database, or find them. About 45 s the first time, else 0.1 s.

    `state_dir` is the stack's state folder; everything of Tryton is under `tryton/` in it.
    """
    state_dir.mkdir(exist_ok=True)
    folder = state_dir / "tryton"
    private_folder(folder, state_dir.stat().st_uid)
    environment = folder / "venv"
    programs = Programs(
        folder=ensure_environment(environment, report),
        configuration=folder / "trytond.conf",
        logging=folder / "logging.conf",
        postgres=pg,
    )
    programs.write_files()
    pg.ensure_role(ROLE)
    credentials = _credentials(folder / "credentials.json")
    log = folder / "setup.log"
    base = _ensure_base(programs, credentials, report, log)
    key = _digest(base, setup_digest(config), json.dumps(credentials.__dict__, sort_keys=True))
    golden = f"tryton_golden_{key}"
    record = folder / "golden.json"
    companies = _known_companies(record, golden) if _exists(pg, golden) else None
    if companies is None:
        pg.drop_database(golden)
        _copy(pg, base, golden)
        with programs.serving(golden, log) as url:
            session = SetupSession(url, golden, ADMINISTRATOR, credentials.administrator_password)
            try:
                companies = set_up(session, config, credentials, environment, report)
            finally:
                session.close()
        write_atomically(record, json.dumps({"golden": golden, "companies": companies}))
        _drop_others(pg, golden)
        report("Tryton: ready to be cloned")
    instances = {row.erp_instance for row in config.legal_entities}
    return TrytonInstallation(programs, golden, companies, credentials, sorted(instances)[0])


def clone(installation: TrytonInstallation, database: str, *, fresh: bool = False) -> bool:
    """Make the working database from the golden one. An existing one is kept unless `fresh`.

    Returns True when it was made now.
    """
    pg = installation.programs.postgres
    if fresh:
        pg.drop_database(database)
    elif _exists(pg, database):
        return False
    _copy(pg, installation.golden, database)
    return True


def is_current(installation: TrytonInstallation, database: str) -> bool:
    """Whether a working database was cloned from the present golden one."""
    return _made_from(installation.programs.postgres, database) == installation.golden


def serve_command(
    installation: TrytonInstallation, database: str, port: int
) -> tuple[list[str], dict[str, str]]:
    """Command of the server on 127.0.0.1 and the variables to add to the environment.

    Its standard error is discarded: Tryton writes refused records to it in clear. To see why it
    does not start, run `installation.programs.by_hand(database)`.
    """
    return installation.programs.serve(database, port)


def _credentials(path: Path) -> Credentials:
    """This installation's passwords, made at the first call and kept for its working databases."""
    if path.exists():
        return Credentials(**json.loads(path.read_text(encoding="utf-8")))
    made = Credentials(
        administrator_password=secrets.token_urlsafe(_PASSWORD_BYTES),
        integration_password=secrets.token_urlsafe(_PASSWORD_BYTES),
    )
    write_atomically(path, json.dumps(made.__dict__))
    return made


def _ensure_base(programs: Programs, credentials: Credentials, report: Report, log: Path) -> str:
    """A database with the modules active and nothing else: the slow half of the work."""
    pg = programs.postgres
    key = _digest(pins_digest(), CONFIGURATION, *MODULES, credentials.administrator_password)
    name = f"tryton_base_{key}"
    if _exists(pg, name) and _made_from(pg, name) == name:
        return name
    pg.drop_database(name)
    pg.ensure_database(name, ROLE)
    programs.build(name, credentials.administrator_password, report, log)
    _remark(pg, name, name)  # last: a database without the remark is half made
    _drop_others(pg, name)
    return name


def _copy(pg: Postgres, source: str, target: str) -> None:
    """Copy by template; file_copy is three times as fast as the default here."""
    with pg.connect() as session:
        session.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(target), sql.Identifier(ROLE), sql.Identifier(source)
            )
        )
    _remark(pg, target, source)


def _remark(pg: Postgres, database: str, text: str) -> None:
    with pg.connect() as session:
        session.execute(
            sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                sql.Identifier(database), sql.Literal(text)
            )
        )


def _made_from(pg: Postgres, database: str) -> str | None:
    with pg.connect() as session:
        row = session.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
            [database],
        ).fetchone()
    return row[0] if row else None


def _exists(pg: Postgres, database: str) -> bool:
    with pg.connect() as session:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        return session.execute(query, [database]).fetchone() is not None


def _drop_others(pg: Postgres, kept: str) -> None:
    """Remove the prepared databases of earlier pins or configurations, of the kind of `kept`.

    Working databases are never touched."""
    kind = kept.rpartition("_")[0]
    with pg.connect() as session:
        rows = session.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s) AND datname <> %s",
            [f"{kind}_", kept],
        ).fetchall()
    for (name,) in rows:
        pg.drop_database(name)


def _known_companies(record: Path, golden: str) -> dict[str, int] | None:
    """Company ids of a finished golden database; None when this one was not finished."""
    if not record.exists():
        return None
    try:
        stored = json.loads(record.read_text(encoding="utf-8"))
    except json.JSONDecodeError as failure:
        raise StackError(f"{record} is damaged", "make clean, then make up") from failure
    if stored["golden"] != golden:
        return None
    return {str(code): int(item) for code, item in stored["companies"].items()}


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
