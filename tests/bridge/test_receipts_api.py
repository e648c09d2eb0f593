"""PF-08: what came to the bank is entered once by the bank's own id, and never as another."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from dealthread.domain.cash import BankReceipt
from tests.bridge.caller import Bridge

pytestmark = pytest.mark.postgres
BODY: dict[str, Any] = {
    "seller": "US01",
    "source_id": "2026-03-03.17",
    "amount": {"amount": "47043.00", "currency": "USD"},
    "value_date": "2025-03-03",
    "reference": "inv N-1",
}


@pytest.fixture(autouse=True)
def switched_on(bridge: Bridge) -> None:
    settings = bridge.held.settings.model_copy(update={"invoice_to_cash": True})
    object.__setattr__(bridge.held, "settings", settings)


async def _enter(bridge: Bridge, role: str = "finance", **more: Any) -> httpx.Response:
    return await bridge.http.post(
        "/v1/receipts", json=BODY | more, headers={"authorization": f"Bearer token-{role}"}
    )


async def test_a_receipt_is_stored_once_and_waits_for_the_relay(bridge: Bridge) -> None:
    """The same again is known, whoever says it; something else under its id is refused."""
    first, again = await _enter(bridge), await _enter(bridge, role="operator")
    assert (first.status_code, first.json()) == (
        202,
        {"business_key": "receipt:US01:2026-03-03.17", "created": True},
    )
    assert (again.status_code, again.json()["created"]) == (202, False)
    other = await _enter(bridge, amount={"amount": "47034.00", "currency": "USD"})
    assert (other.status_code, other.json()["code"]) == (409, "another_receipt_under_this_id")
    assert other.json()["field"] == "source_id"
    (row,) = await bridge.rows()
    assert (row.source, row.account, row.state) == ("bank", "US01", "held")
    stored = BankReceipt.model_validate_json(bytes(row.body))
    assert (stored.actor, str(stored.amount)) == ("finance-person", "47,043.00 USD")


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"seller": "XX01"}, "seller"),
        ({"amount": {"amount": "1.00", "currency": "EUR"}}, "amount.currency"),
        ({"amount": {"amount": "-1.00", "currency": "USD"}}, "amount"),
        ({"value_date": "2999-01-01"}, "value_date"),
        ({"source_id": "a b"}, "source_id"),
        ({"invoices": [7]}, "invoices.0"),
        ({"payer": "Ada"}, "payer"),
    ],
)
async def test_bad_input_is_refused_by_its_field_and_nothing_is_stored(
    bridge: Bridge, more: dict[str, Any], field: str
) -> None:
    answer = await _enter(bridge, **more)
    assert answer.status_code in (400, 422), answer.text
    assert field in answer.json()["field"]
    assert await bridge.rows() == []


async def test_who_may_not_is_refused_and_nothing_is_taken_that_nobody_would_apply(
    bridge: Bridge,
) -> None:
    assert (await _enter(bridge, role="viewer")).status_code == 403
    assert (await _enter(bridge, role="deal-desk")).status_code == 403
    off = bridge.held.settings.model_copy(update={"invoice_to_cash": False})
    object.__setattr__(bridge.held, "settings", off)
    answer = await _enter(bridge)
    assert (answer.status_code, answer.json()["code"]) == (409, "invoice_to_cash_off")
    assert await bridge.rows() == []
