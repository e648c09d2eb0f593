"""A real Tryton for the tests: prepared once under `.dealthread/cache`, a fresh clone per session.

PostgreSQL and trytond are processes of the session: started by it, ended by it. A test module
uses this by `pytest_plugins = ("tests.adapters.tryton_fixture",)` and must not import it itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from adapters.erp.tryton.factory import create
from adapters.erp.tryton.rpc import TrytonRpc
from dealthread.ports.erp import ErpPort
from tests.support.tryton_server import RunningTryton as RunningTryton
from tests.support.tryton_server import running_tryton


@pytest.fixture(scope="session")
def tryton_server() -> Iterator[RunningTryton]:
    """Tryton on a free port of 127.0.0.1, with a database of its own."""
    with running_tryton() as server:
        yield server


@pytest.fixture(scope="session")
async def tryton_http() -> AsyncIterator[httpx.AsyncClient]:
    """A client without proxies from the environment."""
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


@pytest.fixture
def tryton_erp(tryton_server: RunningTryton, tryton_http: httpx.AsyncClient) -> ErpPort:
    """The port under test."""
    return create(tryton_server.settings, tryton_http)


@pytest.fixture
def tryton_rpc(tryton_server: RunningTryton, tryton_http: httpx.AsyncClient) -> TrytonRpc:
    """For reading Tryton by another way than the port."""
    return TrytonRpc(tryton_server.settings, tryton_http)
