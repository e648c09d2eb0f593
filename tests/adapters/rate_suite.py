"""Rates of exchange through the ledger's port, on the days of D5."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dealthread.domain.paid_out import Cleared, ForeignPayout, entry_of
from dealthread.domain.payout import PayoutAccounts
from dealthread.errors import StepRejected
from dealthread.outcome import Rejected
from tests.adapters.posting_deals import rate
from tests.adapters.posting_ledger import DE, UK, Ledger
from tests.support import postings as p
from tests.support.tryton import document_key


async def the_rate_of_a_day_is_the_ledgers_own(ledger: Ledger) -> None:
    """DM-11: the latest of that day, none where nobody entered one lately, never one to one."""
    for on, value, entered in (
        ("2026-06-01", "0.85", "2026-06-01"),
        ("2026-06-08", "0.85", "2026-06-01"),
        ("2026-06-29", "0.842", "2026-06-29"),
    ):
        rate = await ledger.erp.exchange_rate(UK, "EUR", p.day(on))
        assert rate is not None
        assert (rate.rate, rate.currency) == (Decimal(value), "GBP")
        assert rate.rate_date == p.day(entered)
    assert await ledger.erp.exchange_rate(DE, "EUR", p.day("2026-06-01")) is None
    for currency, on in (("EUR", "2026-06-09"), ("USD", "2026-06-01"), ("EUR", "2026-05-31")):
        with pytest.raises(StepRejected) as refused:
            await ledger.erp.exchange_rate(UK, currency, p.day(on))
        evidence = refused.value.evidence
        assert (refused.value.code, refused.value.field) == ("rate_missing", "rate")
        assert (evidence["currency"], evidence["day"]) == (currency, on)


async def an_invoice_says_the_rate_it_was_posted_at(ledger: Ledger) -> None:
    """It is read back from the ledger; without one, or at another one, nothing is posted."""
    await p.onboard(ledger.erp, UK, p.LIFFEY)
    part = p.line("2300", "10.10", "GB-OOS", "0.00", "EUR")
    for given, code in ((None, "rate_missing"), (rate("0.8400", "2026-06-01"), "rate_differs")):
        wrong = p.invoice(UK, p.LIFFEY, "2026-06-01", part, rate=given)
        refused = await ledger.erp.post_invoice(wrong, idempotency_key="k")
        assert isinstance(refused, Rejected)
        assert (refused.case_kind, refused.code) == ("erp.rejected", code)
        assert await ledger.erp.find_document(UK, wrong.document_key) is None
    right = p.invoice(UK, p.LIFFEY, "2026-06-01", part, rate=rate("0.85", "2026-06-01"))
    assert (await ledger.do(right)).rate == right.rate


async def a_repeat_keeps_the_rate_of_the_first(ledger: Ledger) -> None:
    """Whatever rate the repeat brings, after treasury's table has changed: one document under its
    key, at the rate at which it was posted (docs/adr/0025)."""
    await p.onboard(ledger.erp, UK, p.LIFFEY)
    part = p.line("2300", "12000.00", "GB-OOS", "0.00", "EUR")
    first, other = rate("0.85", "2026-06-01"), rate("0.842", "2026-06-29")
    bill = p.invoice(UK, p.LIFFEY, "2026-06-01", part, rate=first)
    paid, day = (bill, "12000.00"), "2026-06-01"
    money = p.receipt("1000", day, "12000.00", paid, rate=first, carried="10200.00")
    for document in (bill, money):
        posted = await ledger.do(document)
        again = await ledger.do(document.model_copy(update={"rate": other}))
        assert (again.ref, again.rate) == (posted.ref, first)
    await ledger.expect(UK, bill.document_key, a1100="10200.00", a2300="-10200.00")
    await ledger.expect(UK, money.document_key, a1000="10200.00", a1100="-10200.00")


async def a_foreign_payout_is_one_entry_in_both_currencies(ledger: Ledger) -> None:
    """D5's 12,000.00 EUR, carried at 10,200.00 GBP, less 300.00 EUR: at 0.842 that is 9,851.40 and
    252.60, and 96.00 are lost."""
    own = await ledger.erp.exchange_rate(UK, "EUR", p.day("2026-06-30"))
    payout = ForeignPayout(
        document_key=document_key(),
        company=UK,
        posting_date=p.day("2026-06-30"),
        description="Payout po_1",
        bank=p.money("11700.00", "EUR"),
        fees=p.money("300.00", "EUR"),
        adjustments=p.money("0.00", "EUR"),
        cleared=(
            Cleared(
                original=p.money("12000.00", "EUR"), carried=p.money("10200.00", "GBP"), count=1
            ),
        ),
        accounts=PayoutAccounts(),
    )
    entry = entry_of(payout, own, "GBP")
    await ledger.do(entry)
    await ledger.expect(
        UK, entry.document_key, a1000="9851.40", a6600="252.60", a1050="-10200.00", a7000="96.00"
    )
    (made,) = [
        one
        for one in await ledger.erp.journals(UK, p.day("2026-06-30"), p.day("2026-07-01"))
        if one.document_key == entry.document_key
    ]
    foreign = {line.account: str(line.document_amount or "") for line in made.lines}
    assert foreign == {
        "1000": "11,700.00 EUR",
        "6600": "300.00 EUR",
        "1050": "12,000.00 EUR",
        "7000": "",
    }


RATES = (
    a_foreign_payout_is_one_entry_in_both_currencies,
    the_rate_of_a_day_is_the_ledgers_own,
    an_invoice_says_the_rate_it_was_posted_at,
    a_repeat_keeps_the_rate_of_the_first,
)
