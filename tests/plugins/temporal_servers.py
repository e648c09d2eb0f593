"""Two Temporal servers, development and time-skipping, and the store of one test."""

from __future__ import annotations

import base64
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from dealthread.attributes import ALL
from dealthread.codec import EncryptingCodec
from dealthread.store.engine import create_engine
from dealthread.temporal import data_converter

BIN = Path(sys.executable).parent
TEST_KEY = {"test/1": base64.b64decode(base64.b64encode(b"k" * 32))}


def converter():
    """The product's own converter, with a key of the tests."""
    return data_converter(EncryptingCodec(TEST_KEY))


@pytest_asyncio.fixture(scope="session")
async def dev_server() -> AsyncIterator[Client]:
    """The development server, for what the other one cannot do."""
    environment = await WorkflowEnvironment.start_local(
        data_converter=converter(),
        search_attributes=list(ALL),
        dev_server_existing_path=str(BIN / "temporal"),
        dev_server_extra_args=[
            "--dynamic-config-value",
            "history.transferProcessorMaxPollRPS=100",
            "--dynamic-config-value",
            'history.timerProcessorMaxTimeShift="10ms"',
            "--dynamic-config-value",
            "matching.numTaskqueueReadPartitions=1",
            "--dynamic-config-value",
            "matching.numTaskqueueWritePartitions=1",
            "--log-level",
            "error",
        ],
    )
    async with environment:
        yield environment.client


@pytest_asyncio.fixture
async def skipping_server() -> AsyncIterator[WorkflowEnvironment]:
    """A time-skipping server of this test alone: skipped time is global to it."""
    environment = await WorkflowEnvironment.start_time_skipping(
        data_converter=converter(), test_server_existing_path=str(BIN / "temporal-test-server")
    )
    async with environment:
        await environment.client.operator_service.add_search_attributes(registration())
        yield environment


def registration():
    """The product's search attributes, for a server that starts without."""
    from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest  # noqa: PLC0415

    return AddSearchAttributesRequest(
        namespace="default",
        search_attributes={key.name: key.indexed_value_type for key in ALL},
    )


@pytest_asyncio.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """The store of one test."""
    made = create_engine(database_url)
    yield made
    await made.dispose()


@pytest.fixture(params=["dev", "skipping"])
def client(request: pytest.FixtureRequest, dev_server: Client) -> Client:
    """Each test that asks for it runs on both servers."""
    if request.param == "dev":
        return dev_server
    environment: WorkflowEnvironment = request.getfixturevalue("skipping_server")
    return environment.client
