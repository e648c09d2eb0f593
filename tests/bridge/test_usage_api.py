"""PF-13, EV-08: usage events by process API: one, many, repeated, refused, and what they tell."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import select, text

from dealthread.bridge.usage_taking import take_in
from dealthread.config import load_config
from dealthread.domain.base import Ref, System
from dealthread.domain.bill import Bill
from dealthread.domain.contract import Contract
from dealthread.domain.contracting import build_contract
from dealthread.domain.events import EventType
from dealthread.domain.invoice import InvoiceLine, InvoiceStatus
from dealthread.domain.money import Money
from dealthread.naming import contract_key, line_key
from dealthread.store.bills import PostgresBills
from dealthread.store.schema import outbox
from dealthread.store.usage import PostgresUsage
from tests.bridge.caller import Bridge
from tests.support import deal_builder as build
from tests.support.running_contract import running_contract

pytestmark = pytest.mark.postgres

ONE, MANY = "application/cloudevents+json", "application/cloudevents-batch+json"
AT = datetime(2026, 4, 15, 12, tzinfo=UTC)
BREACHED = "dealthread.usage_threshold.breached.v1"


async def d3(bridge: Bridge) -> Contract:
    deal = build.d3()
    config = load_config(build.CONFIG_DIR)
    key = contract_key(deal.org, deal.deal_id)
    bridge.clock.at = AT.timestamp()
    return await running_contract(bridge.engine, build_contract(deal, config, build.D3_TODAY, key))


def event(contract: Contract, event_id: str = "1", **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "urn:gateway:eu",
        "type": "dealthread.usage.recorded.v1",
        "subject": contract.key,
        "time": "2026-04-15T11:59:58Z",
        "data": {"meter": "api_calls", "quantity": "12", "unit": "call"},
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    } | more


async def post(
    bridge: Bridge, body: Any, media_type: str = ONE, role: str = "operator"
) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await bridge.http.post(
        "/v1/usage",
        content=content,
        headers={"authorization": f"Bearer token-{role}", "content-type": media_type},
    )


async def test_one_event_is_taken_once_and_never_as_another(bridge: Bridge) -> None:
    """The same again, in another zone, is a duplicate; something else under its id is refused."""
    contract = await d3(bridge)
    first = await post(bridge, event(contract))
    again = await post(
        bridge,
        event(contract, time="2026-04-15T13:59:58+02:00", data={**event(contract)["data"]}),
    )
    other = await post(bridge, event(contract, data={"meter": "api_calls", "quantity": "13"}))
    assert (first.status_code, first.json()["outcome"]) == (200, "accepted")
    assert (again.status_code, again.json()["outcome"]) == (200, "duplicate")
    assert (other.status_code, other.json()["code"]) == (409, "another_event_under_this_id")
    assert (await post(bridge, event(contract), role="viewer")).status_code == 403
    assert await used(bridge) == "12"


WRONG = [
    ({"specversion": "0.3"}, "specversion"),
    ({"id": ""}, "id"),
    ({"source": 7}, "source"),
    ({"source": "a\x00b"}, "source"),
    ({"type": "other"}, "type"),
    ({"subject": "C-1"}, "subject"),
    ({"subject": "C-AAAAAAAAAAAAA"}, "subject"),
    ({"time": "2026-04-15T11:59:58"}, "time"),
    ({"time": "2026-02-30T11:59:58Z"}, "time"),
    ({"time": "2026-04-15T12:06:00Z"}, "time"),
    ({"time": "2026-03-31T23:59:59Z"}, "time"),
    ({"data": None}, "data"),
    ({"data": {"meter": "api_calls"}}, "data.quantity"),
    ({"data": {"meter": "api_calls", "quantity": "-1"}}, "data.quantity"),
    ({"data": {"meter": "api_calls", "quantity": "NaN"}}, "data.quantity"),
    ({"data": {"meter": "api_calls", "quantity": "1e3"}}, "data.quantity"),
    ({"data": {"meter": "api_calls", "quantity": True}}, "data.quantity"),
    ({"data": {"meter": "api_calls", "quantity": "1.5"}}, "data.quantity"),
    ({"data": {"meter": "api_calls", "quantity": 0.5}}, "data.quantity"),
    ({"data": {"meter": "seats", "quantity": "1"}}, "data.meter"),
    ({"data": {"meter": "api_calls", "quantity": "1", "unit": "byte"}}, "data.unit"),
    ({"data": {"meter": "api_calls", "quantity": "1", "line": "L9"}}, "data.line"),
    ({"data": {"meter": "api_calls", "quantity": "1", "price": "0"}}, "data.price"),
    ({"datacontenttype": "text/plain"}, "datacontenttype"),
]


async def test_what_is_wrong_is_told_by_field_and_the_rest_of_a_batch_is_taken(
    bridge: Bridge,
) -> None:
    """One answer for each event, in order; nothing of a refused one is kept."""
    contract = await d3(bridge)
    batch = [event(contract, f"w{at}") | change for at, (change, _) in enumerate(WRONG)]
    batch += [
        event(contract, "ok"),
        event(contract, "ok"),
        7,
        event(contract, "n", data={"meter": "api_calls", "quantity": 3.0}),
    ]
    answer = await post(bridge, batch, MANY)
    assert answer.status_code == 200
    told = answer.json()
    fields = [one["field"] for one in told["events"]]
    assert fields[: len(WRONG)] == [field for _, field in WRONG]
    assert all(one["action"] for one in told["events"][: len(WRONG)])
    assert [one["outcome"] for one in told["events"][len(WRONG) :]] == [
        "accepted",
        "duplicate",
        "refused",
        "accepted",
    ]
    assert (told["accepted"], told["duplicates"], told["refused"]) == (2, 1, len(WRONG) + 1)
    assert await used(bridge) == "15"


async def test_a_body_that_holds_no_events_is_refused_as_one(bridge: Bridge) -> None:
    """Media type, JSON, shape and size."""
    contract = await d3(bridge)
    for body, media_type, status, code in (
        (event(contract), "application/json", 400, "media_type_unknown"),
        (b"{", ONE, 400, "not_json"),
        (b'{"data": NaN}', ONE, 400, "not_json"),
        (b"\xff", ONE, 400, "not_json"),
        (b"[" * 100_000, MANY, 400, "not_json"),
        (event(contract), MANY, 400, "not_a_batch"),
        ([1] * 2001, MANY, 400, "batch_too_long"),
        (b" " * (1024 * 1024 + 1), MANY, 413, "too_large"),
    ):
        answer = await post(bridge, body, media_type)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_use_of_a_period_whose_bill_goes_out_is_refused_and_its_sender_told(
    bridge: Bridge,
) -> None:
    """The biller finalises an hour after the end of April: until 45 minutes after it an event is
    taken, afterwards nothing of it is counted, and the same again is still a duplicate."""
    contract = await d3(bridge)
    end = datetime(2026, 5, 1, tzinfo=UTC)
    last = {"time": "2026-04-30T23:59:59Z"}
    bridge.clock.at = (end + timedelta(minutes=45)).timestamp()
    assert (await post(bridge, event(contract, "1") | last)).json()["outcome"] == "accepted"
    bridge.clock.at += 1
    late = await post(bridge, event(contract, "2") | last)
    assert (late.status_code, late.json()["code"], late.json()["field"]) == (
        422,
        "period_billed",
        "time",
    )
    assert "2026-05-01" in late.json()["action"]
    assert (await post(bridge, event(contract, "1") | last)).json()["outcome"] == "duplicate"
    may = {"time": "2026-05-01T00:00:00Z"}
    assert (await post(bridge, event(contract, "3") | may)).json()["outcome"] == "accepted"
    assert await used(bridge) == "24"


@pytest.mark.tells(EventType.USAGE_THRESHOLD_BREACHED)
async def test_thresholds_are_told_once_a_period_and_over_use_once_to_a_person(
    bridge: Bridge,
) -> None:
    """80,000 and 100,000 of 100,000 that are included; a million is licensed."""
    contract = await d3(bridge)

    async def use(event_id: str, quantity: int, time: str = "2026-04-15T11:00:00Z") -> None:
        data = {"meter": "api_calls", "quantity": quantity}
        told = await post(bridge, event(contract, event_id, time=time, data=data))
        assert told.status_code == 200, told.text

    await use("a", 79_999)
    assert await told(bridge) == []
    await use("b", 1)
    await use("b", 1)
    assert await told(bridge) == ["80"]
    await use("c", 920_000)
    assert await told(bridge) == ["80", "100"]
    cases = (await bridge.as_role("viewer", "GET", "/v1/cases")).json()
    assert cases == []
    await use("d", 1)
    await use("e", 1)
    (case,) = (await bridge.as_role("viewer", "GET", "/v1/cases")).json()
    assert (case["kind"], case["contract_key"]) == ("entitlement.over_use", contract.key)
    bridge.clock.at = datetime(2026, 5, 2, tzinfo=UTC).timestamp()
    await use("f", 80_000, "2026-05-01T00:00:00Z")
    assert await told(bridge) == ["80", "100", "80"]


async def test_over_use_of_a_line_of_the_crm_is_taken_with_its_case(bridge: Bridge) -> None:
    """Keys as the CRM's ids make them are longer than those of the worked deals."""
    deal = build.d3()
    key = contract_key(deal.org, deal.deal_id)
    sold = [
        one.model_copy(update={"line_key": line_key(deal.org, f"00k{n:0>15}")})
        for n, one in enumerate(deal.lines)
    ]
    deal = deal.model_copy(update={"lines": tuple(sold)})
    bridge.clock.at = AT.timestamp()
    contract = await running_contract(
        bridge.engine, build_contract(deal, load_config(build.CONFIG_DIR), build.D3_TODAY, key)
    )
    data = {"meter": "api_calls", "quantity": 1_200_000}
    answer = await post(bridge, event(contract, "a", data=data))
    assert (answer.status_code, answer.json()["outcome"]) == (200, "accepted"), answer.text
    (case,) = (await bridge.as_role("viewer", "GET", "/v1/cases")).json()
    assert (case["kind"], case["money_at_risk"]["amount"]) == ("entitlement.over_use", "600.00")


async def test_over_use_is_a_persons_although_the_bridge_dies_before_it_answers(
    bridge: Bridge,
) -> None:
    """The case is opened with the sum that it is about: the sender's repeat is a duplicate and
    tells nothing."""
    contract, policy = await d3(bridge), load_config(build.CONFIG_DIR).policy
    sent = event(contract, data={"meter": "api_calls", "quantity": 1_000_001})
    await take_in(PostgresUsage(bridge.engine), [sent], AT, policy)
    assert (await post(bridge, sent)).json()["outcome"] == "duplicate"
    (case,) = (await bridge.as_role("viewer", "GET", "/v1/cases")).json()
    assert (case["kind"], case["contract_key"]) == ("entitlement.over_use", contract.key)


async def told(bridge: Bridge) -> list[str]:
    async with bridge.engine.connect() as connection:
        rows = await connection.execute(
            select(outbox.c.body).where(outbox.c.type == BREACHED).order_by(outbox.c.created_at)
        )
        return [str(body["data"]["percent"]) for body in rows.scalars()]


async def used(bridge: Bridge) -> str:
    async with bridge.engine.connect() as connection:
        periods = await connection.scalar(text("SELECT sum(quantity) FROM usage_periods"))
        events = await connection.scalar(text("SELECT sum(quantity) FROM usage_events"))
        months = await connection.scalar(text("SELECT sum(quantity) FROM usage_months"))
    assert periods == events == months
    return f"{periods.normalize():f}"


async def test_ten_thousand_events_are_the_lines_of_a_bill_and_each_is_found_behind_it(
    bridge: Bridge,
) -> None:
    """N events are the bill's lines: each is found, page by page, and they come to its net."""
    contract = await d3(bridge)
    events = [
        event(contract, f"{n:05}", data={"meter": "api_calls", "quantity": 61 if n else 2_406})
        for n in range(10_000)
    ]
    for start in range(0, len(events), 2_000):
        batch = events[start : start + 2_000]
        assert (await post(bridge, batch, MANY)).json()["accepted"] == len(batch)
    await PostgresBills(bridge.engine).seen(_bill(contract), AT)

    shown = (await bridge.as_role("viewer", "GET", f"/v1/usage/contracts/{contract.key}")).json()
    (period,) = shown["periods"]
    assert Decimal(period["quantity"]) == 612_345
    assert (period["events"], period["sent"]) == (10_000, "0")
    assert period["rated"] == {"amount": "1937.04", "currency": "GBP"}

    found: list[str] = []
    after = ""
    while True:
        query = urlencode({"line": "L2", "limit": 1000, "after": after})
        answer = await bridge.as_role("viewer", "GET", f"/v1/usage/invoices/in_1?{query}")
        (line,) = answer.json()["lines"]
        assert (line["bill_lines"], line["net"]["amount"], line["events"]) == (3, "1937.04", 10_000)
        assert line["is_rated_so"] is True
        found += [one["id"] for one in line["shown"]]
        after = line["next_after"]
        if not after:
            break
    assert found == [f"{n:05}" for n in range(10_000)]
    for path, status, field in (
        ("/v1/usage/invoices/in_2", 404, None),
        ("/v1/usage/invoices/in_1?line=L1", 400, "line"),
        ("/v1/usage/contracts/C-AAAAAAAAAAAAA", 404, None),
    ):
        refused = await bridge.as_role("viewer", "GET", path)
        assert (refused.status_code, refused.json().get("field")) == (status, field)
    nowhere = await bridge.as_role(
        "operator", "POST", "/v1/usage/sendings", {"billing_account": "acct_x"}
    )
    assert (nowhere.status_code, nowhere.json()["field"]) == (400, "billing_account")


def _bill(contract: Contract) -> Bill:
    """D3's second invoice, with a line for each tier."""
    start, end = date(2026, 4, 1), date(2026, 5, 1)
    zero = Money.zero("GBP")
    amounts = {"L1": ["400.00"], "L2": ["0.00", "1600.00", "337.04"]}
    lines = tuple(
        InvoiceLine(
            line_key=key,
            net=Money.of(amount, "GBP"),
            tax=zero,
            tax_rate="GB-20",
            period_start=start if key == "L2" else end,
            period_end=end,
        )
        for key, parts in amounts.items()
        for amount in parts
    )
    return Bill(
        ref=Ref(
            system=System.BILLING,
            account=contract.billing_account,
            kind="invoice",
            native_id="in_1",
        ),
        number="GB-000002",
        status=InvoiceStatus.OPEN,
        contract_key=contract.key,
        customer_key=contract.customer_key,
        currency="GBP",
        lines=lines,
        net=Money.of("2337.04", "GBP"),
        tax=Money.of("467.41", "GBP"),
        gross=Money.of("2804.45", "GBP"),
        balance_used=zero,
        remaining=Money.of("2804.45", "GBP"),
        issue_date=end,
    )
