"""A local installation without its processes: the real bridge over a test database.

The command line finds it as it finds a stack: by `.dealthread/stack.json` above the present folder.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine
from typer.testing import CliRunner

from dealthread.bridge.app import create_app
from dealthread.cli.main import app
from dealthread.settings import Settings
from dealthread.simulators.kit.server import BackgroundServer
from dealthread.stack import info
from dealthread.stack.environment import app_environment
from dealthread.stack.info import StackInfo
from dealthread.stack.installation import establish
from dealthread.store.engine import create_engine


@dataclass(frozen=True)
class Said:
    """What one call of the command line said."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line on stderr of a refusal; more than a line, or a trace, fails the test."""
        assert self.code == 1, (self.code, self.out, self.err)
        (line,) = self.err.strip().splitlines()
        assert "Traceback" not in self.out + self.err
        return line.removeprefix("dealthread: ")


Run = Callable[..., Said]


def call(*words: str) -> Said:
    """Run `dealthread` with these words."""
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line in an empty folder, with none of this machine's own settings."""
    for name in list(os.environ):
        if name.startswith(("DEALTHREAD_", "TEMPORAL_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return call


@pytest.fixture
def business_date() -> date | None:
    """Day on which the stack's business clock starts; None is this machine's."""
    return None


@pytest.fixture
def stack(
    run: Run,
    tmp_path: Path,
    database_url: str,
    business_date: date | None,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[StackInfo]:
    """A running bridge, named by the stack.json of the folder above the present one."""
    made = establish(tmp_path, business_date)
    settings = app_environment(made) | {"DEALTHREAD_DATABASE_URL": database_url}
    values = {
        name: settings[f"DEALTHREAD_{name.upper()}"]
        for name in Settings.model_fields
        if f"DEALTHREAD_{name.upper()}" in settings
    }
    server = BackgroundServer(create_app(Settings.model_validate(values)))
    server.start()
    try:
        urls = made.urls.model_copy(update={"bridge": server.url})
        made = made.model_copy(update={"urls": urls})
        info.write(made)
        below = tmp_path / "deeper"
        below.mkdir()
        monkeypatch.chdir(below)
        yield made
    finally:
        server.stop()


@pytest_asyncio.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """The store of one test."""
    made = create_engine(database_url)
    yield made
    await made.dispose()
