"""PF-08, EV-10: what the bank and the biller tell is held in the inbox and taken up from there.

One message that cannot be read is set aside, where people see it, and stops no other.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.bill import Bill
from dealthread.domain.cash import BankReceipt
from dealthread.domain.contract import Contract
from dealthread.domain.money import Money
from dealthread.naming import bank_receipt_id
from dealthread.store.bills import PostgresBills
from dealthread.store.inbox import InboxState
from dealthread.store.inbox_rows import InboxRows
from dealthread.store.schema import bills, inbox
from tests.support.change_lab import sold
from tests.support.deal_builder import d1
from tests.support.invoice_lab import balances, bill_of, mirrored, news, until
from tests.support.office import Office
from tests.support.saga_lab import Lab, fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

START, PAID = date(2026, 1, 1), date(2026, 3, 3)


async def _billed(it: Lab, client: Client, contract: Contract, name: str) -> Bill:
    bill = bill_of(contract, f"in_{name}{contract.key}", START)
    it.billing.bills[bill.ref.native_id] = bill
    await news(client, bill)
    await until(lambda: bill.ref.native_id in mirrored(it))
    return bill


def _receipt(source: str, bill: Bill) -> str:
    return BankReceipt(
        seller="US01",
        source=source,
        amount=bill.gross,
        value_date=PAID,
        invoices=(bill.number,),
        actor="clara",
    ).model_dump_json()


async def test_a_receipt_that_cannot_be_read_is_set_aside_and_the_others_are_booked(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """Three in the inbox, the second without its amount; each is taken once, also after a relay
    that ended before it could note so."""
    async with lab(dev_server, engine, START) as it:
        office = Office(it, database_url, dev_server)
        contract = await sold(it, fresh(d1()))
        one, other = [await _billed(it, dev_server, contract, name) for name in ("a", "b")]
        bad = json.loads(_receipt("HELD-2", one))
        del bad["amount"]["amount"]
        async with office.pool:
            await office.held(
                "bank",
                "US01",
                _receipt("HELD-1", one),
                json.dumps(bad),
                _receipt("HELD-3", other),
                "no JSON",
            )
            assert await office.relay.take_receipts() == 4
            after = [
                ("handled", "accepted"),
                ("refused", "unreadable: amount.amount"),
                ("handled", "accepted"),
                ("refused", "unreadable: body"),
            ]
            assert await office.rows() == after
            for source in ("HELD-1", "HELD-3"):
                handle = dev_server.get_workflow_handle(bank_receipt_id("US01", source))
                assert await handle.result() == f"{one.gross} applied, 0.00 USD on account"
            # The relay had started them, and did not live to say so.
            async with engine.begin() as connection:
                await connection.execute(
                    update(inbox)
                    .where(inbox.c.state == InboxState.HANDLED)
                    .values(state=InboxState.HELD, next_attempt_at=datetime.now(UTC))
                )
            assert await office.relay.take_receipts() == 2
            assert await office.rows() == after
        for bill in (one, other):
            await until(lambda bill=bill: mirrored(it)[bill.ref.native_id].status == "paid")
        held = balances(it, contract.erp_company)
        assert (held["1000"], held.get("1100"), held.get("2200")) == (
            (one.gross + other.gross).amount,
            None,
            None,
        )


async def test_a_receipt_that_was_refused_is_booked_once_its_cause_is_mended(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """Taken up again it goes to who books receipts, not to who reads deals."""
    async with lab(dev_server, engine, START) as it:
        office = Office(it, database_url, dev_server)
        contract = await sold(it, fresh(d1()))
        bill = await _billed(it, dev_server, contract, "")
        async with office.pool:
            await office.held("bank", "US01", "{}")
            assert await office.relay.take_receipts() == 1
            (row,) = await InboxRows(engine).listing(InboxState.REFUSED, 10)
            assert (row.owner, row.outcome) == ("cash application", "unreadable: seller")
            # The version that could not read it is replaced by one that can.
            async with engine.begin() as connection:
                await connection.execute(
                    update(inbox).values(body=_receipt("HELD-9", bill).encode())
                )
            again = await InboxRows(engine).replay(row.id, "clara", "the version was mended")
            assert again.state == InboxState.HELD
            assert await office.relay.take_in() == 0
            assert await office.relay.take_receipts() == 1
            assert await office.rows() == [("handled", "accepted")]
        handle = dev_server.get_workflow_handle(bank_receipt_id("US01", "HELD-9"))
        assert await handle.result() == f"{bill.gross} applied, 0.00 USD on account"


def _event(kind: str, told: dict[str, Any]) -> str:
    return json.dumps({"id": "evt", "type": kind, "data": {"object": told}})


def _drafted(native_id: str, key: str, **more: Any) -> str:
    details = {"metadata": {"dealthread_contract": key}}
    told = {
        "id": native_id,
        "status": "draft",
        "total": 1589100,
        "currency": "usd",
        "created": 1767225600,
        "parent": {"subscription_details": details},
    }
    return _event("invoice.created", told | more)


async def _known(engine: AsyncEngine) -> dict[str, Bill]:
    async with engine.connect() as connection:
        rows = await connection.execute(select(bills.c.native_id, bills.c.body))
        return {row.native_id: Bill.model_validate(row.body) for row in rows}


async def test_a_draft_is_noted_from_the_inbox_and_never_over_what_was_read(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """Amount and age of a draft; the same news again, after its invoice was read, changes
    nothing."""
    async with lab(dev_server, engine, START) as it:
        office = Office(it, database_url, dev_server)
        contract = await sold(it, fresh(d1()))
        read = bill_of(contract, f"in_read{contract.key.replace('-', '')}", START)
        drafted = [_drafted("in_waits", contract.key), _drafted(read.ref.native_id, contract.key)]
        async with office.pool:
            await office.held("stripe", contract.billing_account, *drafted)
            assert await office.relay.take_bills() == 2
            noted = await _known(engine)
            assert [(one.status, str(one.gross)) for one in noted.values()] == [
                ("draft", "15,891.00 USD")
            ] * 2
            assert {one.drafted_at for one in noted.values()} == {datetime(2026, 1, 1, tzinfo=UTC)}
            await PostgresBills(engine).seen(
                read, datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=1)
            )
            await office.held("stripe", contract.billing_account, *drafted)
            assert await office.relay.take_bills() == 2
            assert await office.rows() == [("handled", "noted: a draft")] * 4
            after = await _known(engine)
            assert after == noted | {read.ref.native_id: read}
            assert after[read.ref.native_id].gross == Money.of("15891.00", "USD")


async def test_a_draft_that_cannot_be_noted_stops_no_other_news(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """Unreadable ones are refused by their field; one of no contract of ours is not noted."""
    async with lab(dev_server, engine, START) as it:
        office = Office(it, database_url, dev_server)
        contract = await sold(it, fresh(d1()))
        told = [
            _drafted("in_x1", contract.key, total="much"),
            _drafted("cus_x2", contract.key),
            _drafted("in_x3", "a key of somebody else's, longer than ours"),
            _drafted("in_x4", contract.key),
        ]
        async with office.pool:
            await office.held("stripe", contract.billing_account, *told)
            assert await office.relay.take_bills() == 4
            assert await office.rows() == [
                ("refused", "unreadable: data.object"),
                ("refused", "not_an_invoice_id: data.object"),
                ("handled", "ignored: not about an invoice"),
                ("handled", "noted: a draft"),
            ]
            assert list(await _known(engine)) == ["in_x4"]
