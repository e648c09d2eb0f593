"""SC-01: whatever is ordered of a contract, the answer is ours and a refusal leaves nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bridge.caller import DEAL, ORG, Bridge
from tests.bridge.test_contracts_api import contract_of, counted
from tests.bridge.test_fuzz import TEXT, VALUES, quick
from tests.support.running_contract import worked_contract

pytestmark = pytest.mark.postgres
CONTRACT = worked_contract(ORG, DEAL)
NUMBERS = st.one_of(
    st.sampled_from(["0", "-1", "25", "1.5", "1E5", "1E999999", "-0", "NaN", "99999999999", " 7"]),
    st.integers(),
    st.floats(),
    TEXT,
)
DAYS = st.one_of(
    st.dates().map(str), st.sampled_from(["0001-01-01", "9999-12-31", "2026-06-01", "soon", ""])
)
PRICES = st.fixed_dictionaries(
    {}, optional={"amount": NUMBERS, "currency": st.sampled_from(["USD", "EUR", "XXX", ""])}
)
LINES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "action": st.sampled_from(["add", "quantity", "price", "swap", "remove", "?"]),
            "line_key": st.sampled_from([*(line.line_key for line in CONTRACT.lines), "L-NO"])
            | TEXT,
            "product_code": st.sampled_from(["SEAT-STD", "SEAT-EDU"]) | TEXT,
            "quantity": NUMBERS,
            "unit_price": PRICES,
            "end_date": DAYS,
        },
    ),
    max_size=3,
)
ORDERS: dict[str, st.SearchStrategy[Any]] = {
    "source_id": TEXT | st.sampled_from(["A-1", "x" * 61]),
    "accepted_on": DAYS,
    "base_version": st.integers() | VALUES,
    "reason": TEXT,
    "again": st.booleans(),
    "timing": st.sampled_from(["now", "period_end", "term_end", "on_date", "?"]),
    "effective_from": DAYS,
    "lines": LINES | VALUES,
    "payment_terms": st.sampled_from(["NET45", "NEVER"]) | TEXT,
    "regional_deals": st.lists(TEXT, max_size=2),
    "scope_reason": TEXT,
    "decision": st.sampled_from(["accept", "decline", "automatic"]),
    "term_months": st.integers(),
    "uplift_percent": NUMBERS,
    "cause": st.sampled_from(["customer_request", "non_payment", "rescission", "?"]),
    "credit_unused": st.booleans(),
    "refund": st.booleans(),
    "change_id": TEXT,
    "level": st.sampled_from(["high", "?"]),
}
OF = {
    "amendments": "source_id accepted_on base_version reason again timing effective_from lines "
    "payment_terms regional_deals scope_reason",
    "renewals": "accepted_on base_version reason again decision term_months uplift_percent lines",
    "cancellations": "source_id accepted_on reason again timing effective_from cause "
    "credit_unused refund",
    "withdrawals": "change_id accepted_on reason again level",
}


@st.composite
def orders(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    what = draw(st.sampled_from(sorted(OF)))
    names = draw(st.sets(st.sampled_from(OF[what].split()), max_size=5))
    return what, {name: draw(ORDERS[name]) for name in sorted(names)}


@quick
@given(order=orders())
async def test_any_order_is_taken_or_refused_without_a_trace(
    bridge: Bridge, order: tuple[str, dict[str, Any]]
) -> None:
    what, body = order
    contract = await contract_of(bridge)
    before = await counted(bridge)
    answer = await bridge.http.post(
        f"/v1/contracts/{contract.key}/{what}",
        content=json.dumps(body).encode(),
        headers={"content-type": "application/json", "authorization": "Bearer token-operator"},
    )
    assert answer.status_code < 500, (answer.status_code, answer.text)
    if answer.status_code != 202:
        assert await counted(bridge) == before, answer.text
