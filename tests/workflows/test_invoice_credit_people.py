"""A credit on an invoice as a person asks for it, by process API and command line (PF-09)."""

from __future__ import annotations

import base64
import json
from typing import Any, cast

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.bridge.relay import Relay
from dealthread.cli import invoices as verbs
from dealthread.domain.bill import Bill
from dealthread.domain.contract import Contract
from dealthread.domain.money import Money
from dealthread.ports.events import EventPort
from dealthread.store.bills import PostgresBills
from dealthread.store.inbox import Inbox
from dealthread.store.outbox import Outbox
from dealthread.store.schema import change_orders, runs
from tests.support.change_orders import seats_of
from tests.support.credit_lab import balances, invoiced
from tests.support.overdue import ISSUED
from tests.support.saga_lab import Lab, lab, settings_for
from tests.workflows.test_collections_people import process_api

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


async def _seen(it: Lab) -> tuple[Contract, Bill]:
    """An invoice that was read before: the bridge knows it by its names."""
    contract, bill = await invoiced(it)
    await PostgresBills(it.engine).seen(bill, it.world.today)
    return contract, bill


def _usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


async def _written(it: Lab) -> tuple[int, int, int]:
    async with it.engine.connect() as connection:
        counts = [
            (await connection.execute(select(func.count()).select_from(table))).scalar_one()
            for table in (change_orders, runs)
        ]
    return counts[0], counts[1], len(it.world.effects)


async def test_bad_input_is_refused_at_the_edge_with_its_field_and_writes_nothing(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """More than is left, unknown, another currency, below nought, nothing or too much asked."""
    async with (
        lab(dev_server, engine, ISSUED) as it,
        process_api(database_url, dev_server, invoice_to_cash=True) as api,
    ):
        contract, bill = await _seen(it)
        seats = seats_of(contract).line_key
        before = await _written(it)

        def line(amount: str, currency: str = "USD", key: str = seats) -> dict[str, Any]:
            return {"lines": [{"line_key": key, "net": {"amount": amount, "currency": currency}}]}

        said: list[tuple[dict[str, Any], int, str, str]] = [
            (line("13500.01"), 400, "more_than_is_left", "lines.0.net"),
            (line("1.00", key="L-NOBODYS"), 400, "nothing_left_on_line", "lines.0.line_key"),
            (line("1.00", "EUR"), 400, "currency_differs", "currency"),
            ({"amount": _usd("15000.01")}, 400, "more_than_is_left", "amount"),
            (line("-5.00"), 422, "invalid", "body.lines.0.net"),
            (line("1.001"), 422, "invalid", "body.lines.0.net"),
            (line("1" * 13), 422, "invalid", "body.lines.0.net"),
            ({}, 400, "lines_or_amount_or_everything", "lines"),
            ({"everything": True, "amount": _usd("1.00")}, 400, "lines_or_amount_or_everything",
             "lines"),
            (line("1.00") | {"reason": " "}, 400, "reason_needed", "reason"),
            (line("1.00") | {"cause": "mood"}, 422, "invalid", "body.cause"),
        ]  # fmt: skip
        for body, status, code, field in said:
            refused = await api.post(
                f"/invoices/{bill.number}/credits", json={"reason": "late"} | body
            )
            told = refused.json()
            assert (refused.status_code, told["code"], told["field"]) == (status, code, field), told
            assert told["action"]
        long = bill.ref.model_copy(update={"native_id": "in_" + "y" * 60})
        await PostgresBills(engine).seen(
            bill.model_copy(update={"ref": long, "number": "N-LONG"}), it.world.today
        )
        body = line("1.00") | {"reason": "late", "source_id": "x" * 60}
        refused = await api.post("/invoices/N-LONG/credits", json=body)
        assert (refused.status_code, refused.json()["field"]) == (400, "source_id")
        unknown = await api.post("/invoices/N-0/credits", json={"reason": "late"} | line("1.00"))
        assert (unknown.status_code, unknown.json()["code"]) == (404, "invoice_not_found")
        viewer = {"authorization": "Bearer token-viewer"}
        for path in ("credits", "credits/preview"):
            denied = await api.post(
                f"/invoices/{bill.number}/{path}", json=line("1.00"), headers=viewer
            )
            assert denied.status_code == 403
        assert await _written(it) == before
    async with process_api(database_url, dev_server) as off:
        refused = await off.post("/invoices/N-0/credits", json={"reason": "late"} | line("1.00"))
        assert (refused.status_code, refused.json()["code"]) == (409, "invoice_to_cash_off")


async def test_a_credit_is_previewed_ordered_once_and_given(
    dev_server: Client,
    engine: AsyncEngine,
    database_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """300.00 over both lines by what each has left: 270.00 of the seats, with 17.82 of tax, and
    30.00 of the onboarding, untaxed. Asked twice it is one; another credit under its id is not."""
    async with (
        lab(dev_server, engine, ISSUED) as it,
        process_api(database_url, dev_server, invoice_to_cash=True) as api,
    ):
        contract, bill = await _seen(it)
        path = f"/invoices/{bill.number}/credits"
        body = {"amount": _usd("300.00"), "cause": "goodwill", "reason": "for the delay"}
        before = await _written(it)
        shown = (await api.post(f"{path}/preview", json=body)).json()
        assert await _written(it) == before
        memo = shown["credit_memo"]
        assert (memo["net"], memo["tax"]) == (_usd("300.00"), _usd("17.82"))
        verbs.show(shown)
        said = capsys.readouterr().out
        assert "It would be accepted." in said
        assert "gross 317.82 USD" in said
        assert "balance: 317.82 USD" in said
        ordered = await api.post(path, json=body | {"source_id": "t-1"})
        assert ordered.status_code == 202, ordered.text
        assert ordered.json()["created"]
        waiting = (await api.get(f"/contracts/{contract.key}")).json()["changes"]
        assert [one["change_id"] for one in waiting] == [ordered.json()["business_key"]]
        shown = await api.get(f"/transactions/{ordered.json()['business_key']}")
        assert shown.json()["transaction"]["contract_key"] == contract.key
        again = await api.post(path, json=body | {"source_id": "t-1"})
        assert again.json() == ordered.json() | {"created": False}
        other = await api.post(path, json=body | {"source_id": "t-1", "refund": True})
        assert (other.status_code, other.json()["code"]) == (409, "another_order_under_this_id")
        keys = json.dumps({"kek/1": base64.b64encode(b"k" * 32).decode()})
        settings = settings_for(database_url, keys).model_copy(
            update={"business_offset_seconds": it.offset_seconds()}
        )
        relay = Relay(
            settings,
            dev_server,
            Inbox(engine),
            it.runs,
            it.cases,
            Outbox(engine),
            cast(EventPort, None),
            it.contracts,
        )
        assert [await relay.start_runs() for _ in range(2)] == [1, 0]
        handle = dev_server.get_workflow_handle(ordered.json()["business_key"])
        assert await handle.result() == "completed"
        (given,) = it.billing.bills[bill.ref.native_id].credit_memos
        assert given.gross == Money.of("317.82", "USD")
        assert str(balances(it, contract.erp_company)["2210"]) == "-317.82"
