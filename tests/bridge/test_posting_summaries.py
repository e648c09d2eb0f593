"""OB-01: from a day's summary in the ledger to its invoices, and back."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from dealthread.domain.posting_summary import (
    Member,
    held_invoice,
    summary_invoice,
    summary_receipts,
)
from dealthread.store.bills import PostgresBills
from dealthread.store.posting_summaries import PostgresSummaries
from tests.bridge.caller import ORG, Bridge
from tests.fakes.ledger import FakeLedger
from tests.support import deals
from tests.support import postings as p
from tests.support.invoice_lab import ref_of
from tests.support.running_contract import running_contract, worked_contract
from tests.support.summarised_books import FEBRUARY, PLACE
from tests.unit.position.worked import bill

pytestmark = pytest.mark.postgres
NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
DUE = datetime(2026, 2, 2, 2, tzinfo=UTC)
ROWS = [("L1", "13,500.00", "891.00"), ("L2", "1,500.00", "0")]


async def _held(bridge: Bridge) -> str:
    """US-1 is in the summary, US-2 was sent back."""
    contract = await running_contract(bridge.engine, worked_contract(ORG))
    summaries = PostgresSummaries(bridge.engine)
    for number in ("US-1", "US-2"):
        one = bill(contract, number, FEBRUARY, ROWS, paid=[(FEBRUARY, "15,891.00")])
        await PostgresBills(bridge.engine).seen(one, NOON)
        await summaries.join(PLACE, one.ref, contract.key, DUE, number)
        made = p.invoice(
            "1",
            deals.HARBORLINE,
            str(FEBRUARY),
            p.line("2300", "13500.00", "US-TX-SAAS", "891.00", "USD"),
            p.line("2300", "1500.00", "US-TX-SVC0", "0.00", "USD"),
        ).model_copy(update={"number": number})
        paid = p.receipt("1050", str(FEBRUARY), "15891.00", (made, "15891.00"))
        member = Member(invoice=made, receipts=(paid,))
        await summaries.freeze(one.ref, member if number == "US-1" else None)
    assert await summaries.close(PLACE.summary_id)
    members = await summaries.members(PLACE.summary_id)
    ledger = FakeLedger()
    posted = ledger.invoice(summary_invoice(PLACE, members))
    paid = tuple(ledger.receipt(one) for one in summary_receipts(PLACE, members))
    await summaries.posted(PLACE.summary_id, posted, paid)
    assert held_invoice(PLACE, members[0].invoice, posted).ledger_key == PLACE.document_key
    return posted.ref.native_id


async def _asked(bridge: Bridge, name: str) -> Any:
    return await bridge.as_role("viewer", "GET", f"/v1/posting-summaries/{name}")


async def test_a_summary_names_its_invoices_by_whatever_it_is_asked_for(bridge: Bridge) -> None:
    native_id = await _held(bridge)
    number = "US01-2026-02-01-USD-1"
    answers = [
        (await _asked(bridge, name)).json()
        for name in (
            number,
            PLACE.summary_id,
            PLACE.document_key,
            PLACE.receipt_key(FEBRUARY),
            native_id,
            "US-1",
        )
    ]
    assert all(one == answers[0] for one in answers)
    found = answers[0]
    assert (found["number"], found["state"], found["gross"]["amount"]) == (
        number,
        "posted",
        "15891.00",
    )
    assert found["document"] == native_id
    assert [(one["number"], one["state"]) for one in found["invoices"]] == [
        ("US-1", "frozen"),
        ("US-2", "single"),
    ]


async def test_a_payments_id_that_is_another_summarys_too_is_told_apart_by_its_kind(
    bridge: Bridge,
) -> None:
    """A ledger counts its invoices and its payments each from one."""
    await _held(bridge)
    summaries = PostgresSummaries(bridge.engine)
    (payment,) = (await _asked(bridge, PLACE.summary_id)).json()["payments"]
    second = PLACE.model_copy(update={"part": 2})
    one = ref_of("acct_alder_us", "invoice", "in_later")
    held = await summaries.join(PLACE, one, "C-LATER", DUE, "later")
    assert held is not None
    assert held.place == second
    await summaries.freeze(one, None)
    assert await summaries.close(second.summary_id)
    (member,) = await summaries.members(PLACE.summary_id)
    made = FakeLedger().invoice(summary_invoice(second, [member]))
    ref = made.ref.model_copy(update={"native_id": payment})
    await summaries.posted(second.summary_id, made.model_copy(update={"ref": ref}), ())
    both = await _asked(bridge, payment)
    assert (both.status_code, both.json()["code"]) == (400, "ambiguous_id")
    for kind, place in (("journal", PLACE), (ref.kind, second)):
        found = await _asked(bridge, f"erp:{ref.account}:{kind}:{payment}")
        assert found.json()["summary_id"] == place.summary_id


async def test_one_that_was_taken_out_says_since_when(bridge: Bridge) -> None:
    await _held(bridge)
    found = (await _asked(bridge, "US-1")).json()
    ref = next(one for one in found["invoices"] if one["number"] == "US-1")
    summaries = PostgresSummaries(bridge.engine)
    bills = PostgresBills(bridge.engine)
    one = await bills.named(ref["invoice_id"])
    assert one is not None
    await summaries.want_single(one.ref, date(2026, 2, 20))
    again = (await _asked(bridge, "US-1")).json()
    assert [one["taken_out_on"] for one in again["invoices"]] == ["2026-02-20", None]


async def test_what_no_summary_has_is_not_found(bridge: Bridge) -> None:
    answer = await _asked(bridge, "US-9")
    assert (answer.status_code, answer.json()["code"]) == (404, "summary_unknown")
