"""Money beside its payment, through the ledger's port: payouts, disputes, claims given up."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from dealthread.domain.base import Ref, System
from dealthread.domain.dispute import (
    Dispute,
    DisputeAccounts,
    DisputeStatus,
    LostDispute,
    lost_entry,
    opened_entry,
)
from dealthread.domain.ledger import LedgerJournal
from dealthread.domain.money import Money
from dealthread.domain.payout import (
    MovementKind,
    Movements,
    Payout,
    PayoutAccounts,
    PayoutStatus,
    Posted,
    check,
    settlement_of,
)
from dealthread.outcome import Rejected
from tests.adapters.posting_deals import rate
from tests.support import deals
from tests.support import postings as p
from tests.support.tryton import document_key

if TYPE_CHECKING:
    from tests.adapters.posting_ledger import Ledger

US, UK = "1", "3"


def usd(amount: str) -> Money:
    return p.money(amount, "USD")


def _payout(day: str, kind: MovementKind, amount: str, fee: str) -> LedgerJournal:
    moved = Movements(kind=kind, count=1, amount=usd(amount), fee=usd(fee))
    payout = Payout(
        ref=Ref(system=System.BILLING, account="acct", kind="payout", native_id="po_1"),
        status=PayoutStatus.PAID,
        amount=moved.net,
        arrival_date=date.fromisoformat(day),
        is_automatic=True,
        is_itemised=True,
        movements=(moved,),
    )
    check(payout, "USD")
    made = settlement_of(payout, Posted(document_key=document_key(), company=US), PayoutAccounts())
    assert made is not None
    return made


async def a_lost_dispute_leaves_a_claim_and_nothing_on_clearing(ledger: Ledger) -> None:
    """Paid, paid out, taken back, paid out again, lost: the customer owes it, fees are costs."""
    await p.onboard(ledger.erp, US, deals.HARBORLINE)
    first = p.invoice(
        US, deals.HARBORLINE, "2026-01-10", p.line("2300", "100.00", "US-TX-SVC0", "0.00", "USD")
    )
    await ledger.do(first)
    paid = p.receipt("1050", "2026-01-10", "100.00", (first, "100.00"))
    await ledger.do(paid)
    dispute = Dispute(
        ref=Ref(system=System.BILLING, account="acct", kind="dispute", native_id="du_1"),
        status=DisputeStatus.LOST,
        amount=usd("100.00"),
        reason="fraudulent",
        withdrawn=usd("100.00"),
        reinstated=usd("0.00"),
        fee=usd("15.00"),
        fee_returned=usd("0.00"),
        opened_on=date(2026, 2, 1),
    )
    accounts = DisputeAccounts()
    opened = opened_entry(dispute, document_key(), US, accounts, first.number)
    lost = lost_entry(
        dispute,
        document_key(),
        US,
        accounts,
        first.number,
        date(2026, 3, 1),
        LostDispute.REOPEN,
    )
    assert opened is not None
    assert lost is not None
    undone = p.reversal(US, paid.document_key, "2026-03-01")
    charged = _payout("2026-01-14", MovementKind.CHARGE, "100.00", "3.20")
    taken = _payout("2026-02-03", MovementKind.DISPUTE, "-100.00", "15.00")
    books: dict[str, Decimal] = {}
    for journal in (charged, opened, taken):
        await ledger.do(journal)
    assert await ledger.open_of(US, first.document_key) == 0
    await ledger.do(undone)
    await ledger.do(lost)
    for key in (
        first.document_key,
        paid.document_key,
        charged.document_key,
        opened.document_key,
        taken.document_key,
        undone.document_key,
        lost.document_key,
    ):
        for account, amount in (await ledger.made(US, key)).items():
            books[account] = books.get(account, Decimal(0)) + amount
    assert {account: amount for account, amount in books.items() if amount} == {
        "1100": Decimal("100.00"),
        "2300": Decimal("-100.00"),
        "1000": Decimal("-18.20"),
        "6600": Decimal("3.20"),
        "6650": Decimal("15.00"),
    }
    assert await ledger.open_of(US, first.document_key) == Decimal("100.00")


async def a_part_of_a_payment_that_is_lost_is_owed_again(ledger: Ledger) -> None:
    """Two payments of an invoice, 100.00 and 20.00; of the first 30.00 are taken back: its entry is
    reversed, 70.00 of it settle again, 30.00 are open. What is undone is not undone again."""
    await p.onboard(ledger.erp, US, deals.HARBORLINE)
    first = p.invoice(
        US, deals.HARBORLINE, "2026-01-10", p.line("2300", "120.00", "US-TX-SVC0", "0.00", "USD")
    )
    await ledger.do(first)
    card = p.receipt("1050", "2026-01-10", "100.00", (first, "100.00"))
    await ledger.do(card)
    await ledger.do(p.receipt("1000", "2026-01-12", "20.00", (first, "20.00")))
    assert await ledger.open_of(US, first.document_key) == 0
    undone = p.reversal(US, card.document_key, "2026-03-01")
    assert (await ledger.do(undone)).gross == usd("100.00")
    assert await ledger.open_of(US, first.document_key) == Decimal("100.00")
    left = p.receipt("1050", "2026-03-01", "70.00", (first, "70.00"))
    left = left.model_copy(update={"drawn_from": card.document_key})
    await ledger.do(left)
    assert await ledger.open_of(US, first.document_key) == Decimal("30.00")
    again = p.reversal(US, card.document_key, "2026-03-02")
    refused = await ledger.erp.reverse_journal(again, idempotency_key="k")
    assert isinstance(refused, Rejected)
    assert (refused.code, refused.field) == ("reversed_already", "reverses")
    assert await ledger.erp.find_document(US, again.document_key) is None
    # What is left may be taken back too.
    await ledger.do(p.reversal(US, left.document_key, "2026-03-03"))
    assert await ledger.open_of(US, first.document_key) == Decimal("100.00")


async def a_part_that_is_lost_in_another_currency_is_owed_at_its_invoices_rate(
    ledger: Ledger,
) -> None:
    """D5's 12,000.00 EUR at 0.85, paid at 0.842: 96.00 were realised. Of 3,000.00 that are lost the
    invoice carries 2,550.00 GBP again; of what stays paid 72.00 are realised."""
    await p.onboard(ledger.erp, UK, p.LIFFEY)
    issued, paid_at = rate("0.85", "2026-06-01"), rate("0.842", "2026-06-29")
    first = p.invoice(
        UK, p.LIFFEY, "2026-06-01", p.line("2300", "12000.00", "GB-OOS", "0.00", "EUR"), rate=issued
    )
    await ledger.do(first)
    paid = p.receipt(
        "1050", "2026-06-29", "12000.00", (first, "12000.00"), rate=paid_at, carried="10200.00"
    )
    await ledger.do(paid)
    undone = p.reversal(UK, paid.document_key, "2026-06-30")
    told = await ledger.do(undone)
    assert (told.gross, told.customer_key) == (p.money("12000.00", "EUR"), p.LIFFEY.key)
    await ledger.expect(
        UK, undone.document_key, a1100="10200.00", a1050="-10104.00", a7000="-96.00"
    )
    left = p.receipt(
        "1050", "2026-06-30", "9000.00", (first, "9000.00"), rate=paid_at, carried="7650.00"
    ).model_copy(update={"drawn_from": paid.document_key})
    await ledger.do(left)
    await ledger.expect(UK, left.document_key, a1050="7578.00", a7000="72.00", a1100="-7650.00")
    owed = await ledger.erp.read_document(UK, first.document_key)
    assert owed.open_amount == p.money("3000.00", "EUR")
    assert owed.open_ledger_amount == p.money("2550.00", "GBP")


async def a_write_off_that_is_paid_after_all_comes_back(ledger: Ledger) -> None:
    """Expense and tax are taken back, and the payment settles the invoice like any other."""
    await p.onboard(ledger.erp, UK, p.PENNINE)
    first = p.invoice(
        UK, p.PENNINE, "2026-04-01", p.line("2300", "400.00", "GB-20", "80.00", "GBP")
    )
    await ledger.do(first)
    given_up = p.write_off(first, "2026-12-05", a6500="400.00", a2120="80.00")
    await ledger.do(given_up)
    assert await ledger.open_of(UK, first.document_key) == 0
    undone = p.reversal(UK, given_up.document_key, "2026-12-20")
    await ledger.do(undone)
    await ledger.expect(UK, undone.document_key, a6500="-400.00", a2120="-80.00", a1100="480.00")
    assert await ledger.open_of(UK, first.document_key) == Decimal("480.00")
    await ledger.do(p.receipt("1000", "2026-12-20", "480.00", (first, "480.00")))
    assert await ledger.open_of(UK, first.document_key) == 0


BESIDE = (
    a_lost_dispute_leaves_a_claim_and_nothing_on_clearing,
    a_part_of_a_payment_that_is_lost_is_owed_again,
    a_part_that_is_lost_in_another_currency_is_owed_at_its_invoices_rate,
    a_write_off_that_is_paid_after_all_comes_back,
)
