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
    a_write_off_that_is_paid_after_all_comes_back,
)
