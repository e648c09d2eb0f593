"""What people book in the fake ledger, past us, and how the ledger tells it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from dealthread.domain.ledger import EntryLine, PostedJournal
from dealthread.domain.money import Money
from dealthread.domain.revenue.journal import Side
from tests.fakes.ledger import FakeLedger


def post_by_hand(
    ledger: FakeLedger,
    company: str,
    day: date,
    description: str,
    lines: Sequence[EntryLine],
    settles: str = "",
) -> PostedJournal:
    """An entry without a key of ours; what its lines take off the receivable comes off the
    document that it settles."""
    made = ledger._enter(company, "", day, description, lines)
    if settles:
        taken = Money.total(
            (-one.signed for one in lines if one.account == "1100"), ledger.currency(company)
        )
        ledger._settle(company, settles, taken, None)
        made = made.model_copy(update={"settles": (settles,)})
        ledger.entries[-1] = made
    return made


def receipt_by_hand(
    ledger: FakeLedger,
    company: str,
    day: date,
    amount: Money,
    customer_key: str,
    settles: str = "",
    against: str = "1000",
) -> PostedJournal:
    """The bank's money, or with another account what a receivable is given up against."""
    lines = (
        EntryLine(account=against, side=Side.DEBIT, amount=amount),
        EntryLine(account="1100", side=Side.CREDIT, amount=amount, customer_key=customer_key),
    )
    return post_by_hand(ledger, company, day, "keyed by hand", lines, settles)


def entries_by_hand(
    ledger: FakeLedger,
    company: str,
    accounts: Sequence[str],
    until: date,
    most: int,
    customer_keys: Sequence[str],
) -> tuple[PostedJournal, ...]:
    """Newest first, as the port says."""
    found = [
        one
        for one in ledger.journals(company, date.min, until)
        if not one.document_key
        and any(
            line.account in accounts and (not customer_keys or line.customer_key in customer_keys)
            for line in one.lines
        )
    ]
    found.sort(key=lambda one: (one.posting_date, int(one.number)), reverse=True)
    return tuple(found[:most])
