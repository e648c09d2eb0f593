"""SC-06: no personal datum and no secret in clear in Temporal, in histories
or in logs, after everything else in this folder has run, failures and cases included."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import httpx
import pytest
from google.protobuf import json_format
from temporalio.client import Client

from dealthread.sandbox.invented import InventedCustomers
from dealthread.sandbox.process import ProcessApi
from dealthread.sandbox.records import Customer
from dealthread.sandbox.selling import SalesDesk
from dealthread.sandbox.worked_deals import K1, K2, K4, UNMAPPED, d2, seats
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
    payload = base64.b64encode(b"to Harborline Logistics LLC").decode()
    assert _leaks(_decoded(json.dumps({"data": payload})), canaries) == ["name"]


@pytest.mark.usefixtures("office")
async def test_no_canary_in_temporal_or_in_logs(
    stack: StackInfo, sales: SalesDesk, operator: ProcessApi
) -> None:
    """Names, streets, e-mail addresses, domains and tax ids of customers and their parents; every
    credential. Looked for in what Temporal keeps, in what it answers, and in what we log."""
    complete, waiting = InventedCustomers(3000).german(0), InventedCustomers(3001).oregonian(0)
    today = stack.business_now.date()
    # An attempt fails on the way: what it said of the failure must not be readable either.
    fault = {"kind": "server_error", "method": "POST", "path": "^/v1/customers$"}
    async with httpx.AsyncClient(trust_env=False) as http:
        (await http.post(f"{stack.urls.stripe}/_sim/faults", json=fault)).raise_for_status()
    won = sales.sell(d2(complete))
    stuck = sales.sell(seats("CANARY", UNMAPPED, 3, waiting, today))
    operator.wait_until(stuck.deal_id, lambda seen: bool(seen.case_id), "a case", 60)
    operator.wait_until(won.deal_id, lambda seen: seen.outcome == "completed", "its end", 120)

    canaries = _personal([complete, waiting, K1, K2, K4])
    secrets = {
        f"secret {index}": text
        for index, text in enumerate(_texts(stack.credentials.model_dump(mode="json")))
        if len(text) >= 16
    }
    assert len(secrets) > 8
    files = _temporal_files(stack)
    assert files
    logs = sorted(stack.layout.logs.iterdir())
    assert logs
    for path in (*files, *logs):
        content = path.read_bytes()
        assert _leaks(content, canaries | secrets) == [], path.name
    assert sum(path.stat().st_size for path in files) > 100_000

    client = await Client.connect(stack.urls.temporal_address)
    failures = 0
    for deal in (won, stuck):
        runs = [run async for run in client.list_workflows(f'DtDealId = "{deal.deal_id}"')]
        assert runs
        for run in runs:
            history = await client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
            events = [json_format.MessageToDict(event) for event in history.events]
            failures += sum("lastFailure" in json.dumps(event) for event in events)
            text = "".join(json.dumps(event) for event in events)
            # Payloads are base64 in this form: looked through as they are and decoded.
            assert _leaks(text.encode() + _decoded(text), canaries | secrets) == [], run.id
    assert failures, "no history holds a failed attempt"


def _personal(customers: list[Customer]) -> dict[str, str]:
    """What must not be readable, by a name that may be printed."""
    found: dict[str, str] = {}
    for number, customer in enumerate(customers):
        found |= {
            f"name {number}": customer.name,
            f"street {number}": customer.place.street,
            f"domain {number}": customer.domain,
            f"e-mail {number}": customer.payable_email,
        }
        if customer.tax_id:
            found[f"tax id {number}"] = customer.tax_id
        if customer.parent is not None:
            found |= {
                f"parent's {name}": text for name, text in _personal([customer.parent]).items()
            }
    return found


def _decoded(text: str) -> bytes:
    """Everything in a history that reads as base64."""
    pieces = re.findall(
        r'"((?:[A-Za-z0-9+/]{4}){4,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)"', text
    )
    return b"\n".join(base64.b64decode(piece) for piece in pieces)


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
