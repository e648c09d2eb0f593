"""Every posting repeated after a lost answer, in the real Tryton 8.2 (RS-02, RS-09)."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from activities.ledger_rates import invoice_at_its_rate
from adapters.erp.tryton.factory import create
from dealthread.domain.posted import DocumentState, PostedDocument
from dealthread.domain.receivable import LedgerCreditMemo, LedgerInvoice
from dealthread.errors import VendorUnavailable
from dealthread.outcome import Done, Outcome, Rejected, Unknown
from dealthread.ports.erp import ErpPort
from tests.adapters.posting_ledger import DE, FIRST, LAST, US
from tests.support import deals
from tests.support import postings as p
from tests.support.tryton import (
    FailingAt,
    document_key,
    done,
    is_write,
    set_rates,
    with_lost_answer,
)

if TYPE_CHECKING:  # a plugin must not be imported before pytest loads it
    from tests.adapters.tryton_fixture import RunningTryton

pytestmark = [pytest.mark.tryton, pytest.mark.slow]
pytest_plugins = ("tests.adapters.tryton_fixture",)

Act = Callable[[ErpPort, Any], Awaitable[Outcome[Any]]]


def small_invoice(net: str = "100.00", on: str = "2026-05-01") -> LedgerInvoice:
    tax = str(Decimal(net) * Decimal("0.19"))[:-2]
    return p.invoice(DE, deals.NORDWERK, on, p.line("2300", net, "DE-19", tax, "EUR"))


async def keys_posted(erp: ErpPort, key: str) -> int:
    return sum(one.document_key == key for one in await erp.journals(DE, FIRST, LAST))


async def survive(
    erp: ErpPort,
    server: RunningTryton,
    make: Callable[[], Any],
    act: Act,
    entries: int,
    counts: Callable[[str], bool] = lambda _: True,
) -> int:
    """Lose the answer of the first call, of the second, and so on, until one goes through.

    Whichever it is, what the port says of an effect is true, and the repeat ends in one document
    with so many entries. `counts`: of the calls that are meant. Returns how many there are."""
    for number in itertools.count(1):
        command = make()
        transport = FailingAt(number, before=False, counts=counts)
        async with httpx.AsyncClient(transport=transport) as http:
            try:
                outcome: Outcome[Any] | None = await act(create(server.settings, http), command)
            except VendorUnavailable:
                outcome = None
        if outcome is None:
            found = await erp.find_document(DE, command.document_key)
            assert found is None, "raised although a document exists"
        elif transport.failed:
            assert isinstance(outcome, Unknown), outcome
        if not transport.failed:
            assert isinstance(outcome, Done)
            return number - 1
        document = done(await act(erp, command))
        assert document.state is not DocumentState.DRAFT
        assert await keys_posted(erp, command.document_key) == entries
    raise AssertionError


async def test_any_call_of_an_invoice_may_lose_its_answer(
    tryton_erp: ErpPort, tryton_server: RunningTryton
) -> None:
    """One invoice and one transfer entry, whichever of the calls it is."""
    await p.onboard(tryton_erp, DE, deals.NORDWERK)
    calls = await survive(
        tryton_erp,
        tryton_server,
        small_invoice,
        lambda erp, command: erp.post_invoice(command, idempotency_key="k"),
        entries=2,
    )
    assert calls > 12


async def test_a_draft_of_a_lost_answer_is_posted_at_the_rate_that_it_then_says(
    tryton_erp: ErpPort, tryton_server: RunningTryton
) -> None:
    """Tryton converts when it posts. Treasury has entered the rate of the day meanwhile, so the
    draft, which says the one before, is made anew: what it says is what was posted."""
    admin, server = tryton_server.installation.logins()["admin"], tryton_server.settings
    await set_rates(server, admin, {"GBP": "1", "USD": "1.25"}, "2027-09-01")
    await p.onboard(tryton_erp, US, p.PENNINE)
    part = p.line("2300", "1000.00", "US-NONEXUS", "0.00", "GBP")
    bill = p.invoice(US, p.PENNINE, "2027-09-03", part)

    async def post(erp: ErpPort) -> Outcome[PostedDocument]:
        at_its_rate = await invoice_at_its_rate(erp, bill)
        return await erp.post_invoice(at_its_rate, idempotency_key="k")

    method = "model.account.invoice.create"
    assert isinstance(await with_lost_answer(server, method, post), Unknown)
    await set_rates(server, admin, {"USD": "1.5"}, "2027-09-03")
    for _ in range(2):
        posted = done(await post(tryton_erp))
        assert posted.rate is not None
        assert (posted.rate.rate, posted.rate.rate_date) == (Decimal("1.5"), p.day("2027-09-03"))
        assert posted.open_ledger_amount == p.money("1500.00", "USD")
    entries = await tryton_erp.journals(US, FIRST, LAST)
    assert p.net_of(entries, bill.document_key) == p.amounts(a1100="1500.00", a2300="-1500.00")


@pytest.mark.timeout(1200)
async def test_any_write_of_a_credit_at_its_invoices_rate_may_lose_its_answer(
    tryton_erp: ErpPort, tryton_server: RunningTryton
) -> None:
    """DM-11: Tryton converts it by another day's rate; one document, one entry that puts its rate
    right, one transfer, whichever of the writes it is: net 11.76, tax 2.24, the whole 14.00."""
    admin, server = tryton_server.installation.logins()["admin"], tryton_server.settings
    await set_rates(server, admin, {"EUR": "1", "GBP": "0.85"}, "2026-06-01")
    await set_rates(server, admin, {"GBP": "0.842"}, "2026-06-29")
    await p.onboard(tryton_erp, DE, p.PENNINE)
    given = await tryton_erp.exchange_rate(DE, "GBP", p.day("2026-06-01"))
    part = p.line("2300", "1000.00", "DE-19", "190.00", "GBP")
    bill = p.invoice(DE, p.PENNINE, "2026-06-01", part, rate=given)
    done(await tryton_erp.post_invoice(bill, idempotency_key="k"))
    less = p.line("2300", "10.00", "DE-19", "1.90", "GBP")
    last: list[LedgerCreditMemo] = []

    def make() -> LedgerCreditMemo:
        memo = p.credit_memo(bill, "2026-07-01", less, open_invoice="11.90")
        last.append(memo.model_copy(update={"rate": given}))
        return last[-1]

    calls = await survive(
        tryton_erp,
        tryton_server,
        make,
        lambda erp, command: erp.post_credit_memo(command, idempotency_key="k"),
        entries=3,
        counts=is_write,
    )
    assert calls > 8
    entries = await tryton_erp.journals(DE, FIRST, LAST)
    for memo in last:
        made = p.net_of(entries, memo.document_key)
        assert made == p.amounts(a1100="-14.00", a2300="11.76", a2120="2.24")
    left = await tryton_erp.read_document(DE, bill.document_key)
    assert left.open_amount.amount == Decimal("1190.00") - len(last) * Decimal("11.90")
    assert left.open_ledger_amount is not None
    assert left.open_ledger_amount.amount == Decimal("1400.00") - len(last) * Decimal("14.00")


async def test_any_call_of_a_receipt_may_lose_its_answer(
    tryton_erp: ErpPort, tryton_server: RunningTryton
) -> None:
    """Part payments of one invoice: each is counted once."""
    await p.onboard(tryton_erp, DE, deals.NORDWERK)
    bill = small_invoice()
    done(await tryton_erp.post_invoice(bill, idempotency_key="k"))
    calls = await survive(
        tryton_erp,
        tryton_server,
        lambda: p.receipt("1000", "2026-05-02", "1.00", (bill, "1.00")),
        lambda erp, command: erp.apply_receipt(command, idempotency_key="k"),
        entries=1,
    )
    assert calls > 8
    document = await tryton_erp.read_document(DE, bill.document_key)
    assert document.open_amount == p.money("119.00", "EUR") - p.money(f"{calls + 1}.00", "EUR")


@pytest.mark.parametrize("step", ["create", "execute", "delete"])
async def test_a_settlement_that_lost_its_answer_is_finished(
    tryton_erp: ErpPort, tryton_server: RunningTryton, step: str
) -> None:
    """Paid in full by a receipt, then by a credit memo to the balance: closed once."""
    await p.onboard(tryton_erp, DE, deals.NORDWERK)
    bill = small_invoice()
    done(await tryton_erp.post_invoice(bill, idempotency_key="k"))
    whole = p.receipt("1000", "2026-05-02", "119.00", (bill, "119.00"))
    method = f"wizard.account.move.reconcile_lines.{step}"
    lost = await with_lost_answer(
        tryton_server.settings,
        method,
        lambda erp: erp.apply_receipt(whole, idempotency_key="k"),
    )
    assert isinstance(lost, Unknown)
    found = await tryton_erp.find_document(DE, whole.document_key)
    assert found is not None
    assert (found.state is DocumentState.DRAFT) == (step == "create")
    done(await tryton_erp.apply_receipt(whole, idempotency_key="k"))
    paid = await tryton_erp.read_document(DE, bill.document_key)
    assert paid.state is DocumentState.PAID
    part = p.line("2300", "10.00", "DE-19", "1.90", "EUR")
    memo = p.credit_memo(bill, "2026-05-03", part, balance="11.90")
    lost = await with_lost_answer(
        tryton_server.settings,
        method,
        lambda erp: erp.post_credit_memo(memo, idempotency_key="k"),
    )
    assert isinstance(lost, Unknown)
    credited = done(await tryton_erp.post_credit_memo(memo, idempotency_key="k"))
    assert credited.open_amount.amount == 0
    assert await keys_posted(tryton_erp, memo.document_key) == 3


async def test_a_reversal_that_lost_its_answer_is_finished(
    tryton_erp: ErpPort, tryton_server: RunningTryton
) -> None:
    """A returned receipt: one opposite entry, the invoice open by its whole amount."""
    await p.onboard(tryton_erp, DE, deals.NORDWERK)
    bill = small_invoice()
    done(await tryton_erp.post_invoice(bill, idempotency_key="k"))
    whole = p.receipt("1000", "2026-05-02", "119.00", (bill, "119.00"))
    done(await tryton_erp.apply_receipt(whole, idempotency_key="k"))
    undo = p.reversal(DE, whole.document_key, "2026-05-09")
    for method in (
        "model.account.move.create",
        "model.account.move.post",
        "wizard.account.move.unreconcile_lines.execute",
        "model.account.invoice.write",
        "wizard.account.move.reconcile_lines.execute",
    ):
        lost = await with_lost_answer(
            tryton_server.settings,
            method,
            lambda erp: erp.reverse_journal(undo, idempotency_key="k"),
        )
        assert isinstance(lost, Unknown)
    done(await tryton_erp.reverse_journal(undo, idempotency_key="k"))
    assert await keys_posted(tryton_erp, undo.document_key) == 1
    opened = await tryton_erp.read_document(DE, bill.document_key)
    assert opened.open_amount == bill.gross


async def test_a_number_that_a_person_used_is_a_case(tryton_erp: ErpPort) -> None:
    """Kind 20: the legal number is in the ledger under another document; nothing is doubled."""
    await p.onboard(tryton_erp, US, deals.HARBORLINE)
    first = p.invoice(
        US, deals.HARBORLINE, "2026-01-10", p.line("2300", "10.00", "US-TX-SVC0", "0.00", "USD")
    )
    done(await tryton_erp.post_invoice(first, idempotency_key="k"))
    other = first.model_copy(update={"document_key": document_key()})
    outcome = await tryton_erp.post_invoice(other, idempotency_key="k")
    assert isinstance(outcome, Rejected)
    assert (outcome.case_kind, outcome.code) == ("erp.manual_document", "number_taken")
