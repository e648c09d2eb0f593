"""SC-06: every route of the process API knows who calls, and lets in the roles of its row alone."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI

from dealthread.bridge.access import ALLOWED
from dealthread.naming import contract_key, quote_to_cash_id
from tests.bridge.caller import DEAL, ORG, ROLES, Bridge

pytestmark = pytest.mark.postgres
SUBMIT = f"/v1/deals/{DEAL}/quote-to-cash"
KEY = quote_to_cash_id(ORG, DEAL)
READERS = set(ROLES) - {"customer-success", "metering", "cash"}
CHANGERS = {"operator", "deal-desk"}
MONEY = {"operator", "finance"}

# Route → the roles that may use it. Written by hand: what the product declares is checked here.
CHECK = f"/v1/deals/{DEAL}/check"
CONTRACT = f"/v1/contracts/{contract_key(ORG, DEAL)}"
MATRIX: dict[tuple[str, str], set[str]] = {
    ("POST", CHECK): READERS,
    ("POST", SUBMIT): {"operator", "deal-desk"},
    ("GET", "/v1/transactions"): READERS,
    ("GET", f"/v1/transactions/{DEAL}"): READERS,
    ("GET", f"/v1/transactions/{DEAL}/trace"): READERS,
    ("GET", "/v1/outcomes"): READERS,
    ("GET", "/v1/uncertain"): READERS,
    ("GET", f"/v1/writes/{KEY}"): READERS,
    ("GET", "/v1/cases"): READERS,
    ("GET", "/v1/cases/case-1"): READERS,
    # Who may take which decision is in test_decisions.py; here: who gets as far as the decision.
    ("POST", "/v1/cases/case-1/decisions"): READERS,
    ("GET", f"{CONTRACT}"): READERS,
    ("POST", f"{CONTRACT}/amendments"): CHANGERS,
    ("POST", f"{CONTRACT}/renewals"): CHANGERS,
    ("POST", f"{CONTRACT}/cancellations"): CHANGERS,
    ("POST", f"{CONTRACT}/withdrawals"): CHANGERS,
    ("POST", f"{CONTRACT}/amendments/preview"): CHANGERS,
    ("POST", f"{CONTRACT}/renewals/preview"): CHANGERS,
    ("POST", f"{CONTRACT}/cancellations/preview"): CHANGERS,
    ("POST", f"{CONTRACT}/signals/risk"): CHANGERS | {"customer-success"},
    ("GET", "/v1/events"): READERS,
    ("GET", "/v1/events/evt_1"): READERS,
    ("GET", "/v1/events/replays"): READERS,
    ("POST", "/v1/events/replays"): {"operator", "finance-systems"},
    ("GET", "/v1/subscribers"): READERS,
    ("POST", "/v1/subscribers/desk/enable"): {"operator", "finance-systems"},
    ("GET", "/v1/inbox"): READERS,
    ("GET", "/v1/money"): READERS,
    ("GET", "/v1/recognition/US01/2025-01"): READERS,
    ("GET", "/v1/recognition/XX01/2025-01/roll-forward"): READERS,
    ("POST", "/v1/recognition/XX01/2025-01/runs"): {"operator", "finance"},
    ("POST", "/v1/recognition/XX01/2025-01/runs/preview"): {"operator", "finance"},
    ("POST", "/v1/recognition/XX01/2025-01/reversals"): {"operator", "finance"},
    ("POST", f"{CONTRACT}/acceptances"): {"operator", "finance"},
    ("POST", "/v1/inbox/1/replays"): {"operator", "finance-systems"},
    ("GET", "/v1/contract-check"): READERS,
    ("GET", "/v1/customers/A-NOBODY"): READERS,
    ("GET", "/v1/collections"): READERS,
    ("GET", "/v1/collections/N-0"): READERS,
    ("POST", "/v1/collections/N-0/orders"): MONEY,
    ("POST", "/v1/invoices/N-0/credits/preview"): MONEY,
    ("POST", "/v1/invoices/N-0/credits"): MONEY,
    ("POST", "/v1/invoices/N-0/write-off/preview"): MONEY,
    ("POST", "/v1/invoices/N-0/write-off"): MONEY,
    ("POST", "/v1/receipts"): MONEY | {"cash"},
    ("GET", "/v1/posting-summaries/N-0"): READERS,
    ("GET", "/v1/closes/XX01/2025-01"): READERS,
    ("POST", "/v1/closes/XX01/2025-01"): MONEY,
    ("POST", "/v1/closes/XX01/2025-01/signature"): {"approver", "finance"},
    ("GET", "/v1/closes/XX01/2025-01/evidence"): READERS,
    ("GET", "/v1/closes/XX01/2025-01/journal"): READERS,
    ("GET", "/v1/adoption/plans"): READERS,
    ("GET", "/v1/adoption/plans/AP-0"): READERS,
    ("POST", "/v1/adoption/XX01/plans"): MONEY,
    ("GET", "/v1/adoption/XX01/answers"): READERS,
    ("POST", "/v1/adoption/XX01/answers"): MONEY,
    ("POST", "/v1/adoption/plans/AP-0/approvals"): {"approver", "finance"},
    ("POST", "/v1/usage"): {"operator", "metering"},
    ("GET", "/v1/usage/contracts/C-NOBODY"): READERS,
    ("GET", "/v1/usage/invoices/N-0"): READERS,
    ("POST", "/v1/usage/sendings"): {"operator", "metering"},
    ("GET", "/v1/circuits"): READERS,
    ("GET", "/v1/circuits/outages"): READERS,
    ("POST", "/v1/circuits/nobody/openings"): {"operator", "finance-systems"},
    ("POST", "/v1/circuits/nobody/closings"): {"operator", "finance-systems"},
    ("GET", "/v1/money/unsourced"): READERS,
    ("GET", "/v1/service-levels"): READERS,
}


def test_every_route_of_the_process_api_is_in_the_table(
    application: tuple[FastAPI, object],
) -> None:
    """A new route is not forgotten: they are asked of the application itself."""
    app, _ = application
    routes = [
        (method.upper(), re.sub(r"\{\w+\}", "[^/]+", path))
        for path, methods in app.openapi()["paths"].items()
        if path.startswith("/v1/")
        for method in methods
    ]
    missing = [
        f"{method} {pattern}"
        for method, pattern in routes
        if not any(method == one and re.fullmatch(pattern, path) for one, path in MATRIX)
    ]
    assert missing == []
    assert len(MATRIX) == len(routes)


def test_every_role_of_the_product_is_tried() -> None:
    assert set().union(*ALLOWED.values()) == set(ROLES)


@pytest.mark.parametrize(("method", "path"), sorted(MATRIX))
async def test_nobody_calls_without_a_token(bridge: Bridge, method: str, path: str) -> None:
    for value in ("", "Bearer", "Bearer ", "Bearer wrong", "Basic token-all", "token-all", "é"):
        answer = await bridge.http.request(
            method, path, headers={"authorization": value.encode()}, json={}
        )
        assert answer.status_code == 401, value
        assert answer.json()["code"] == "not_authenticated"
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("role", [*ROLES, "none"])
async def test_each_role_gets_where_its_row_says_and_nowhere_else(
    bridge: Bridge, role: str
) -> None:
    for (method, path), allowed in MATRIX.items():
        body: dict[str, object] = {}
        if path == CHECK:
            body = {"no such field": 1}  # stops behind the role, before any system is asked
        elif "cases" in path:
            body = {"version": 1, "decision": "retry", "reason": "x"}
        answer = await bridge.as_role(role, method, path, body if method == "POST" else None)
        if role not in allowed:
            assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed"), path
        else:
            # Nothing is in the store, nothing is said in the body, nobody of that name is known:
            # the role was not what stopped the call.
            assert answer.status_code in (200, 202, 400, 404, 409, 422), (path, answer.text)
