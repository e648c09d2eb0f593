"""SC-06: no personal datum and no secret in clear in Temporal, in histories
or in logs, after everything else in this folder has run, failures and cases included."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from google.protobuf import json_format
from temporalio.client import Client

from dealthread.sandbox.invented import InventedCustomers
from dealthread.sandbox.process import ProcessApi
from dealthread.sandbox.selling import SalesDesk
from dealthread.sandbox.worked_deals import UNMAPPED, seats
from dealthread.stack.info import StackInfo

pytestmark = [
    pytest.mark.stack,
    pytest.mark.tryton,
    pytest.mark.temporal,
    pytest.mark.slow,
    # The first of these also prepares the whole stack.
    pytest.mark.timeout(900),
]


def _spellings(text: str) -> list[bytes]:
    """The text as it could hide: as it is, in UTF-16, and in base64 at each of three offsets."""
    raw = text.encode()
    found = [raw, text.encode("utf-16-le")]
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).rstrip(b"=")
        found.append(encoded[4 if offset else 0 : -2])
    return found


def _leaks(content: bytes, canaries: dict[str, str]) -> list[str]:
    return [
        name
        for name, text in canaries.items()
        if any(spelling in content for spelling in _spellings(text))
    ]


def test_the_detector_bites() -> None:
    """A check that cannot fail proves nothing."""
    canaries = {"name": "Harborline Logistics"}
    for spelling in _spellings("Harborline Logistics"):
        assert _leaks(b"x" + spelling + b"y", canaries) == ["name"]
    assert _leaks(b"nothing here", canaries) == []


@pytest.mark.usefixtures("office")
async def test_no_canary_in_temporal_or_in_logs(
    stack: StackInfo, sales: SalesDesk, operator: ProcessApi
) -> None:
    """Names, streets, e-mail addresses, domains and tax ids of customers; every credential."""
    customers = [InventedCustomers(3000).german(0), InventedCustomers(3001).oregonian(0)]
    today = stack.business_now.date()
    stuck = sales.sell(seats("CANARY", UNMAPPED, 3, customers[1], today))
    operator.wait_until(stuck.deal_id, lambda seen: bool(seen.case_id), "a case", 60)

    canaries = {}
    for number, customer in enumerate(customers):
        canaries |= {
            f"name {number}": customer.name,
            f"street {number}": customer.place.street,
            f"domain {number}": customer.domain,
            f"e-mail {number}": customer.payable_email,
        }
    secrets = {
        f"secret {index}": text
        for index, text in enumerate(_texts(stack.credentials.model_dump(mode="json")))
        if len(text) >= 16
    }
    assert len(secrets) > 8
    looked_at = 0
    for path in (*_temporal_files(stack), *sorted(stack.layout.logs.iterdir())):
        content = path.read_bytes()
        looked_at += len(content)
        assert _leaks(content, canaries | secrets) == [], path.name
    assert looked_at > 100_000

    client = await Client.connect(stack.urls.temporal_address)
    async for run in client.list_workflows(f'DtDealId = "{stuck.deal_id}"'):
        history = await client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
        text = "".join(json.dumps(json_format.MessageToDict(event)) for event in history.events)
        looked_at += len(text)
        assert _leaks(text.encode(), canaries | secrets) == [], run.id


def _temporal_files(stack: StackInfo) -> list[Path]:
    database = stack.layout.temporal_database
    files = [database, *database.parent.glob(database.name + "-*")]
    return [path for path in files if path.exists()]


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []
