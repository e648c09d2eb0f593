"""Worked deals D1 to D5 through the ledger's port: whoever implements it makes these journals."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dealthread.domain.ledger_rate import LedgerRate
from dealthread.domain.posted import DocumentState
from tests.adapters.posting_ledger import DE, UK, US, Ledger
from tests.support import deals
from tests.support import postings as p


async def d1(ledger: Ledger) -> None:
    """Card payment, payout with a fee, recognition, a change with tax by line."""
    await p.onboard(ledger.erp, US, deals.HARBORLINE)
    first = p.invoice(
        US,
        deals.HARBORLINE,
        "2026-01-01",
        p.line("2300", "13500.00", "US-TX-SAAS", "891.00", "USD", item="SEAT-STD", quantity="50"),
        p.line("2300", "1500.00", "US-TX-SVC0", "0.00", "USD", item="ONB", key="L-ONB"),
    )
    posted = await ledger.do(first)
    assert (posted.number, posted.gross) == (first.number, p.money("15891.00", "USD"))
    await ledger.expect(US, first.document_key, a1100="15891.00", a2300="-15000.00", a2110="-891")
    assert await ledger.open_of(US, first.document_key) == Decimal("15891.00")
    charge = p.receipt("1050", "2026-01-01", "15891.00", (first, "15891.00"))
    assert (await ledger.do(charge)).state is DocumentState.PAID
    await ledger.expect(US, charge.document_key, a1050="15891.00", a1100="-15891.00")
    paid = await ledger.erp.read_document(US, first.document_key)
    assert (paid.state, paid.open_amount.amount) == (DocumentState.PAID, Decimal(0))
    for journal in (
        p.journal(
            US, "2026-01-05", "USD", {"1000": "15429.86", "6600": "461.14"}, {"1050": "15891.00"}
        ),
        p.journal(US, "2026-01-31", "USD", {"2300": "1061.64"}, {"4000": "1061.64"}),
        p.journal(US, "2026-02-13", "USD", {"2300": "2500.00"}, {"4200": "2500.00"}),
    ):
        await ledger.do(journal)
        made = await ledger.made(US, journal.document_key)
        assert made == {row.account: row.signed.amount for row in journal.lines}
    change = p.invoice(
        US,
        deals.HARBORLINE,
        "2026-07-01",
        p.line("2300", "-6805.48", "US-TX-SAAS", "-449.16", "USD", item="SEAT-STD", key="L-OLD"),
        p.line("2300", "9527.67", "US-TX-SAAS", "628.83", "USD", item="SEAT-STD", key="L-NEW"),
    )
    await ledger.do(change)
    await ledger.expect(US, change.document_key, a1100="2901.86", a2300="-2722.19", a2110="-179.67")
    await ledger.balances(US)


async def d2(ledger: Ledger) -> None:
    """Two part payments, a credit memo to the balance, and its use at the renewal."""
    await p.onboard(ledger.erp, DE, deals.NORDWERK)
    first = p.invoice(
        DE,
        deals.NORDWERK,
        "2026-03-15",
        p.line("2300", "17760.00", "DE-19", "3374.40", "EUR", item="SEAT-PRO", quantity="40"),
        due="2026-04-14",
        terms="NET30",
        po="4500098765",
    )
    posted = await ledger.do(first)
    assert posted.due_date == date(2026, 4, 14)
    await ledger.expect(DE, first.document_key, a1100="21134.40", a2300="-17760", a2120="-3374.40")
    part = p.receipt("1000", "2026-04-10", "11134.40", (first, "11134.40"))
    await ledger.do(part)
    assert await ledger.open_of(DE, first.document_key) == Decimal("10000.00")
    open_now = await ledger.erp.open_documents(DE, deals.NORDWERK.key)
    assert first.document_key in {one.document_key for one in open_now}
    rest = p.receipt("1000", "2026-04-14", "10000.00", (first, "10000.00"))
    await ledger.do(rest)
    await ledger.expect(DE, rest.document_key, a1000="10000.00", a1100="-10000.00")
    memo = p.credit_memo(
        first,
        "2026-09-15",
        p.line("2300", "2201.75", "DE-19", "418.33", "EUR", item="SEAT-PRO", key="L-CREDIT"),
        balance="2620.08",
    )
    credited = await ledger.do(memo)
    assert (credited.gross, credited.open_amount.amount) == (memo.gross, Decimal(0))
    await ledger.expect(DE, memo.document_key, a2300="2201.75", a2120="418.33", a2210="-2620.08")
    renewal = p.invoice(
        DE,
        deals.NORDWERK,
        "2027-03-15",
        p.line("2300", "13719.60", "DE-19", "2606.72", "EUR", item="SEAT-PRO", quantity="30"),
        due="2027-04-14",
        terms="NET30",
    )
    await ledger.do(renewal)
    used = p.receipt("2210", "2027-03-15", "2620.08", (renewal, "2620.08"))
    await ledger.do(used)
    await ledger.expect(
        DE, renewal.document_key, a1100="16326.32", a2300="-13719.60", a2120="-2606.72"
    )
    await ledger.expect(DE, used.document_key, a2210="2620.08", a1100="-2620.08")
    assert await ledger.open_of(DE, renewal.document_key) == Decimal("13706.24")
    await ledger.balances(DE)


async def d3(ledger: Ledger) -> None:
    """Usage that was accrued, a part payment, a write-off with relief of the tax."""
    await p.onboard(ledger.erp, UK, p.PENNINE)
    first = p.invoice(
        UK,
        p.PENNINE,
        "2026-04-01",
        p.line("2300", "400.00", "GB-20", "80.00", "GBP", item="PLAT-M"),
    )
    await ledger.do(first)
    await ledger.expect(UK, first.document_key, a1100="480.00", a2300="-400.00", a2120="-80.00")
    await ledger.do(
        p.journal(
            UK,
            "2026-04-30",
            "GBP",
            {"1150": "1937.04", "2300": "400.00"},
            {"4100": "1937.04", "4000": "400.00"},
        )
    )
    second = p.invoice(
        UK,
        p.PENNINE,
        "2026-05-01",
        p.line("2300", "400.00", "GB-20", "80.00", "GBP", item="PLAT-M"),
        p.line("1150", "1937.04", "GB-20", "387.41", "GBP", item="API-USE", key="L-USE"),
    )
    await ledger.do(second)
    await ledger.expect(
        UK, second.document_key, a1100="2804.45", a1150="-1937.04", a2300="-400", a2120="-467.41"
    )
    await ledger.do(p.receipt("1000", "2026-06-10", "1000.00", (second, "1000.00")))
    assert await ledger.open_of(UK, second.document_key) == Decimal("1804.45")
    given_up = p.write_off(second, "2026-12-05", a6500="1503.71", a2120="300.74")
    await ledger.do(given_up)
    await ledger.expect(
        UK, given_up.document_key, a6500="1503.71", a2120="300.74", a1100="-1804.45"
    )
    closed = await ledger.erp.read_document(UK, second.document_key)
    assert (closed.state, closed.open_amount.amount) == (DocumentState.PAID, Decimal(0))
    await ledger.balances(UK)


async def d4(ledger: Ledger) -> None:
    """Digits of a receipt transposed: 9.00 stay unapplied."""
    await p.onboard(ledger.erp, US, deals.COBALT)
    first = p.invoice(
        US,
        deals.COBALT,
        "2026-02-01",
        p.line("2300", "43200.00", "US-NY-SAAS", "3834.00", "USD", item="SEAT-PRO", quantity="100"),
        due="2026-03-03",
        terms="NET30",
    )
    await ledger.do(first)
    await ledger.expect(US, first.document_key, a1100="47034", a2300="-43200.00", a2110="-3834")
    whole = p.receipt("1000", "2026-03-03", "47043.00", (first, "47034.00"))
    got = await ledger.do(whole)
    assert (got.gross.amount, got.open_amount.amount) == (Decimal("47043.00"), Decimal("9.00"))
    await ledger.expect(US, whole.document_key, a1000="47043.00", a1100="-47034.00", a2200="-9.00")
    await ledger.balances(US)


def rate(value: str, on: str) -> LedgerRate:
    return LedgerRate(currency="GBP", rate=Decimal(value), rate_date=p.day(on), source="treasury")


async def d5(ledger: Ledger) -> None:
    """An invoice in EUR in a ledger in GBP, settled at another rate."""
    await p.onboard(ledger.erp, UK, p.LIFFEY)
    first = p.invoice(
        UK,
        p.LIFFEY,
        "2026-06-01",
        p.line("2300", "12000.00", "GB-OOS", "0.00", "EUR", item="BNDL-24"),
        due="2026-07-01",
        terms="NET30",
        rate=rate("0.8500", "2026-06-01"),
    )
    posted = await ledger.do(first)
    assert posted.gross == p.money("12000.00", "EUR")
    assert posted.open_ledger_amount == p.money("10200.00", "GBP")
    await ledger.expect(UK, first.document_key, a1100="10200.00", a2300="-10200.00")
    paid = p.receipt(
        "1000",
        "2026-06-29",
        "12000.00",
        (first, "12000.00"),
        rate=rate("0.8420", "2026-06-29"),
        carried="10200.00",
    )
    await ledger.do(paid)
    await ledger.expect(UK, paid.document_key, a1000="10104.00", a7000="96.00", a1100="-10200.00")
    closed = await ledger.erp.read_document(UK, first.document_key)
    assert (closed.state, closed.open_amount.amount) == (DocumentState.PAID, Decimal(0))
    service = p.journal(UK, "2026-07-10", "GBP", {"2300": "2040.00"}, {"4200": "2040.00"})
    await ledger.do(service)
    await ledger.expect(UK, service.document_key, a2300="2040.00", a4200="-2040.00")
    await ledger.balances(UK)


DEALS = (d1, d2, d3, d4, d5)
